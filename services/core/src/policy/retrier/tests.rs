use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::{
    Breaker, BreakerState, Budget, DelayLaw, Deposit, Hedging, InFlightBudget, Jitter, MinRetryRate, RetryAfter,
    StrategyName, Throttle, WindowBudget,
};

/// Drives one request whose first `failures` attempts fail; gives its attempts, the waits in seconds and its fate.
fn drive(name: StrategyName, failures: u32) -> (u32, Vec<f64>, Fate) {
    let policy = name.preset();
    let mut limits = Limits::new(&policy, 0);
    let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, 0) };
    let (mut retrier, mut waits) = (Retrier::new(&policy, 0, None), Vec::new());
    let mut step = retrier.begin(&mut turn);
    loop {
        step = match step {
            Step::Start(Start { number, .. }) => {
                let outcome = if number <= failures { Outcome::Retryable } else { Outcome::Success };
                waits.extend((number > 1).then_some(turn.now_ns as f64 / 1e9));
                retrier.ended(AttemptEnd { number, outcome, pushback: None }, &mut turn)
            }
            Step::Wait => {
                turn.now_ns = retrier.wake_at_ns().unwrap();
                retrier.wake(&mut turn)
            }
            Step::End(fate) => {
                let starts = std::iter::once(&0.0).chain(&waits);
                let waits = waits.iter().zip(starts).map(|(now, before)| now - before).collect();
                return (retrier.attempts(), waits, fate);
            }
        };
    }
}

#[test]
fn none_never_retries() {
    assert_eq!(drive(StrategyName::None, 9), (1, vec![], Fate::Exhausted));
}

#[test]
fn naive_makes_three_attempts_at_once() {
    assert_eq!(drive(StrategyName::Naive, 9), (3, vec![0.0, 0.0], Fate::Exhausted));
}

#[test]
fn backoff_waits_one_two_and_four_seconds() {
    assert_eq!(drive(StrategyName::Backoff, 9), (4, vec![1.0, 2.0, 4.0], Fate::Exhausted));
}

#[test]
fn jitter_adds_between_nothing_and_the_delay_itself() {
    let (attempts, waits, _) = drive(StrategyName::Jitter, 9);
    assert_eq!(attempts, 4);
    for (wait, delay) in waits.iter().zip([1.0, 2.0, 4.0]) {
        assert!((delay..delay * 2.0).contains(wait), "{wait} is not in [{delay}, {})", delay * 2.0);
    }
}

#[test]
fn a_success_ends_the_request_and_tells_whether_it_took_a_retry() {
    assert_eq!(drive(StrategyName::Fixed, 0), (1, vec![], Fate::Ok));
    assert_eq!(drive(StrategyName::Fixed, 2), (3, vec![0.5, 0.5], Fate::OkAfterRetry));
}

#[test]
fn what_cannot_be_mended_is_not_retried() {
    let policy = StrategyName::Backoff.preset();
    let mut turn = Turn { policy: &policy, limits: &mut Limits::default(), now_ns: 0, draws: Draws::new(1, 0) };
    let mut retrier = Retrier::new(&policy, 0, None);
    retrier.begin(&mut turn);
    let end = AttemptEnd { number: 1, outcome: Outcome::of_status(404), pushback: None };
    assert_eq!(retrier.ended(end, &mut turn), Step::End(Fate::NotRetryable));
}

#[test]
fn a_denial_is_told_once_and_names_the_mechanism() {
    let budget = Budget::InFlight(InFlightBudget { percent: 1, min_retries: 0 });
    let policy = Policy { budget: Some(budget), ..StrategyName::Naive.preset() };
    let mut limits = Limits::new(&policy, 0);
    let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, 0) };
    let mut retrier = Retrier::new(&policy, 0, None);
    retrier.begin(&mut turn);
    let end = AttemptEnd { number: 1, outcome: Outcome::Retryable, pushback: None };
    assert_eq!(retrier.ended(end, &mut turn), Step::End(Fate::BudgetDenied));
    assert_eq!((retrier.take_denial(), retrier.take_denial()), (Some(Denial::Budget), None));
}

/// The policy, with a hedge beside an attempt that takes 10 ms.
fn hedging_soon(policy: Policy) -> Policy {
    Policy { hedging: Some(Hedging { delay_ms: 10, max_hedges: 1 }), ..policy }
}

#[test]
fn a_hedge_that_the_breaker_refuses_costs_nothing() {
    let breaker = Breaker { failure_percent: 50, min_calls: 2, interval_ms: 10_000, open_ms: 60_000, probes: 1 };
    let preset = StrategyName::AwsStandard.preset();
    let policy = hedging_soon(Policy { breaker: Some(breaker), ..preset });
    let mut limits = Limits::new(&policy, 0);
    let full = limits.budget_left_milli(0);
    let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, 0) };
    let mut retrier = Retrier::new(&policy, 0, None);
    retrier.begin(&mut turn);
    for _ in 0..2 {
        turn.limits.end_attempt(Outcome::Retryable, Passage::Closed(0), false, 0, 0); // others fail
    }
    turn.now_ns = retrier.wake_at_ns().unwrap();
    assert_eq!(retrier.wake(&mut turn), Step::Wait);
    assert_eq!(retrier.take_denial(), Some(Denial::Breaker));
    assert_eq!(turn.limits.budget_left_milli(turn.now_ns), full);
}

/// One request's first attempt takes so long that the breaker has opened and closed again before its hedge begins. The hedge's
/// failure is the first to count then, and the first attempt's is none.
#[test]
fn each_attempt_of_a_request_counts_in_the_period_of_the_breaker_in_which_it_passed() {
    let breaker = Breaker { failure_percent: 100, min_calls: 2, interval_ms: 60_000, open_ms: 1, probes: 1 };
    let policy = hedging_soon(Policy { breaker: Some(breaker), ..StrategyName::Naive.preset() });
    let mut limits = Limits::new(&policy, 0);
    let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, 0) };
    let mut retrier = Retrier::new(&policy, 0, None);
    retrier.begin(&mut turn);
    (0..2).for_each(|_| turn.limits.end_attempt(Outcome::Retryable, Passage::Closed(0), false, 0, 0)); // others fail
    turn.now_ns = 2 * NS_PER_MS;
    assert_eq!(turn.limits.begin_attempt(true, 1, Draws::new(1, 1), turn.now_ns), Ok(Passage::Probe));
    turn.limits.end_attempt(Outcome::Success, Passage::Probe, false, 0, turn.now_ns);
    turn.now_ns = retrier.wake_at_ns().unwrap();
    assert!(matches!(retrier.wake(&mut turn), Step::Start(Start { number: 2, .. })));
    let failed = |number| AttemptEnd { number, outcome: Outcome::Retryable, pushback: None };
    assert_eq!(retrier.ended(failed(2), &mut turn), Step::Wait);
    retrier.ended(failed(1), &mut turn);
    assert_eq!(turn.limits.breaker_state(turn.now_ns), Some(BreakerState::Closed));
    assert!(matches!(retrier.ended(failed(3), &mut turn), Step::End(Fate::Exhausted)));
    assert_eq!(turn.limits.breaker_state(turn.now_ns), Some(BreakerState::Open), "the hedge and the retry have failed");
}

/// With the chance c = (99 − 2·20)/100 to be turned away, a retry is turned away for c of the requests whose hedge was, within
/// three standard errors: it is another question, although it is about an attempt of the same number.
#[test]
fn a_retry_after_a_hedge_that_was_turned_away_asks_anew() {
    let policy = hedging_soon(Policy {
        throttle: Some(Throttle { k_milli: 2_000, interval_ms: 3_600_000 }),
        ..StrategyName::Naive.preset()
    });
    let mut before = Limits::new(&policy, 0);
    for i in 0..97 {
        let _admitted = before.begin_attempt(false, 1, Draws::new(2, i), 0);
    }
    (0..20).for_each(|_| before.end_attempt(Outcome::Success, Passage::Closed(0), false, 0, 0));
    let (mut hedges, mut again) = (0.0, 0.0);
    for serial in 0..20_000 {
        let mut limits = before.clone();
        let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, serial) };
        let mut retrier = Retrier::new(&policy, 0, None);
        if !matches!(retrier.begin(&mut turn), Step::Start(_)) {
            continue;
        }
        turn.now_ns = retrier.wake_at_ns().unwrap();
        if retrier.wake(&mut turn) == Step::Wait {
            hedges += 1.0;
            let end = AttemptEnd { number: 1, outcome: Outcome::Retryable, pushback: None };
            again += f64::from(u8::from(retrier.ended(end, &mut turn) == Step::End(Fate::BudgetDenied)));
        }
    }
    let (share, chance) = (again / hedges, 0.59f64);
    let band = 3.0 * (chance * (1.0 - chance) / hedges).sqrt();
    assert!((share - chance).abs() <= band, "{share} of {hedges}, expected {chance} ± {band}");
}

#[test]
fn a_request_under_way_is_small() {
    assert!(size_of::<Retrier>() <= 48, "{} bytes", size_of::<Retrier>());
    assert!(size_of::<Limits>() <= 32, "{} bytes", size_of::<Limits>());
}

/// Any policy, composed of any mechanisms.
fn policies() -> impl Strategy<Value = Policy> {
    let window = WindowBudget {
        percent: 30,
        interval_ms: 1_000,
        deposit: Deposit::OnRequest,
        min_retry_rate: MinRetryRate { count: 1, interval_ms: 1_000 },
    };
    let budgets = prop_oneof![
        Just(None),
        Just(Some(Budget::Window(window))),
        Just(Some(Budget::InFlight(InFlightBudget { percent: 50, min_retries: 1 }))),
        Just(StrategyName::AwsStandard.preset().budget),
        Just(StrategyName::Grpc.preset().budget),
    ];
    let breaker = Breaker { failure_percent: 60, min_calls: 5, interval_ms: 1_000, open_ms: 300, probes: 2 };
    let options = (any::<bool>(), any::<bool>(), prop::option::of(1u64..4), prop::option::of(1u64..2_000));
    (2u32..=20, budgets, options, 1u64..300).prop_map(
        move |(max_attempts, budget, (throttle, breaks, hedges, deadline_ms), base_ms)| Policy {
            budget,
            throttle: throttle.then_some(Throttle { k_milli: 2_000, interval_ms: 1_000 }),
            breaker: breaks.then_some(breaker),
            hedging: hedges
                .map(|n| Hedging { delay_ms: base_ms / 2 + 1, max_hedges: (n as u32).min(max_attempts - 1) }),
            deadline_ms,
            retry_after: Some(RetryAfter { cap_ms: 500, jitter_permille: 300 }),
            ..Policy::plain(
                max_attempts,
                DelayLaw::Exponential { base_ms, factor: 2, cap_ms: 1_000, jitter: Jitter::Full },
            )
        },
    )
}

/// One client's requests, driven by whatever happens next.
struct Crowd<'p> {
    policy: &'p Policy,
    limits: Limits,
    now_ns: u64,
    requests: Vec<(Retrier, Vec<u32>, u64)>,
}

impl Crowd<'_> {
    fn take(&mut self, i: usize, take: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) {
        let Self { policy, limits, now_ns, requests } = self;
        let (retrier, in_flight, begun_ns) = &mut requests[i];
        let mut turn = Turn { policy, limits, now_ns: *now_ns, draws: Draws::new(9, i as u64) };
        let step = take(retrier, &mut turn);
        match step {
            Step::Start(start) => {
                in_flight.push(start.number);
                assert!(start.number <= policy.max_attempts, "more attempts than allowed");
                let left = policy.deadline_ms.map(|ms| *begun_ns + ms * NS_PER_MS - *now_ns);
                assert_eq!(start.left_ns, left, "what is left until the deadline");
            }
            Step::Wait => assert!(!in_flight.is_empty() || retrier.wake_at_ns().is_some(), "it would wait for ever"),
            Step::End(_) => {
                requests.swap_remove(i);
                return;
            }
        }
        assert_eq!(retrier.in_flight() as usize, in_flight.len());
        assert!(u32::from(retrier.hedges) <= policy.hedging.map_or(0, |h| h.max_hedges), "more hedges than allowed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever happens, in whatever order: no request makes too many attempts or waits for ever, every one ends, and when
    /// all have, nothing that they shared is still held.
    #[test]
    fn every_request_ends_and_leaves_nothing_behind(policy in policies(), happenings in prop::collection::vec((0u8..8, 0usize..1_000, 0u64..100), 1..300)) {
        prop_assert_eq!(policy.validate(), Ok(()));
        let mut crowd = Crowd { policy: &policy, limits: Limits::new(&policy, 0), now_ns: 0, requests: vec![] };
        let calm = std::iter::repeat_n((1, 0, 50), 40_000);
        for (what, which, ms) in happenings.into_iter().chain(calm) {
            crowd.now_ns += ms * NS_PER_MS;
            if what == 0 {
                let now_ns = crowd.now_ns;
                crowd.requests.push((Retrier::new(&policy, now_ns, None), vec![], now_ns));
                crowd.take(crowd.requests.len() - 1, Retrier::begin);
                continue;
            }
            if crowd.requests.is_empty() {
                continue;
            }
            let i = which % crowd.requests.len();
            if let Some(number) = crowd.requests[i].1.pop() {
                let outcome = [Outcome::Retryable, Outcome::TimedOut, Outcome::Success, Outcome::NotRetryable][usize::from(what) % 4];
                let pushback = (what == 5).then_some(Pushback::AfterMs(ms));
                crowd.take(i, |retrier, turn| retrier.ended(AttemptEnd { number, outcome, pushback }, turn));
            } else {
                crowd.take(i, Retrier::wake);
            }
        }
        prop_assert!(crowd.requests.is_empty(), "{} have not ended", crowd.requests.len());
        prop_assert_eq!(crowd.limits.held(), (0, 0, 0));
    }
}

/// Any delay law, with bounds that one request can meet.
fn laws() -> impl Strategy<Value = DelayLaw> {
    let jitters = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Additive),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        (0u32..=1_000).prop_map(|permille| Jitter::Symmetric { permille }),
    ];
    let bounds = || (1u64..2_000, 0u64..60_000).prop_map(|(base_ms, more)| (base_ms, base_ms + more));
    prop_oneof![
        Just(DelayLaw::None),
        (0u64..5_000).prop_map(|delay_ms| DelayLaw::Fixed { delay_ms }),
        (bounds(), 1u32..=10, jitters).prop_map(|((base_ms, cap_ms), factor, jitter)| DelayLaw::Exponential {
            base_ms,
            factor,
            cap_ms,
            jitter
        }),
        bounds().prop_map(|(base_ms, cap_ms)| DelayLaw::Decorrelated { base_ms, cap_ms }),
        bounds().prop_map(|(base_ms, cap_ms)| DelayLaw::Envoy { base_ms, cap_ms }),
    ]
}

/// Any policy without limits: what a request's length follows from.
fn lone_policies() -> impl Strategy<Value = Policy> {
    let retry_after = (1u64..30_000, 0u32..=1_000);
    let retry_after = retry_after.prop_map(|(cap_ms, jitter_permille)| RetryAfter { cap_ms, jitter_permille });
    let hedging = (1u64..3_000, 1u32..20).prop_map(|(delay_ms, max_hedges)| Hedging { delay_ms, max_hedges });
    let options = (prop::option::of(retry_after), prop::option::of(hedging), prop::option::of(1u64..60_000));
    (2u32..=20, laws(), options).prop_map(|(max_attempts, delay, (retry_after, hedging, deadline_ms))| Policy {
        retry_after,
        hedging: hedging.map(|hedging| Hedging { max_hedges: hedging.max_hedges.min(max_attempts - 1), ..hedging }),
        deadline_ms,
        ..Policy::plain(max_attempts, delay)
    })
}

/// How long an attempt takes in thousandths of the timeout, and after how many milliseconds its answer says to come back.
type Failure = (u64, Option<u64>);

/// Drives one request all of whose attempts fail, in this way or that; gives how long it took.
fn length_of(policy: &Policy, timeout_ns: u64, serial: u64, failures: &[Failure]) -> u64 {
    let mut limits = Limits::default();
    let mut turn = Turn { policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, serial) };
    let (mut retrier, mut in_flight) = (Retrier::new(policy, 0, None), Vec::new());
    let mut step = retrier.begin(&mut turn);
    loop {
        match step {
            Step::Start(Start { number, left_ns, .. }) => {
                let (permille, asked_ms) = failures[number as usize - 1];
                let takes_ns = (timeout_ns / 1_000 * permille).min(left_ns.unwrap_or(NEVER));
                let outcome = if permille == 1_000 { Outcome::TimedOut } else { Outcome::Retryable };
                let end = AttemptEnd { number, outcome, pushback: asked_ms.map(Pushback::AfterMs) };
                in_flight.push((turn.now_ns + takes_ns, end));
            }
            Step::Wait => {}
            Step::End(_) => return turn.now_ns,
        }
        let next = (0..in_flight.len()).min_by_key(|&i| in_flight[i].0);
        let wake_ns = retrier.wake_at_ns().unwrap_or(NEVER);
        step = if let Some(i) = next.filter(|&i| in_flight[i].0 <= wake_ns) {
            let (at_ns, end) = in_flight.swap_remove(i);
            turn.now_ns = at_ns;
            retrier.ended(end, &mut turn)
        } else {
            turn.now_ns = wake_ns;
            retrier.wake(&mut turn)
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the law, what answers ask for, the caps, hedges and the deadline.
    #[test]
    fn no_request_outlasts_the_longest(policy in lone_policies(), timeout_ms in 1u64..3_000, serial: u64, failures in prop::collection::vec((prop_oneof![Just(1_000u64), 0u64..1_000], prop::option::of(0u64..60_000)), 20)) {
        prop_assert_eq!(policy.validate(), Ok(()));
        let took = Duration::from_nanos(length_of(&policy, timeout_ms * NS_PER_MS, serial, &failures));
        let longest = policy.longest_request(Duration::from_millis(timeout_ms));
        prop_assert!(took <= longest, "{took:?}, and the longest is {longest:?}");
    }
}

/// AWS Architecture Blog, "Exponential Backoff And Jitter": `sleep = min(cap, random_between(base, sleep * 3))`, where sleep is what
/// this formula gave before. An answer that asks for 10 s makes a wait longer, and the next draw no greater.
#[test]
fn a_wait_that_was_asked_for_is_no_part_of_decorrelated_jitter() {
    let delay = DelayLaw::Decorrelated { base_ms: 100, cap_ms: 60_000 };
    let policy =
        Policy { retry_after: Some(RetryAfter { cap_ms: 10_000, jitter_permille: 0 }), ..Policy::plain(4, delay) };
    assert_eq!(policy.longest_request(Duration::from_secs(1)), Duration::from_secs(34));
    let mut failures = [(1_000, Some(10_000)); 4];
    for serial in 0..1_000 {
        assert_eq!(length_of(&policy, 1_000 * NS_PER_MS, serial, &failures), 34_000 * NS_PER_MS);
    }
    failures[1] = (1_000, None);
    for serial in 0..1_000 {
        let third_wait_ns = length_of(&policy, 1_000 * NS_PER_MS, serial, &failures) - 24_000 * NS_PER_MS;
        assert!((100 * NS_PER_MS..=900 * NS_PER_MS).contains(&third_wait_ns), "{third_wait_ns} ns");
    }
}
