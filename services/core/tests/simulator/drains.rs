//! The bound on the time that an outage takes to be worked off is one: no service that comes back does so later.

use retrylab_core::{
    load::{ArrivalLaw, LoadShape},
    policy::{Budget, DelayLaw, Deposit, Hedging, MinRetryRate, Policy, StrategyName, WindowBudget},
    sim::Setup,
    station::{BackendModel, CacheModel},
    stats::{Bound, Disturbance, Load, Outage, Recovery},
};

use crate::{collapse::hotos, support::run};

const OUTAGE_MS: u64 = 10_000;

/// Three attempts without delay, and a budget of 10 % of the last two minutes.
fn saving(deposit: Deposit) -> Policy {
    let min_retry_rate = MinRetryRate { count: 0, interval_ms: 1_000 };
    let window = WindowBudget { percent: 10, interval_ms: 120_000, deposit, min_retry_rate };
    Policy { budget: Some(Budget::Window(window)), ..Policy::plain(3, DelayLaw::None) }
}

/// 150/s are served, and work stands still from 110 s to 120 s.
fn outage(policy: &Policy, rate: u32, clients: u32) -> Setup {
    let mut setup = hotos(policy, rate, 400_000);
    setup.model = BackendModel::plain(3, 1_000_000, 20_000);
    setup.clients = clients;
    // Near the capacity the drain time of random arrivals is random.
    setup.load.shape = LoadShape::Open { rate, arrivals: ArrivalLaw::Uniform };
    setup.backend.faults[0].at_ms = 110_000;
    setup
}

/// How long it took to come back, and the bound, in milliseconds.
fn came_back(setup: &Setup) -> (u64, u64) {
    let (from, to, duration_ms) = (110_000, 110_000 + OUTAGE_MS, setup.load.duration_ms);
    let outcome = run(setup);
    let rate = |from, to| outcome.load.series.planned.sum(from, Some(to)) * 1_000_000 / (to - from);
    let per_ks = rate(0, from).max(rate(to, duration_ms));
    let load = Load { low_per_ks: per_ks, high_per_ks: per_ks, is_random: false };
    let outages = vec![Outage { for_ms: OUTAGE_MS, per_ks: rate(from, to) }];
    let bound = setup.drain().bound(&load, &Disturbance { outages, waiting: 0, on_top: 0 });
    let Bound::Within(bound_ms) = bound else { panic!("{bound:?}") };
    let recovery = outcome.recovery(&setup.backend.faults, &setup.load);
    let ms = if let Some(Recovery::After(ms)) = recovery { Some(ms) } else { None };
    (ms.unwrap(), bound_ms)
}

#[test]
fn no_service_comes_back_later_than_the_bound_whatever_its_policy() {
    let naive = |n| Policy::plain(n, DelayLaw::None);
    let hedged = Policy { hedging: Some(Hedging { delay_ms: 200, max_hedges: 2 }), ..naive(3) };
    let cases = [
        (naive(1), 130, 1),
        (naive(2), 60, 1),
        (naive(3), 40, 1),
        (hedged, 40, 1),
        (saving(Deposit::OnRequest), 100, 1),
        (saving(Deposit::OnRequest), 125, 1),
        (saving(Deposit::OnSuccess), 100, 1),
        (StrategyName::Sre.preset(), 100, 10),
        (StrategyName::Finagle.preset(), 100, 1),
        (StrategyName::Linkerd.preset(), 60, 5),
        (StrategyName::Grpc.preset(), 100, 10),
        (StrategyName::AwsStandard.preset(), 40, 10),
        (StrategyName::Envoy.preset(), 60, 1),
    ];
    for (policy, rate, clients) in cases {
        let (ms, bound_ms) = came_back(&outage(&policy, rate, clients));
        // Recoveries are found by the second.
        assert!(ms <= bound_ms + 1_000, "{policy:?} at {rate}/s: {ms} ms, and the bound is {bound_ms} ms");
    }
}

/// 1,000 requests of the outage, and a tenth of those of two minutes: 2,300 attempts at most, and 150 − 110 a second.
#[test]
fn a_budget_that_was_saved_up_before_the_outage_is_within_the_bound() {
    let (ms, bound_ms) = came_back(&outage(&saving(Deposit::OnRequest), 100, 1));
    assert!(ms > 30_000, "its mean over the run would have it back after 1,100/40 s: {ms} ms");
    assert!((50_000..70_000).contains(&bound_ms), "{bound_ms}");
}

/// Three workers, 22 ms with a full cache and 40 ms with an empty one: 136/s and 75/s. Of the 600 requests of the outage, 76 are
/// worked off in a second with the former, 15 with the latter; that one in ten misses at random puts it off by 3 s at the most.
#[test]
fn a_cache_that_the_outage_has_emptied_is_within_the_bound() {
    let mut setup = outage(&Policy::plain(1, DelayLaw::None), 60, 1);
    setup.model = BackendModel {
        cache: Some(CacheModel { hit_permille: 900, entries: 4_000, miss_us: 20_000 }),
        ..BackendModel::plain(3, 1_000_000, 20_000)
    };
    setup.backend.faults[0].restart = true;
    let (ms, bound_ms) = came_back(&setup);
    assert!(ms > 600_000 / 76 + 2_000, "a full cache would have it back sooner: {ms} ms");
    assert!((43_000..46_000).contains(&bound_ms) && ms <= bound_ms, "{ms} ms, and the bound is {bound_ms} ms");
}
