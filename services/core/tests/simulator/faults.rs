//! What each fault does to those that are there, and to those that come.

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{Burst, BurstSize},
    policy::{Fate, Policy, RetryAfter, StrategyName},
    sim::{Outcome, Setup},
    station::{BackendModel, WarmUp},
};

use crate::support::{at_once, poisson, run};

/// One attempt for each request, a worker that takes a second, ten requests at 0 s and as many at 5 s, and from 4.5 s to 5.5 s
/// a fault: by then five have been served or are being served.
fn met(kind: FaultKind) -> Outcome {
    let setup = meeting(kind);
    let outcome = run(&setup);
    assert_eq!(outcome.evidence(&setup).accounting_gap(), 0);
    outcome
}

fn meeting(kind: FaultKind) -> Setup {
    let mut setup = at_once(&StrategyName::None.preset(), poisson(0, 10_000));
    setup.client.timeout_ms = 60_000;
    setup.model = BackendModel::plain(1, 100, 1_000_000);
    setup.load.bursts = [0, 5_000].map(|at_ms| Burst { at_ms, size: BurstSize::Requests(10) }).to_vec();
    setup.backend.faults =
        vec![FaultWindow { name: "fault".into(), at_ms: 4_500, for_ms: 1_000, kind, restart: false }];
    setup
}

/// Exposed and affected; answered with success; answered by the fault; served, and of these for nobody.
fn check(kind: &FaultKind, record: (u64, u64), ok: u64, injected: u64, served: (u64, u64)) {
    let outcome = met(kind.clone());
    let (fault, series) = (&outcome.backend.faults[0], &outcome.backend.series);
    assert_eq!((fault.exposed, fault.affected), record, "{kind:?}");
    assert_eq!((outcome.load.series.ok.total(), series.injected.total()), (ok, injected), "{kind:?}");
    assert_eq!((series.completed.total(), series.wasted.total()), served, "{kind:?}");
}

#[test]
fn an_error_and_a_refusal_strike_those_that_come_and_leave_those_that_are_there() {
    check(&FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None }, (10, 10), 10, 10, (10, 0));
    check(&FaultKind::Refuse { permille: 1_000 }, (10, 10), 10, 10, (10, 0));
}

/// Ten requests in a second of outage whose answers say to come back in 2 s: those that heed it, for at most `cap_ms`, come
/// back then and succeed.
#[test]
fn a_retry_after_brings_back_those_that_heed_it_and_bounds_the_wait_only_where_it_is_sent() {
    let met = |retry_after_s, cap_ms: Option<u64>| {
        let retry_after = cap_ms.map(|cap_ms| RetryAfter { cap_ms, jitter_permille: 0 });
        let mut setup = at_once(&Policy { retry_after, ..StrategyName::Naive.preset() }, poisson(0, 10_000));
        setup.load.bursts = vec![Burst { at_ms: 500, size: BurstSize::Requests(10) }];
        let kind = FaultKind::Error { status: 503, permille: 1_000, retry_after_s };
        setup.backend.faults =
            vec![FaultWindow { name: "fault".into(), at_ms: 0, for_ms: 1_000, kind, restart: false }];
        let series = run(&setup).client.series;
        let back = |ms| series.wire_retries.sum(ms, Some(ms + 100));
        (back(500), back(2_500), series.fate(Fate::OkAfterRetry).total(), setup.drain().delay_ms_max)
    };
    assert_eq!(met(Some(2), Some(60_000)), (0, 10, 10, 2_000));
    assert_eq!(met(Some(2), Some(2)), (20, 0, 0, 2), "it is capped");
    assert_eq!(met(Some(2), None), (20, 0, 0, 0), "nobody heeds it");
    assert_eq!(met(None, Some(60_000)), (20, 0, 0, 0), "nobody says it");
}

/// Four have been served; the six that are there are cut off, and their work goes on for nobody.
#[test]
fn a_reset_cuts_off_those_that_are_there_as_well_and_their_work_goes_on() {
    check(&FaultKind::Reset { permille: 1_000 }, (16, 16), 4, 10, (10, 6));
    let ended = met(FaultKind::Reset { permille: 1_000 }).load.series.failed;
    assert_eq!(ended.total(), 16);
}

/// The one in service and the five that wait are cancelled at 4.5 s, and nobody takes up any of them.
#[test]
fn where_the_backend_cancels_on_a_disconnect_a_reset_ends_the_work_of_those_that_it_cuts_off() {
    let mut setup = meeting(FaultKind::Reset { permille: 1_000 });
    setup.model.cancel_on_disconnect = true;
    let outcome = run(&setup);
    let (fault, series) = (&outcome.backend.faults[0], &outcome.backend.series);
    assert_eq!((fault.exposed, fault.affected), (16, 16));
    assert_eq!((outcome.load.series.ok.total(), series.injected.total()), (4, 10));
    assert_eq!((series.completed.total(), series.wasted.total()), (4, 0));
    assert_eq!((series.cancelled.total(), series.cancelled.sum(4_500, Some(4_600))), (6, 6));
    assert_eq!(outcome.evidence(&setup).accounting_gap(), 0);
}

/// With half of them struck the others wait on, and all of them are served.
#[test]
fn a_reset_of_some_leaves_the_others_where_they_are() {
    let mut setup = meeting(FaultKind::Reset { permille: 500 });
    setup.model.cancel_on_disconnect = true;
    let outcome = run(&setup);
    let series = &outcome.backend.series;
    let cut = outcome.backend.faults[0].affected;
    assert_eq!(series.cancelled.total() + series.injected.total(), cut);
    assert_eq!((series.completed.total(), series.wasted.total()), (20 - cut, 0));
    assert_eq!(outcome.load.series.ok.total(), 20 - cut);
}

#[test]
fn what_comes_into_a_blackhole_is_never_answered_and_takes_no_worker() {
    let kind = FaultKind::Blackhole { permille: 1_000 };
    check(&kind, (10, 10), 10, 10, (10, 0));
    let seconds = met(kind).load.latency_us.len();
    assert_eq!(seconds, 66, "their clients give up a minute after 5 s");
}

/// Nothing is done from 4.5 to 5.5 s, and all of it later.
#[test]
fn a_freeze_delays_everything_by_its_length() {
    check(&FaultKind::Freeze, (10, 10), 20, 0, (20, 0));
    let served = met(FaultKind::Freeze).backend.series.completed;
    assert_eq!((served.sum(4_500, Some(6_000)), served.sum(6_000, Some(6_100))), (0, 1));
}

/// A backend of two workers that begins with one and has the other after ten seconds.
fn served_in_a_second(restart: bool) -> u64 {
    let mut setup: Setup = at_once(&StrategyName::None.preset(), poisson(0, 40_000));
    setup.client.timeout_ms = 60_000;
    setup.model = BackendModel::plain(2, 100, 1_000_000);
    setup.model.warm_up = Some(WarmUp { for_ms: 10_000, from_permille: 500 });
    setup.load.bursts = vec![Burst { at_ms: 21_000, size: BurstSize::Requests(2) }];
    let kind = FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None };
    setup.backend.faults = vec![FaultWindow { name: "crash".into(), at_ms: 20_000, for_ms: 100, kind, restart }];
    run(&setup).load.series.goodput.sum(21_000, Some(22_100))
}

#[test]
fn a_fault_that_ends_with_a_restart_leaves_a_backend_that_must_warm_up() {
    assert_eq!((served_in_a_second(false), served_in_a_second(true)), (2, 1));
}
