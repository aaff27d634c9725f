//! Recovery verdicts on the system of the `HotOS` paper: μ = 300/s, a timeout of 1 s, an outage from 20 s to 30 s. At 200/s,
//! above the hidden capacity of 150/s, the outage leaves λ(2W − T) = 3,800 attempts, which would be worked off at 300 − 200
//! a second if nobody retried: 38 s, and one more for those that hang.

use retrylab_core::{
    fault::FaultKind,
    load::{ArrivalLaw, LoadShape, Shed},
    policy::{DelayLaw, Policy},
    sim::Setup,
    station::BackendModel,
    stats::{Course, Judgement, RecoveryVerdict, judge},
};

use crate::{
    collapse::{hotos, one_retry},
    support::run,
};

fn judged(setup: &Setup) -> Judgement {
    let counts = run(setup).counts();
    let course = Course::new(&setup.backend.faults, &setup.load).unwrap();
    judge(&counts, &course, &setup.drain(), None)
}

fn check(setup: &Setup, expected: RecoveryVerdict) {
    let Judgement { verdict, why, .. } = judged(setup);
    assert_eq!(verdict, expected, "{why}");
}

#[test]
fn the_same_load_stays_down_with_one_retry_and_comes_back_with_none() {
    check(&hotos(&one_retry(), 200, 100_000), RecoveryVerdict::MetastableSuspected);
    check(&hotos(&Policy::plain(1, DelayLaw::None), 200, 100_000), RecoveryVerdict::Recovered);
}

#[test]
fn below_the_hidden_capacity_it_recovers_in_the_time_of_the_closed_form() {
    check(&hotos(&one_retry(), 100, 100_000), RecoveryVerdict::Recovered);
}

#[test]
fn nothing_is_said_before_the_backlog_could_be_gone() {
    let Judgement { verdict, why, .. } = judged(&hotos(&one_retry(), 200, 60_000));
    assert_eq!(verdict, RecoveryVerdict::Undetermined);
    assert!(why.starts_with("30.0 s after the fault are not long enough; "), "{why}");
}

/// 60 s after the outage some 3,800 + 60·(400 − 300) attempts wait: 33 s of work.
#[test]
fn shedding_the_load_until_the_queue_is_empty_proves_it() {
    let mut setup = hotos(&one_retry(), 200, 170_000);
    setup.load.shed = vec![Shed { name: "shed".into(), at_ms: 90_000, for_ms: 45_000, percent: 0 }];
    check(&setup, RecoveryVerdict::MetastableConfirmed);
    setup.load.shed[0].for_ms = 5_000;
    check(&setup, RecoveryVerdict::MetastableSuspected);
}

#[test]
fn a_load_beyond_the_capacity_is_overload() {
    check(&hotos(&one_retry(), 400, 100_000), RecoveryVerdict::Overloaded);
}

/// Ten workers that get in each other's way: alone one takes 10 ms, each other one in service adds 20 ms. So calm they serve
/// up to 1/10 ms = 100/s, and all busy 10/190 ms = 52.6/s.
fn contended(rate: u32, kind: FaultKind, duration_ms: u64) -> Setup {
    let mut setup = hotos(&Policy::plain(1, DelayLaw::None), rate, duration_ms);
    setup.model = BackendModel::plain(10, 100_000, 10_000);
    setup.model.service.contention_us = 20_000;
    setup.load.shape = LoadShape::Open { rate, arrivals: ArrivalLaw::Uniform };
    setup.backend.faults[0].kind = kind;
    setup.backend.faults[0].for_ms = 5_000;
    setup
}

#[test]
fn a_system_that_serves_all_is_not_overloaded_although_busy_workers_would_serve_less() {
    check(
        &contended(60, FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None }, 100_000),
        RecoveryVerdict::Recovered,
    );
}

/// What stands still for 5 s leaves all workers busy, and those serve 52.6/s of 60/s: the queue grows for good, without a
/// single retry.
#[test]
fn a_collapse_by_contention_is_metastable() {
    let mut setup = contended(60, FaultKind::Freeze, 170_000);
    check(&setup, RecoveryVerdict::MetastableSuspected);
    setup.load.shed = vec![Shed { name: "shed".into(), at_ms: 90_000, for_ms: 45_000, percent: 0 }];
    check(&setup, RecoveryVerdict::MetastableConfirmed);
}
