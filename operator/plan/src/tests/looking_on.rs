//! While an arm runs: when one looks again, what its pods say of it, and how it ends.

use std::time::Duration;

use retrylab_api::{ArmPhase, ConditionType, RetryExperiment, Verdict};
use retrylab_core::wire::{BackendResults, ClientResults, FaultRecord, LoadgenResults, RunReport, RunState, Unsent};
use serde_json::{Value, json};

use super::given::{
    GIVEN_UP, answers, condition, decide, everywhere, in_short, report, settled, two_arms, unreachable, whole,
};
use crate::{Observed, RunSeen};

/// What is said to the pods at the moment `ms`, what becomes of the arm, and the first thing that its evidence lacks.
fn check(experiment: &RetryExperiment, observed: &Observed, ms: i64, expected: &Value) {
    let plan = decide(experiment, observed, ms);
    let arm = &plan.status.arms[0];
    let lacks = arm.evidence.as_ref().and_then(|e| e.shortcomings.first());
    assert_eq!(json!([in_short(&plan.acts), arm.phase, lacks]), *expected);
}

#[test]
fn one_looks_again_after_each_edge_of_the_schedule_and_often_while_the_run_drains() {
    let (experiment, pods) = settled(json!({}));
    let running = everywhere(&experiment, &pods, RunState::Running);
    let next = |observed: &Observed, ms| decide(&experiment, observed, ms).next.unwrap().as_millis();
    // The start is at 1 s, the window from 2 to 3 s, the end at 5 s.
    assert_eq!([500, 1_500, 2_030, 3_031].map(|ms| next(&running, ms)), [530, 530, 1_000, 1_999]);
    assert_eq!(next(&running, 5_031), 250);
    let loadgen = || report(&experiment, RunState::Running, LoadgenResults::default());
    let cut = answers(&pods, unreachable, unreachable, loadgen);
    assert_eq!(next(&cut, 3_031), 1_000);
    let (long, pods) = settled(json!({"duration": "1m"}));
    assert_eq!(decide(&long, &everywhere(&long, &pods, RunState::Running), 5_000).next, Some(Duration::from_secs(10)));
}

#[test]
fn the_fault_is_active_while_a_backend_says_that_its_window_is_open() {
    let (experiment, pods) = settled(json!({}));
    let told = |started_us: Option<u64>, ended_us: Option<u64>| {
        let record = FaultRecord { name: "outage".into(), started_us, ended_us, ..FaultRecord::default() };
        let results = BackendResults { faults: vec![record], ..BackendResults::default() };
        let client = || report(&experiment, RunState::Running, ClientResults::default());
        let loadgen = || report(&experiment, RunState::Running, LoadgenResults::default());
        let seen = answers(&pods, || report(&experiment, RunState::Running, results.clone()), client, loadgen);
        let status = decide(&experiment, &seen, 2_500).status;
        condition(&status, ConditionType::FaultActive).0.to_owned()
    };
    assert_eq!(told(None, None), "False");
    assert_eq!(told(Some(1_000_300), None), "True");
    assert_eq!(told(Some(1_000_300), Some(2_000_200)), "False");
}

#[test]
fn an_arm_is_over_when_nothing_of_it_is_under_way_on_any_pod() {
    let (experiment, pods) = settled(two_arms());
    let phase = |observed: &Observed| decide(&experiment, observed, 5_100).status.arms[0].phase;
    let over = whole(&experiment, &pods);
    assert_eq!(phase(&over), ArmPhase::Complete);
    let mut draining = over.clone();
    draining.runs.clients[0].seen = report(&experiment, RunState::Running, ClientResults::default());
    assert_eq!(phase(&draining), ArmPhase::Running);
    let mut silent = over.clone();
    silent.runs.backends[0].seen = unreachable();
    assert_eq!(phase(&silent), ArmPhase::Running);
    let mut fewer = over;
    fewer.runs.backends.clear();
    assert_eq!(phase(&fewer), ArmPhase::Running);
}

/// The last attempt began in the bucket that ends 4 s after the start, which is at 1 s: what is not there 30 s later is lost.
#[test]
fn what_was_sent_and_is_missing_in_the_next_books_is_waited_for_unless_it_can_no_longer_come() {
    let (experiment, pods) = settled(json!({}));
    let lacks = "counts that must agree differ by 1 (attempts made and received by backends by 1)";
    let (waits, gives_up) = (json!([[], "Running", null]), json!([[], "Complete", lacks]));
    let with = |change: &dyn Fn(&mut RunReport<ClientResults>)| {
        let mut observed = whole(&experiment, &pods);
        let RunSeen::Here(report) = &mut observed.runs.clients[0].seen else { panic!("it has the run") };
        report.results.series.attempt(3_950_000, 3_950_000, true);
        change(report);
        observed
    };
    let missing = with(&|_| {});
    check(&experiment, &missing, 5_100, &waits);
    check(&experiment, &missing, 34_999, &waits);
    check(&experiment, &missing, 35_000, &gives_up);
    let unsent = |attempts| Some(Unsent { attempts, why: "connection refused".into() });
    let refused = with(&|report| report.results.unsent = unsent(1));
    check(
        &experiment,
        &refused,
        5_100,
        &json!([[], "Complete", "1 attempts of client-0 got no connection: connection refused"]),
    );
    let partial = with(&|report| report.joined_at_ms = 7);
    check(
        &experiment,
        &partial,
        5_100,
        &json!([[], "Complete", "client-0 took up the run at 7ms; what came before is lost"]),
    );
}

#[test]
fn the_next_arm_is_settled_in_the_very_status_that_has_the_figures_of_the_last() {
    let (experiment, pods) = settled(two_arms());
    let plan = decide(&experiment, &whole(&experiment, &pods), 5_100);
    let [first, second] = plan.status.arms.as_slice() else { panic!("two arms") };
    assert_eq!((first.phase, first.windows.len(), second.phase), (ArmPhase::Complete, 4, ArmPhase::Running));
    assert_eq!(in_short(&plan.acts), ["backend-0 <- second-1", "client-0 <- second-1", "loadgen-0 <- second-1"]);
    assert_eq!(plan.status.summary.unwrap().arm, "second");
}

#[test]
fn a_run_that_goes_on_beyond_its_time_is_stopped_and_then_taken_in_as_it_is() {
    let (experiment, pods) = settled(json!({}));
    let running = everywhere(&experiment, &pods, RunState::Running);
    let stops = ["loadgen-0 x none-1", "client-0 x none-1", "backend-0 x none-1"];
    check(&experiment, &running, GIVEN_UP, &json!([[], "Running", null]));
    check(&experiment, &running, GIVEN_UP + 1, &json!([stops, "Running", null]));
    let stopped = everywhere(&experiment, &pods, RunState::Stopped);
    let stopped_early = "the run of backend-0 was stopped before its end";
    check(&experiment, &stopped, GIVEN_UP + 250, &json!([[], "Complete", stopped_early]));
}

#[test]
fn a_run_that_cannot_be_stopped_is_taken_in_as_it_is_and_no_other_arm_is_begun() {
    let (experiment, pods) = settled(two_arms());
    let cut = answers(&pods, unreachable, unreachable, unreachable);
    check(&experiment, &cut, GIVEN_UP + 1, &json!([[], "Complete", "the run did not end in time"]));
    let running = everywhere(&experiment, &pods, RunState::Running);
    check(&experiment, &running, GIVEN_UP + 30_001, &json!([[], "Complete", "the run did not end in time"]));
    let status = decide(&experiment, &cut, GIVEN_UP + 1).status;
    assert_eq!((status.verdict, status.arms.len()), (Some(Verdict::Inconclusive), 1));
}
