//! A pause, an abort, an operator with lower caps, and what becomes of the workloads after the end.

use std::time::Duration;

use retrylab_api::{ArmPhase, Caps, ConditionType, Phase, RetryExperiment, Verdict};
use retrylab_core::wire::RunState;
use serde_json::json;

use super::given::{
    at, condition, decide, edit, everywhere, experiment, in_short, ready, settled, step, two_arms, unreachable, whole,
};
use crate::{Observed, Plan, Workloads, plan};

/// An abort with these pods: what is said to them, whether it is over, and the workloads.
fn check(experiment: &RetryExperiment, observed: &Observed, expected: (&[&str], Option<Verdict>, Workloads)) {
    let mut aborted = experiment.clone();
    edit(&mut aborted, |spec| spec.abort = true);
    let Plan { acts, status, workloads, .. } = decide(&aborted, observed, 2_000);
    let (said, verdict, wanted) = expected;
    assert_eq!((in_short(&acts), status.verdict, workloads), (strings(said), verdict, wanted));
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

const STOPS: [&str; 3] = ["loadgen-0 x none-1", "client-0 x none-1", "backend-0 x none-1"];

#[test]
fn an_abort_before_the_first_arm_ends_it_at_once() {
    check(&experiment(json!({})), &Observed::default(), (&[], Some(Verdict::Aborted), Workloads::Removed));
}

#[test]
fn an_abort_stops_the_load_first_and_concludes_when_nothing_is_under_way_any_more() {
    let (experiment, pods) = settled(json!({"ttlSecondsAfterFinished": 60}));
    let seen = |state| everywhere(&experiment, &pods, state);
    check(&experiment, &seen(RunState::Scheduled), (&STOPS, None, Workloads::AsTheyAre));
    check(&experiment, &seen(RunState::Running), (&STOPS, None, Workloads::AsTheyAre));
    let mut one_left = seen(RunState::Stopped);
    one_left.runs.clients = seen(RunState::Running).runs.clients;
    check(&experiment, &one_left, (&STOPS[1..2], None, Workloads::AsTheyAre));
    check(&experiment, &seen(RunState::Stopped), (&[], Some(Verdict::Aborted), Workloads::AsTheyAre));
}

#[test]
fn an_abort_waits_for_pods_that_cannot_be_asked_only_where_they_outlive_it() {
    for (ttl, expected) in
        [(60, (&[][..], None, Workloads::AsTheyAre)), (0, (&[], Some(Verdict::Aborted), Workloads::Removed))]
    {
        let (experiment, pods) = settled(json!({"ttlSecondsAfterFinished": ttl}));
        let mut seen = everywhere(&experiment, &pods, RunState::Stopped);
        seen.runs.loadgens[0].seen = unreachable();
        check(&experiment, &seen, expected);
    }
}

#[test]
fn an_aborted_experiment_is_complete_has_not_succeeded_and_its_arm_is_stopped() {
    let (mut experiment, pods) = settled(json!({}));
    edit(&mut experiment, |spec| spec.abort = true);
    let status = decide(&experiment, &everywhere(&experiment, &pods, RunState::Stopped), 2_000).status;
    let message = "spec.abort is true";
    assert_eq!(condition(&status, ConditionType::Complete), ("True", "Aborted", message));
    assert_eq!(condition(&status, ConditionType::Succeeded), ("False", "Aborted", message));
    assert_eq!(condition(&status, ConditionType::FaultActive).0, "False");
    assert_eq!((status.phase, status.message.as_deref()), (Some(Phase::Complete), Some(message)));
    assert_eq!((status.arms[0].phase, status.arms[0].finished_at.is_some()), (ArmPhase::Stopped, true));
}

#[test]
fn an_abort_after_the_end_changes_nothing_but_the_generation() {
    let (mut experiment, pods) = settled(json!({}));
    let seen = whole(&experiment, &pods);
    let passed = step(&mut experiment, &seen, 5_100).status;
    edit(&mut experiment, |spec| spec.abort = true);
    let after = decide(&experiment, &pods, 6_000);
    assert_eq!((after.status.verdict, after.status.message), (passed.verdict, passed.message));
    assert_eq!(after.status.observed_generation, Some(2));
}

/// The owner of the operator lowered its cap and restarted it.
#[test]
fn an_experiment_beyond_caps_that_were_lowered_is_stopped_and_then_ends_as_an_error() {
    let (experiment, pods) = settled(json!({}));
    let under_caps = |state| {
        plan(&experiment, &everywhere(&experiment, &pods, state), at(2_000), Caps { rate_max: 10, ..Caps::default() })
    };
    let stopping = under_caps(RunState::Running);
    assert_eq!((in_short(&stopping.acts), stopping.status.verdict), (strings(&STOPS), None));
    let status = under_caps(RunState::Stopped).status;
    assert_eq!((status.verdict, status.arms[0].phase), (Some(Verdict::Error), ArmPhase::Stopped));
    assert_eq!(condition(&status, ConditionType::Accepted).1, "Invalid");
    assert_eq!(condition(&status, ConditionType::Complete).0, "True");
}

#[test]
fn a_pause_lets_the_arm_that_runs_go_on_and_holds_the_next_one_back_until_it_ends() {
    let (mut experiment, pods) = settled(two_arms());
    edit(&mut experiment, |spec| spec.suspend = true);
    let running = everywhere(&experiment, &pods, RunState::Running);
    assert_eq!(step(&mut experiment, &running, 2_000).status.phase, Some(Phase::Running));

    let seen = whole(&experiment, &pods);
    let paused = step(&mut experiment, &seen, 5_100);
    assert_eq!((paused.status.arms.len(), paused.status.phase), (1, Some(Phase::Paused)));
    assert_eq!(condition(&paused.status, ConditionType::Paused), ("True", "Suspended", "spec.suspend is true"));
    assert_eq!((paused.acts.len(), paused.workloads, paused.next), (0, Workloads::AsTheyAre, None));

    edit(&mut experiment, |spec| spec.suspend = false);
    let resumed = decide(&experiment, &pods, 3_600_000);
    assert_eq!((resumed.status.arms.len(), resumed.status.phase), (2, Some(Phase::Running)));
    assert_eq!(condition(&resumed.status, ConditionType::Paused).0, "False");
    assert_eq!(in_short(&resumed.acts)[0], "backend-0 <- second-1");
}

#[test]
fn a_pause_before_the_first_arm_holds_that_one_back_with_the_workloads_there() {
    let experiment = experiment(json!({"suspend": true}));
    assert_eq!(decide(&experiment, &Observed::default(), 0).workloads, Workloads::Deployed);
    let paused = decide(&experiment, &ready(&experiment.spec), 0);
    assert_eq!((paused.status.arms.len(), paused.status.phase), (0, Some(Phase::Paused)));
    assert_eq!(paused.status.started_at, None, "the spec can still be changed");
}

#[test]
fn the_workloads_stay_for_the_time_to_live_and_then_go() {
    let (mut experiment, pods) = settled(json!({"ttlSecondsAfterFinished": 60}));
    let seen = whole(&experiment, &pods);
    let end = step(&mut experiment, &seen, 5_000);
    assert_eq!((end.workloads, end.next), (Workloads::AsTheyAre, Some(Duration::from_secs(60))));
    assert_eq!(condition(&end.status, ConditionType::WorkloadsReady).0, "True");
    let later = step(&mut experiment, &pods, 64_000);
    assert_eq!(
        (later.workloads, later.next, &later.status),
        (Workloads::AsTheyAre, Some(Duration::from_secs(1)), &end.status)
    );
    let gone = step(&mut experiment, &pods, 65_000);
    assert_eq!((gone.workloads, gone.next), (Workloads::Removed, None));
    let removed = ("False", "Removed", "removed after the end");
    assert_eq!(condition(&gone.status, ConditionType::WorkloadsReady), removed);
    assert_eq!(decide(&experiment, &Observed::default(), 999_000).status, gone.status);
}

#[test]
fn without_a_time_to_live_the_workloads_go_with_the_very_status_that_has_the_verdict() {
    let (experiment, pods) = settled(json!({}));
    let end = decide(&experiment, &whole(&experiment, &pods), 5_000);
    assert_eq!((end.status.verdict, end.workloads), (Some(Verdict::Passed), Workloads::Removed));
    assert_eq!(condition(&end.status, ConditionType::WorkloadsReady).1, "Removed");
}

#[test]
fn a_time_to_live_that_is_changed_after_the_end_counts() {
    let (mut experiment, pods) = settled(json!({"ttlSecondsAfterFinished": 60}));
    let seen = whole(&experiment, &pods);
    step(&mut experiment, &seen, 5_000);
    edit(&mut experiment, |spec| spec.ttl_seconds_after_finished = 10);
    assert_eq!(decide(&experiment, &pods, 14_000).workloads, Workloads::AsTheyAre);
    assert_eq!(decide(&experiment, &pods, 15_000).workloads, Workloads::Removed);
}
