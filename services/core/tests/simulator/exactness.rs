//! What holds of every run: the same seed gives the same results to the last count, all counts agree, nothing is left.

use std::time::Duration;

use proptest::prelude::*;
use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{Burst, BurstSize, LoadShape, Stage},
    policy::{DelayLaw, Fate, Hedging, Policy, StrategyName},
    sim::{Setup, simulate},
    station::{BackendModel, CacheModel, Discipline, ServiceLaw, WarmUp},
};

use crate::support::{at_once, client, figures, poisson, run, within};

/// A small system in which much goes wrong.
fn troubled(policy: &Policy, seed: u64, kind: FaultKind) -> Setup {
    let mut setup = at_once(policy, poisson(150, 20_000));
    setup.load.seed = seed;
    setup.load.bursts = vec![Burst { at_ms: 6_000, size: BurstSize::Requests(50) }];
    setup.backend.faults =
        vec![FaultWindow { name: "fault".into(), at_ms: 5_000, for_ms: 4_000, kind, restart: seed.is_multiple_of(2) }];
    (setup.clients, setup.backends) = (3, 2);
    setup.network = Duration::from_micros(200);
    setup.client.timeout_ms = 300;
    setup.model = BackendModel::plain(2, 30, 10_000);
    setup
}

fn kinds() -> impl Strategy<Value = FaultKind> {
    (0usize..7, 1u16..=1_000).prop_map(|(kind, permille)| match kind {
        0 => FaultKind::Error { status: 503, permille, retry_after_s: None },
        1 => FaultKind::Latency { delay_ms: 250, permille },
        2 => FaultKind::Blackhole { permille },
        3 => FaultKind::Reset { permille },
        4 => FaultKind::Refuse { permille },
        5 => FaultKind::Capacity { left_permille: permille.min(999) },
        _ => FaultKind::Freeze,
    })
}

fn models() -> impl Strategy<Value = BackendModel> {
    (0usize..3, any::<[bool; 5]>()).prop_map(|(discipline, [expires, cancels, cache, warm_up, random])| BackendModel {
        discipline: match discipline {
            0 => Discipline::Fifo,
            1 => Discipline::Lifo,
            _ => Discipline::Codel { target_us: 5_000, interval_us: 100_000 },
        },
        drop_expired: expires,
        cancel_on_disconnect: cancels,
        cache: cache.then_some(CacheModel { hit_permille: 900, entries: 20, miss_us: 5_000 }),
        warm_up: warm_up.then_some(WarmUp { for_ms: 2_000, from_permille: 500 }),
        service: {
            let mut service = BackendModel::plain(1, 0, 10_000).service;
            if random {
                service.law = ServiceLaw::Exponential;
            }
            service
        },
        ..BackendModel::plain(2, 30, 10_000)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_breaks_under_whatever_policy_every_count_agrees_and_the_same_seed_gives_the_same(
        seed: u64, name in 0usize..StrategyName::ALL.len(), kind in kinds(), model in models(), hedged: bool, layers in 1u32..3,
    ) {
        let mut policy = StrategyName::ALL[name].preset();
        if hedged && policy.max_attempts > 1 {
            policy.hedging = Some(Hedging { delay_ms: 30, max_hedges: 1 });
            policy.deadline_ms = Some(1_500);
        }
        let mut setup = troubled(&policy, seed, kind);
        setup.model = model;
        setup.inner = (1..layers).map(|_| client(&policy, 20_000)).collect();
        let outcome = run(&setup);
        prop_assert_eq!(outcome.evidence(&setup).accounting_gap(), 0);
        prop_assert_eq!(outcome.load.in_flight, 0);
        let total = figures(&setup, &outcome, "total");
        prop_assert_eq!(total.fates.sum(), total.requests);
        prop_assert_eq!(total.requests, setup.load.arrivals().count() as u64);
        prop_assert_eq!(run(&setup), outcome);
    }
}

fn ramps() -> impl Strategy<Value = Vec<Stage>> {
    let stage = (0u64..=60, 1u32..=8).prop_map(|(tenths, users)| Stage { for_ms: tenths * 100, users });
    proptest::collection::vec(stage, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Users who come and go, think and wait through whatever breaks, and bursts beside them.
    #[test]
    fn closed_loop_users_account_for_all_of_their_time(
        seed: u64, name in 0usize..StrategyName::ALL.len(), kind in kinds(), stages in ramps(), think_ms in 0u64..3_000,
    ) {
        let mut setup = troubled(&StrategyName::ALL[name].preset(), seed, kind);
        setup.load.shape = LoadShape::Closed { stages, think_ms };
        let outcome = run(&setup);
        let evidence = outcome.evidence(&setup);
        prop_assert_eq!(evidence.accounting_gap(), 0);
        prop_assert_eq!(evidence.load.achieved.map(|share| share.to_string()), Some("1.000".to_owned()));
        prop_assert!(!evidence.shortcomings().iter().any(|lack| lack.contains("users")), "{:?}", evidence.shortcomings());
    }
}

#[test]
fn another_seed_gives_another_run() {
    let setup = troubled(&StrategyName::Jitter.preset(), 1, FaultKind::Freeze);
    assert_ne!(run(&setup), run(&setup.repetition(1)));
    assert_eq!(setup.repetition(0), setup);
}

#[test]
fn a_run_that_needs_more_events_than_allowed_is_too_large_and_says_how_far_it_got() {
    let setup = at_once(&StrategyName::None.preset(), poisson(1_000, 10_000));
    let needed = run(&setup).events;
    assert_eq!(simulate(&setup, needed).map(|outcome| outcome.events), Ok(needed));
    let error = simulate(&setup, needed / 2).unwrap_err();
    assert_eq!((error.budget, error.duration_ms), (needed / 2, 10_000));
    assert!((4_000..6_000).contains(&error.reached_ms), "{error}");
}

/// Little's law, and the load generator's promise: N users who wait r and think z send N/(r + z) requests a second.
#[test]
fn closed_loop_users_send_as_fast_as_answers_and_thoughts_allow() {
    let mut setup = at_once(&StrategyName::None.preset(), poisson(0, 30_000));
    let stages = vec![Stage { for_ms: 0, users: 20 }];
    setup.load.shape = LoadShape::Closed { stages, think_ms: 160 };
    setup.model = BackendModel::plain(20, 0, 40_000);
    assert_eq!(figures(&setup, &run(&setup), "total").requests, 20 * 30_000 / 200);
    // One worker of 40 ms serves 25 a second, whoever thinks how long.
    setup.model = BackendModel::plain(1, 100, 40_000);
    setup.client.timeout_ms = 5_000;
    let requests = figures(&setup, &run(&setup), "total").requests as f64;
    within("requests", requests, 25.0 * 30.0, 20.0);
}

/// The counts of five users, judged as those of twenty, of whom the generator has lost three in four: all that it came to was
/// sent, in time, and answered.
#[test]
fn a_load_generator_that_has_lost_most_of_its_users_is_seen_through() {
    let mut setup = at_once(&StrategyName::None.preset(), poisson(0, 30_000));
    let shape = |users| LoadShape::Closed { stages: vec![Stage { for_ms: 0, users }], think_ms: 160 };
    setup.load.shape = shape(5);
    setup.model = BackendModel::plain(20, 0, 40_000);
    let outcome = run(&setup);
    assert_eq!(outcome.evidence(&setup).shortcomings(), Vec::<String>::new());
    setup.load.shape = shape(20);
    let evidence = outcome.evidence(&setup);
    let lack = "requests and pauses of the users account for 150.0 s of the 600.0 s that they were to be there";
    assert_eq!(evidence.shortcomings(), [lack]);
    assert_eq!(evidence.load.achieved.map(|share| share.to_string()).as_deref(), Some("0.250"));
}

#[test]
fn a_hedge_is_sent_beside_a_slow_attempt_and_the_first_answer_wins() {
    let mut policy = Policy::plain(2, DelayLaw::None);
    policy.hedging = Some(Hedging { delay_ms: 50, max_hedges: 1 });
    let mut setup = at_once(&policy, poisson(500, 20_000));
    let kind = FaultKind::Latency { delay_ms: 200, permille: 100 };
    setup.backend.faults = vec![FaultWindow { name: "slow".into(), at_ms: 0, for_ms: 20_000, kind, restart: false }];
    let outcome = run(&setup);
    let figures = figures(&setup, &outcome, "slow");
    let n = figures.requests as f64;
    // One attempt in ten is slow, and each slow first one gets a hedge.
    within("amplification", figures.amplification.unwrap().to_f64(), 1.1, 4.0 * (0.09 / n).sqrt());
    let saved = outcome.client.series.fate(Fate::OkAfterRetry).total() as f64 / n;
    // A hedge that is slow itself (one in ten) loses against the first attempt.
    within("requests that the hedge answered", saved, 0.09, 4.0 * (0.09 * 0.91 / n).sqrt());
    // The work for those who lost is wasted.
    let slow = figures.attempts - figures.requests;
    assert_eq!(outcome.backend.series.wasted.total(), slow);
}
