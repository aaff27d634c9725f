//! Settling a start and handing it over: who is told what, when, in which order, and when a start is settled again.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{ArmPhase, Caps, Phase, RetryExperiment, Verdict};
use retrylab_core::wire::{BackendResults, ClientResults, LoadgenResults, RunState};
use serde_json::json;

use super::given::{
    TARGET, absent, answers, at, decide, edit, everywhere, experiment, in_short, ready, report, run_id, settled, step,
    two_arms, unreachable,
};
use crate::{Act, Observed, Workloads};

/// What is said to the pods at the moment `ms`, and the hand-over that the status then names.
fn check(experiment: &RetryExperiment, observed: &Observed, ms: i64, expected: (&[&str], u32)) {
    let plan = decide(experiment, observed, ms);
    let handover = plan.status.arms.last().unwrap().run.handover;
    assert_eq!((in_short(&plan.acts), handover), (expected.0.iter().map(ToString::to_string).collect(), expected.1));
}

/// No pod has anything of the run; each has been up since this moment.
fn nobody(pods: &Observed, since_ms: i64) -> Observed {
    answers(pods, || absent(since_ms), || absent(since_ms), || absent(since_ms))
}

/// When hand-overs expire.
fn expiries(acts: &[Act]) -> Vec<Option<Timestamp>> {
    let expiry = |act: &Act| match act {
        Act::HandOver { expires, .. } => Some(*expires),
        Act::Stop { .. } => None,
    };
    acts.iter().filter_map(expiry).collect()
}

const FIRST: [&str; 3] = ["backend-0 <- none-1", "client-0 <- none-1", "loadgen-0 <- none-1"];
const SECOND: [&str; 3] = ["backend-0 <- none-2", "client-0 <- none-2", "loadgen-0 <- none-2"];

#[test]
fn a_start_is_settled_in_the_status_and_handed_over_to_backend_client_and_loadgen_in_this_order() {
    let experiment = experiment(json!({"backend": {"replicas": 2}, "client": {"replicas": 2}}));
    let plan = decide(&experiment, &ready(&experiment.spec), 0);
    let arm = &plan.status.arms[0];
    assert_eq!((arm.name.as_str(), arm.phase, plan.status.phase), ("none", ArmPhase::Running, Some(Phase::Running)));
    assert_eq!((arm.run.id.as_str(), arm.run.handover), ("0f8b6c1e1d2a-1-none-1", 1));
    assert_eq!((arm.run.settled_at.0, arm.run.starts_at.0), (at(0), at(1_000)));
    let told = ["backend-0", "backend-1", "client-0", "client-1", "loadgen-0"];
    assert_eq!(in_short(&plan.acts), told.map(|pod| format!("{pod} <- none-1")));
    assert_eq!((plan.workloads, plan.next), (Workloads::AsTheyAre, Some(Duration::from_millis(1_030))));
}

#[test]
fn every_pod_is_told_the_same_plan_and_not_when_it_would_be_too_late() {
    let experiment = experiment(json!({}));
    let acts = decide(&experiment, &ready(&experiment.spec), 0).acts;
    assert_eq!(expiries(&acts), [Some(at(950)); 3]);
    let plans: Vec<_> =
        acts.iter().filter_map(|a| if let Act::HandOver { plan, .. } = a { Some(plan) } else { None }).collect();
    assert!(plans.iter().all(|plan| *plan == plans[0]));
    assert_eq!(plans[0].loadgen.target, TARGET, "the client's Service");
}

#[test]
fn times_are_settled_on_the_grain_that_the_api_server_keeps() {
    let experiment = experiment(json!({}));
    let odd = Timestamp::from_nanosecond(at(0).as_nanosecond() + 1_999).unwrap();
    let plan = crate::plan(&experiment, &ready(&experiment.spec), odd, Caps::default());
    assert_eq!(plan.status.arms[0].run.settled_at.0.as_nanosecond(), at(0).as_nanosecond() + 1_000);
    assert_eq!(plan.status.started_at.unwrap().0, at(0));
}

#[test]
fn what_the_operator_before_did_not_come_to_is_handed_over_until_shortly_before_the_start() {
    let (experiment, pods) = settled(json!({}));
    check(&experiment, &nobody(&pods, -9_000), 300, (&FIRST, 1));
    check(&experiment, &nobody(&pods, -9_000), 950, (&FIRST, 1));
    assert_eq!(expiries(&decide(&experiment, &nobody(&pods, -9_000), 300).acts), [Some(at(950)); 3]);
    let scheduled = || report(&experiment, RunState::Scheduled, BackendResults::default());
    check(&experiment, &answers(&pods, scheduled, || absent(-9_000), || absent(-9_000)), 300, (&FIRST[1..], 1));
    check(&experiment, &everywhere(&experiment, &pods, RunState::Scheduled), 300, (&[], 1));
}

#[test]
fn nobody_is_told_while_another_pod_cannot_be_asked_or_is_not_there() {
    let (experiment, pods) = settled(json!({}));
    let cut = answers(&pods, unreachable, || absent(-9_000), || absent(-9_000));
    let mut fewer = pods.clone();
    fewer.client.ready.clear();
    for seen in [cut, nobody(&fewer, -9_000)] {
        check(&experiment, &seen, 300, (&[], 1));
        check(&experiment, &seen, 5_000, (&[], 1)); // nor is a start settled that could not be handed over
    }
}

/// Once the load generator has the run, a pod that has not has lost it.
#[test]
fn only_a_pod_that_was_restarted_is_handed_what_is_left_and_late_is_better_than_never() {
    let (experiment, pods) = settled(json!({}));
    let client = || report(&experiment, RunState::Running, ClientResults::default());
    let loadgen = || report(&experiment, RunState::Running, LoadgenResults::default());
    let seen = answers(&pods, || absent(400), client, loadgen);
    for ms in [500, 2_000, 4_500] {
        check(&experiment, &seen, ms, (&FIRST[..1], 1));
        assert_eq!(expiries(&decide(&experiment, &seen, ms).acts), [None]);
    }
    check(&experiment, &everywhere(&experiment, &pods, RunState::Running), 2_000, (&[], 1));
}

#[test]
fn a_start_that_has_passed_is_settled_again_when_the_load_generator_has_nothing_of_it() {
    let (experiment, pods) = settled(json!({}));
    check(&experiment, &nobody(&pods, -9_000), 951, (&SECOND, 2));
    check(&experiment, &nobody(&pods, -1), 60_000, (&SECOND, 2));
}

/// It may have sent load before it died: what is left of the run is all that it may get.
#[test]
fn no_start_is_settled_again_when_the_load_generator_was_restarted_since() {
    let (experiment, pods) = settled(json!({}));
    check(&experiment, &nobody(&pods, 1_500), 2_000, (&FIRST, 1));
    check(&experiment, &nobody(&pods, 0), 60_000, (&[], 1));
    check(&experiment, &nobody(&pods, 0), 30_000, (&FIRST, 1));
    let backend = || report(&experiment, RunState::Running, BackendResults::default());
    let client = || report(&experiment, RunState::Running, ClientResults::default());
    check(&experiment, &answers(&pods, backend, client, unreachable), 2_000, (&[], 1));
}

#[test]
fn what_is_left_of_a_start_that_passed_is_stopped_before_another_one_is_settled() {
    let (mut experiment, pods) = settled(json!({}));
    let mut seen = nobody(&pods, -90_000);
    seen.runs.backends[0].seen = report(&experiment, RunState::Running, BackendResults::default());
    check(&experiment, &seen, 2_000, (&["backend-0 x none-1"], 1));
    seen.runs.backends[0].seen = report(&experiment, RunState::Stopped, BackendResults::default());
    check(&experiment, &seen, 2_250, (&SECOND, 2));
    let again = step(&mut experiment, &seen, 2_250);
    assert_eq!(again.status.arms[0].run.starts_at.0, at(4_250), "twice as far ahead as the first start");
}

#[test]
fn pods_that_never_take_the_run_end_the_experiment_after_eight_hand_overs() {
    let (mut experiment, pods) = settled(json!({}));
    let (mut ms, mut handovers) = (0, vec![]);
    while experiment.status.as_ref().unwrap().verdict.is_none() && ms < 300_000 {
        ms += 500;
        let status = step(&mut experiment, &nobody(&pods, -10_000), ms).status;
        handovers.push(status.arms[0].run.handover);
    }
    handovers.dedup();
    assert_eq!(handovers, [1, 2, 3, 4, 5, 6, 7, 8]);
    let status = experiment.status.unwrap();
    assert_eq!((status.verdict, status.arms[0].phase), (Some(Verdict::Error), ArmPhase::Stopped));
    assert_eq!(status.message.as_deref(), Some("arm none: the pods did not take the run in 8 hand-overs"));
}

#[test]
fn the_runs_of_different_hand_overs_and_generations_have_different_ids() {
    let (mut experiment, pods) = settled(two_arms());
    let mut ids = vec![run_id(&experiment)];
    step(&mut experiment, &nobody(&pods, -90_000), 2_000);
    ids.push(run_id(&experiment));
    edit(&mut experiment, |spec| spec.suspend = true);
    step(&mut experiment, &nobody(&pods, -90_000), 9_000);
    ids.push(run_id(&experiment));
    assert_eq!(ids, ["1-first-1", "1-first-2", "2-first-3"].map(|id| format!("0f8b6c1e1d2a-{id}")));
}
