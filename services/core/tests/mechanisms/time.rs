//! Deadlines, `Retry-After`, and draws that do not depend on the interleaving.

use proptest::prelude::*;
use retrylab_core::policy::{
    AttemptEnd, DelayLaw, Draws, Fate, Jitter, Limits, Outcome, Policy, Pushback, Retrier, RetryAfter, Step, Turn,
};

use crate::{
    Lab, Reply,
    driver::{MS, SECOND},
};

const DOUBLING: DelayLaw = DelayLaw::Exponential { base_ms: 100, factor: 2, cap_ms: 60_000, jitter: Jitter::None };

/// When a lone request's attempts begin, in ms, and how it ends; each attempt fails after `fails_after_ms`.
fn attempts(
    policy: &Policy,
    left_ms: Option<u64>,
    fails_after_ms: u64,
    pushback: Option<Pushback>,
) -> (Vec<u64>, Fate) {
    let mut turn = Turn { policy, limits: &mut Limits::default(), now_ns: 0, draws: Draws::new(1, 1) };
    let mut retrier = Retrier::new(policy, 0, left_ms.map(|ms| ms * MS));
    let (mut step, mut begun) = (retrier.begin(&mut turn), Vec::new());
    loop {
        step = match step {
            Step::Start(start) => {
                begun.push(turn.now_ns / MS);
                let (took, outcome) = match start.left_ns.filter(|left| *left < fails_after_ms * MS) {
                    Some(left) => (left, Outcome::TimedOut),
                    None => (fails_after_ms * MS, Outcome::Retryable),
                };
                turn.now_ns += took;
                retrier.ended(AttemptEnd { number: start.number, outcome, pushback }, &mut turn)
            }
            Step::Wait => {
                turn.now_ns = retrier.wake_at_ns().expect("nothing is in flight");
                retrier.wake(&mut turn)
            }
            Step::End(fate) => return (begun, fate),
        };
    }
}

#[test]
fn no_retry_is_begun_that_could_not_start_before_the_deadline() {
    let within = |deadline_ms, fails_after_ms| {
        let policy = Policy { deadline_ms: Some(deadline_ms), ..Policy::plain(4, DOUBLING) };
        attempts(&policy, None, fails_after_ms, None)
    };
    assert_eq!(within(10_000, 0), (vec![0, 100, 300, 700], Fate::Exhausted));
    assert_eq!(within(500, 0), (vec![0, 100, 300], Fate::Deadline));
    assert_eq!(within(300, 0), (vec![0, 100], Fate::Deadline), "the third would begin at the deadline itself");
    assert_eq!(within(301, 0), (vec![0, 100, 300], Fate::Deadline));
    assert_eq!(within(150, 80), (vec![0], Fate::Deadline), "80 + 100 is too late");
    assert_eq!(within(50, 80), (vec![0], Fate::Deadline), "the first attempt is cut off");
}

#[test]
fn a_deadline_that_came_with_the_request_holds_as_well_and_the_nearer_one_counts() {
    let policy = Policy { deadline_ms: Some(500), ..Policy::plain(4, DOUBLING) };
    assert_eq!(attempts(&policy, Some(200), 0, None).0, [0, 100]);
    assert_eq!(attempts(&policy, Some(9_000), 0, None).0, [0, 100, 300]);
    assert_eq!(attempts(&Policy::plain(4, DOUBLING), Some(200), 0, None), (vec![0, 100], Fate::Deadline));
    assert_eq!(attempts(&policy, Some(0), 0, None), (vec![], Fate::Deadline), "no time at all: no attempt at all");
}

#[test]
fn a_success_after_the_deadline_is_none() {
    let policy = Policy { deadline_ms: Some(500), ..Policy::plain(1, DelayLaw::None) };
    for (ms, fate) in [(500, Fate::Ok), (501, Fate::Deadline)] {
        let mut limits = Limits::default();
        let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, 1) };
        let mut retrier = Retrier::new(&policy, 0, None);
        retrier.begin(&mut turn);
        turn.now_ns = ms * MS;
        let end = AttemptEnd { number: 1, outcome: Outcome::Success, pushback: None };
        assert_eq!(retrier.ended(end, &mut turn), Step::End(fate), "after {ms} ms");
    }
}

#[test]
fn retry_after_is_honoured_up_to_its_cap_and_never_shortens_a_wait() {
    let honouring = |cap_ms, delay| Policy {
        retry_after: Some(RetryAfter { cap_ms, jitter_permille: 0 }),
        ..Policy::plain(3, delay)
    };
    let told = |policy: &Policy, ms| attempts(policy, None, 0, Some(Pushback::AfterMs(ms))).0;
    assert_eq!(told(&honouring(60_000, DelayLaw::None), 2_000), [0, 2_000, 4_000]);
    assert_eq!(told(&honouring(1_000, DelayLaw::None), 2_000), [0, 1_000, 2_000], "capped");
    assert_eq!(told(&honouring(60_000, DOUBLING), 0), [0, 100, 300], "not sooner than the policy");
    assert_eq!(told(&Policy::plain(3, DOUBLING), 2_000), [0, 100, 300], "passed over, unless the policy honours it");
    let never = attempts(&honouring(1_000, DOUBLING), None, 0, Some(Pushback::Never));
    assert_eq!(never, (vec![0], Fate::NotRetryable));
}

/// Its grain of a second would bring all clients back at one moment.
#[test]
fn jitter_on_top_of_retry_after_spreads_what_it_brings_together() {
    let second_attempts = |jitter_permille| {
        let retry_after = Some(RetryAfter { cap_ms: 60_000, jitter_permille });
        let policy = Policy { retry_after, ..Policy::plain(2, DelayLaw::None) };
        let tally = Lab { policy, clients: 1, rate: 2_000.0, seconds: 1 }
            .run(|_, _, _| Reply { pushback: Some(Pushback::AfterMs(1_000)), ..Reply::at_once(Outcome::Retryable) });
        tally.latencies_ns
    };
    assert!(second_attempts(0).iter().all(|ns| *ns == SECOND));
    let spread = second_attempts(500);
    let mean = spread.iter().sum::<u64>() as f64 / spread.len() as f64 / 1e9;
    // U(1, 1.5) s: a standard deviation of 0.5/√12.
    crate::driver::within("the mean wait", mean, 1.25, 0.5 / 12f64.sqrt() / (spread.len() as f64).sqrt());
    assert!(spread.iter().all(|ns| (SECOND..SECOND * 3 / 2).contains(ns)));
}

/// The third wait of decorrelated jitter is 5.75 times the base on average, since each wait grows from the one before it.
#[test]
fn decorrelated_waits_grow_from_one_retry_of_a_request_to_the_next() {
    let policy = Policy::plain(4, DelayLaw::Decorrelated { base_ms: 1_000, cap_ms: 3_600_000 });
    let n = 20_000;
    let third_wait = |serial| {
        let mut limits = Limits::default();
        let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(1, serial) };
        let mut retrier = Retrier::new(&policy, 0, None);
        retrier.begin(&mut turn);
        let mut wait = 0;
        for number in 1..4 {
            retrier.ended(AttemptEnd { number, outcome: Outcome::Retryable, pushback: None }, &mut turn);
            wait = retrier.wake_at_ns().unwrap() - turn.now_ns;
            turn.now_ns += wait;
            retrier.wake(&mut turn);
        }
        wait as f64 / 1e9
    };
    let waits: Vec<f64> = (0..n).map(third_wait).collect();
    let mean = waits.iter().sum::<f64>() / n as f64;
    // Var[s] = E[(3 s' − 1)²]/12 + 9/4 · Var[s'] from one wait to the next: 1/3, 3.08, 16.77.
    crate::driver::within("the third wait", mean, 5.75, (16.77 / n as f64).sqrt());
}

proptest! {
    /// The same request waits as long whatever others do between its attempts: its draws are its own.
    #[test]
    fn a_requests_waits_depend_on_nothing_but_its_seed_and_number(seed: u64, serial in 0u64..1 << 40, others in 0usize..5) {
        let policy = Policy::plain(6, DelayLaw::Exponential { base_ms: 50, factor: 3, cap_ms: 9_000, jitter: Jitter::Full });
        let waits = |others: usize| {
            let mut limits = Limits::default();
            let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(seed, serial) };
            let mut retrier = Retrier::new(&policy, 0, None);
            retrier.begin(&mut turn);
            (1..6).map(|number| {
                for other in 0..others {
                    let mut noise = Retrier::new(&policy, 0, None);
                    let mut limits = Limits::default();
                    let draws = Draws::new(seed, serial + 1 + other as u64);
                    let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws };
                    noise.begin(&mut turn);
                    noise.ended(AttemptEnd { number: 1, outcome: Outcome::Retryable, pushback: None }, &mut turn);
                }
                let before = turn.now_ns;
                retrier.ended(AttemptEnd { number, outcome: Outcome::Retryable, pushback: None }, &mut turn);
                turn.now_ns = retrier.wake_at_ns().unwrap_or(before);
                retrier.wake(&mut turn);
                turn.now_ns - before
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(waits(0), waits(others));
    }

    /// At least what the answer asked for, up to the cap, and at most the jitter more; and never less than the law's delay.
    #[test]
    fn retry_after_is_a_least_wait(seed: u64, asked_ms in 0u64..100_000, cap_ms in 1u64..=60_000, jitter_permille in 0u32..=1_000, delay_ms in 0u64..10_000) {
        let retry_after = Some(RetryAfter { cap_ms, jitter_permille });
        let policy = Policy { retry_after, ..Policy::plain(2, DelayLaw::Fixed { delay_ms }) };
        let mut limits = Limits::default();
        let mut turn = Turn { policy: &policy, limits: &mut limits, now_ns: 0, draws: Draws::new(seed, 0) };
        let mut retrier = Retrier::new(&policy, 0, None);
        retrier.begin(&mut turn);
        let pushback = Some(Pushback::AfterMs(asked_ms));
        let step = retrier.ended(AttemptEnd { number: 1, outcome: Outcome::Retryable, pushback }, &mut turn);
        let wait = if step == Step::Wait { retrier.wake_at_ns().unwrap() } else { 0 };
        let asked = asked_ms.min(cap_ms) * MS;
        let most = asked + asked / 1_000 * u64::from(jitter_permille);
        prop_assert!(wait >= asked.max(delay_ms * MS) && wait <= most.max(delay_ms * MS), "{wait} is not in {asked}..{most}");
    }
}
