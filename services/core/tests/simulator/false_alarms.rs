//! No verdict is one that a longer run takes back, and none comes of what the fault did not do.

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{ArrivalLaw, Burst, BurstSize, LoadShape},
    policy::{DelayLaw, Policy},
    sim::Setup,
    station::BackendModel,
    stats::{ArmCounts, Course, Judgement, Recovery, RecoveryVerdict, judge, time_to_recovery},
};

use crate::{
    collapse::{hotos, one_retry},
    support::run,
};

fn course(setup: &Setup) -> Course {
    Course::new(&setup.backend.faults, &setup.load).unwrap()
}

/// What is said of a run that would have ended so early.
fn judged(setup: &Setup, counts: &ArmCounts, until_ms: u64) -> Judgement {
    judge(counts, &Course { duration_ms: until_ms, ..course(setup) }, &setup.drain(), None)
}

/// The paper's system, at 100/s instead of 300/s, so that its hidden capacity is 50/s: two seconds of baseline, and five in
/// which the workers stand still.
fn short_baseline(rate: u32, duration_ms: u64) -> Setup {
    let mut setup = hotos(&one_retry(), rate, duration_ms);
    setup.model = BackendModel::plain(1, 1_000_000, 10_000);
    (setup.backend.faults[0].at_ms, setup.backend.faults[0].for_ms) = (2_000, 5_000);
    setup
}

/// At 0.94 and 0.96 of the hidden capacity the backlog is gone after 47·9/6 = 71 s and 48·9/4 = 108 s in the mean, and with random
/// arrivals after twice that and more in some of these runs.
#[test]
fn a_service_that_comes_back_is_never_said_to_be_held_down_however_short_the_run() {
    for rate in [47, 48] {
        let setup = short_baseline(rate, 600_000);
        let mut came_back = 0;
        for number in 0..120 {
            let setup = setup.repetition(number);
            let counts = run(&setup).counts();
            let Some(Recovery::After(_)) = time_to_recovery(&counts, &course(&setup)) else { continue };
            came_back += 1;
            for until_ms in (20_000..=600_000).step_by(10_000) {
                let Judgement { verdict, why, .. } = judged(&setup, &counts, until_ms);
                let is_false = matches!(verdict, RecoveryVerdict::MetastableSuspected | RecoveryVerdict::Overloaded);
                assert!(!is_false, "{rate}/s, repetition {number}, {until_ms} ms: {verdict:?}, {why}");
            }
        }
        assert!(came_back >= 115, "{came_back} of 120 at {rate}/s");
    }
}

/// Well above the hidden capacity the same short baseline is enough to see it. At 90/s the backlog of 90·9 attempts alone could
/// last for 81 s, and half as long again by chance.
#[test]
fn a_service_that_is_held_down_is_said_to_be_so_in_every_long_run() {
    for rate in [60, 75, 90] {
        let setup = short_baseline(rate, 200_000);
        for number in 0..30 {
            let setup = setup.repetition(number);
            let Judgement { verdict, why, .. } = judged(&setup, &run(&setup).counts(), 200_000);
            assert_eq!(verdict, RecoveryVerdict::MetastableSuspected, "{rate}/s, repetition {number}: {why}");
        }
    }
}

/// In two seconds of 93/s more than 200 requests come now and then, which is more than are served.
#[test]
fn a_short_baseline_in_which_more_arrive_than_planned_is_no_overload() {
    let setup = short_baseline(93, 60_000);
    for number in 0..60 {
        let setup = setup.repetition(number);
        let Judgement { verdict, why, .. } = judged(&setup, &run(&setup).counts(), 60_000);
        assert_ne!(verdict, RecoveryVerdict::Overloaded, "repetition {number}: {why}");
    }
}

/// 50/s that take 300 ms each: 15 are under way when all workers stop, and fail for that; that is 6 % of a baseline of 5 s.
#[test]
fn requests_that_the_fault_catches_under_way_do_not_make_the_baseline_fail() {
    let reset = FaultKind::Reset { permille: 1_000 };
    for (attempts, kind) in [(1, FaultKind::Freeze), (3, FaultKind::Freeze), (1, reset)] {
        let mut setup = hotos(&Policy::plain(attempts, DelayLaw::None), 50, 60_000);
        setup.model = BackendModel::plain(64, 1_000, 300_000);
        (setup.backend.faults[0].at_ms, setup.backend.faults[0].kind) = (5_000, kind.clone());
        let Judgement { verdict, why, .. } = judged(&setup, &run(&setup).counts(), 60_000);
        assert_eq!(verdict, RecoveryVerdict::Recovered, "{attempts} attempts, {kind:?}: {why}");
    }
}

/// 300 requests a second before the fault, at half the capacity: 6 s of work, of which nothing is lost.
#[test]
fn a_burst_that_is_being_worked_off_when_the_fault_comes_is_no_overload() {
    let mut setup = hotos(&Policy::plain(1, DelayLaw::None), 50, 40_000);
    setup.model = BackendModel::plain(10, 5_000, 100_000);
    setup.client.timeout_ms = 10_000;
    setup.load.bursts = vec![Burst { at_ms: 4_000, size: BurstSize::Requests(300) }];
    let kind = FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None };
    setup.backend.faults = vec![FaultWindow { name: "f".into(), at_ms: 5_000, for_ms: 5_000, kind, restart: false }];
    let Judgement { verdict, why, .. } = judged(&setup, &run(&setup).counts(), 40_000);
    assert_eq!(verdict, RecoveryVerdict::Recovered, "{why}");
}

/// A blip of a second a minute before adds its two attempts each, 200·(2 + 19)/100 = 42 s and one for those that hang, and makes no
/// outage of 70 s of the two: that would be 278 s.
#[test]
fn what_lies_between_two_faults_is_no_outage() {
    let mut setup = hotos(&one_retry(), 200, 180_000);
    setup.load.shape = LoadShape::Open { rate: 200, arrivals: ArrivalLaw::Uniform };
    setup.backend.faults[0].at_ms = 70_000;
    let kind = FaultKind::Error { status: 503, permille: 50, retry_after_s: None };
    setup
        .backend
        .faults
        .insert(0, FaultWindow { name: "blip".into(), at_ms: 10_000, for_ms: 1_000, kind, restart: false });
    let counts = run(&setup).counts();
    let Judgement { verdict, why, .. } = judged(&setup, &counts, 180_000);
    assert_eq!(verdict, RecoveryVerdict::MetastableSuspected, "{why}");
    let Judgement { verdict, why, .. } = judged(&setup, &counts, 120_000);
    assert_eq!((verdict, why.contains("; 53.")), (RecoveryVerdict::Undetermined, true), "{why}");
}
