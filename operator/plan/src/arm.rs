//! The arms, one after the other: settle a start, hand the run over once, look on, and take the results in.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use retrylab_api::{
    Arm, ArmPhase, ArmPlan, ArmStatus, ConditionType, Reason, RetryExperiment, RunRecord, Verdict, arm_plan,
    backend_model,
};
use retrylab_core::{
    evidence::{last_attempt_ms, on_the_way},
    fault::FaultKind,
    stats::{ArmCounts, ArmSeries},
};

use crate::{
    Decision, Workloads, deploy, finish, handover, observed::Observed, prediction::Foresight, results, status::Draft,
};

/// How long after an edge of the schedule one looks: by then the pods have acted on it.
const AFTER_EDGE: SignedDuration = SignedDuration::from_millis(30);
/// When to look again while a run drains, is stopped, or waits for a pod's answer before its start.
const SOON: Duration = Duration::from_millis(250);
/// When to look again while a pod can't be asked.
const UNREACHABLE: Duration = Duration::from_secs(1);
/// When to look again at the latest: a pod that was replaced is seen sooner.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How much longer than its schedule and the longest request a run may take, and how much longer it may take to stop it.
const OVERTIME: SignedDuration = SignedDuration::from_secs(30);
/// How long after the last attempt something that was sent may still come to whoever it was sent to. Its sender may have hung
/// up: the kernel goes on, and sends what was lost again, after 0.2, 0.6, 1.4, 3 s and so on, and after 3, 9 and 21 s where
/// the opening of the connection had lost packets as well.
const ON_THE_WAY_MAX: SignedDuration = SignedDuration::from_secs(30);
/// How often an arm's start is settled at most: pods that answer, and yet have not taken the run by then, never will.
const HANDOVERS_MAX: u32 = 8;

/// Brings the experiment on by one step.
pub fn advance(experiment: &RetryExperiment, observed: &Observed, draft: &mut Draft) -> Decision {
    let spec = &experiment.spec;
    if let Some(arm) = running(experiment, draft) {
        return look_on(experiment, observed, draft, arm);
    }
    let begun = |arm: &Arm| draft.status.arms.iter().any(|status| status.name == arm.name);
    let Some(arm) = spec.arms.iter().find(|arm| !begun(arm)) else {
        finish::judge(spec, draft);
        return finish::after_the_end(spec, draft);
    };
    if spec.suspend {
        draft.set(ConditionType::Paused, true, Reason::Suspended, "spec.suspend is true");
        return (Workloads::AsTheyAre, vec![], None);
    }
    draft.set(ConditionType::Paused, false, Reason::NotSuspended, "");
    draft.set(ConditionType::FaultActive, false, Reason::NoWindowOpen, "");
    let Some(target) = &observed.target else { return (Workloads::Deployed, vec![], Some(deploy::LOOK_AGAIN)) };
    let run = handover::settle(experiment, arm, target, 1, draft.now);
    let now = draft.time();
    draft.status.started_at.get_or_insert(now);
    draft.status.arms.push(ArmStatus::begun(arm.name.clone(), run.clone()));
    results::summarise(draft);
    let plan = plan_of(experiment, arm, &run);
    (
        Workloads::AsTheyAre,
        handover::to_all(observed, &run, &plan),
        Some(until(draft.now, next_edge(&run, &plan, draft.now))),
    )
}

/// The arm that is under way, as the spec has it.
fn running<'e>(experiment: &'e RetryExperiment, draft: &Draft) -> Option<&'e Arm> {
    let running = draft.running_arm()?;
    experiment.spec.arms.iter().find(|arm| arm.name == running.name)
}

/// The plans of an arm, the same for as long as its run's start stands.
fn plan_of(experiment: &RetryExperiment, arm: &Arm, run: &RunRecord) -> ArmPlan {
    arm_plan(&experiment.spec, arm, &run.target)
}

/// The run is under way, or should be.
fn look_on(experiment: &RetryExperiment, observed: &Observed, draft: &mut Draft, arm: &Arm) -> Decision {
    let Some(run) = draft.running_arm().map(|arm| arm.run.clone()) else { return (Workloads::AsTheyAre, vec![], None) };
    let (plan, now) = (plan_of(experiment, arm, &run), draft.now);
    let fresh = handover::nothing_was_sent(observed, &run);
    let (over, late) = (handover::is_over(experiment, observed), now > deadline(experiment, &run, &plan));
    let missed = fresh && handover::is_too_late(&run, now);
    // What is left of a start that was missed, or goes on beyond its time, is stopped before anything is written: who
    // finds it written need not think of it any more.
    let stops = handover::stops(observed);
    if (missed || late) && !stops.is_empty() && now <= deadline(experiment, &run, &plan) + OVERTIME {
        return (Workloads::AsTheyAre, stops, Some(SOON));
    }
    if missed && handover::all_answer(experiment, observed) {
        return settle_again(experiment, observed, draft, arm, &run);
    }
    fault_active(observed, draft);
    if over && !late && observed.foresight == Foresight::Pending {
        return (Workloads::AsTheyAre, vec![], Some(SOON)); // the pods keep what they counted
    }
    if over || late {
        let notes = if over { vec![] } else { vec!["the run did not end in time".into()] };
        let counts = results::counts(observed);
        if over && !late && may_still_come(observed, &counts, &run, now) {
            return (Workloads::AsTheyAre, vec![], Some(SOON));
        }
        let figures = results::of_arm(&experiment.spec, &plan, observed, &counts, &run, notes);
        draft.series = Some(ArmSeries::new(&arm.name, &counts));
        if observed.kept_in.is_some() {
            draft.status.report_ref.clone_from(&observed.kept_in);
        }
        let finished_at = draft.time();
        if let Some(arm) = draft.running_arm_mut() {
            let no_prediction = observed.foresight.lack();
            let figures = figures.into_status(arm);
            *arm = ArmStatus { phase: ArmPhase::Complete, finished_at: Some(finished_at), no_prediction, ..figures };
        }
        draft.set(ConditionType::FaultActive, false, Reason::NoWindowOpen, "");
        results::summarise(draft);
        return if over {
            advance(experiment, observed, draft)
        } else {
            // What is left of it would run into the next arm.
            finish::judge(&experiment.spec, draft);
            finish::after_the_end(&experiment.spec, draft)
        };
    }
    if fresh && !handover::all_answer(experiment, observed) {
        // Nothing is sent before all others know their part.
        return (Workloads::AsTheyAre, vec![], Some(SOON));
    }
    let acts = handover::to_absent(observed, &run, &plan, fresh);
    (Workloads::AsTheyAre, acts, Some(next_look(observed, &run, &plan, now)))
}

/// Whether something that was sent may still be received, so that the books may come to agree. Where a pod has lost a part of the
/// run, they never will.
fn may_still_come(observed: &Observed, counts: &ArmCounts, run: &RunRecord, now: Timestamp) -> bool {
    let last_attempt = run.starts_at.0 + SignedDuration::from_millis(last_attempt_ms(counts) as i64);
    on_the_way(counts) > results::unsent(observed) && observed.runs.are_whole() && now < last_attempt + ON_THE_WAY_MAX
}

/// The start has passed, and nothing was sent: settles another one.
fn settle_again(
    experiment: &RetryExperiment,
    observed: &Observed,
    draft: &mut Draft,
    arm: &Arm,
    run: &RunRecord,
) -> Decision {
    if run.handover >= HANDOVERS_MAX {
        let message = format!("arm {}: the pods did not take the run in {HANDOVERS_MAX} hand-overs", arm.name);
        finish::conclude(Verdict::Error, message, draft);
        return finish::after_the_end(&experiment.spec, draft);
    }
    let target = observed.target.as_ref().unwrap_or(&run.target);
    let again = handover::settle(experiment, arm, target, run.handover + 1, draft.now);
    let plan = plan_of(experiment, arm, &again);
    if let Some(arm) = draft.running_arm_mut() {
        arm.run = again.clone();
    }
    let next = until(draft.now, next_edge(&again, &plan, draft.now));
    (Workloads::AsTheyAre, handover::to_all(observed, &again, &plan), Some(next))
}

/// Before an experiment may end early: stops what is under way. `None`: nothing is any more. Pods that can't be asked
/// are waited for where they outlive the experiment, until the run would have been over by itself.
pub fn wind_up(experiment: &RetryExperiment, observed: &Observed, draft: &Draft) -> Option<Decision> {
    let (status, arm) = (draft.running_arm()?, running(experiment, draft)?);
    let stops = handover::stops(observed);
    let in_doubt = experiment.spec.ttl_seconds_after_finished > 0 && handover::in_doubt(observed);
    let in_time = draft.now <= deadline(experiment, &status.run, &plan_of(experiment, arm, &status.run));
    let next = if stops.is_empty() { UNREACHABLE } else { SOON };
    ((!stops.is_empty() || in_doubt) && in_time).then_some((Workloads::AsTheyAre, stops, Some(next)))
}

/// A window is open when a backend says that it has begun and not that it has ended.
fn fault_active(observed: &Observed, draft: &mut Draft) {
    let open = observed
        .runs
        .backends
        .iter()
        .filter_map(|r| r.seen.report())
        .flat_map(|report| &report.results.faults)
        .find(|fault| fault.started_us.is_some() && fault.ended_us.is_none())
        .map(|fault| fault.name.clone());
    if let Some(name) = open {
        draft.set(ConditionType::FaultActive, true, Reason::WindowOpen, format!("the window {name} is open"));
    } else {
        draft.set(ConditionType::FaultActive, false, Reason::NoWindowOpen, "");
    }
}

/// When a run is given up: after its schedule, the longest request, and the backend's longest work that nobody waits for.
fn deadline(experiment: &RetryExperiment, run: &RunRecord, plan: &ArmPlan) -> Timestamp {
    let drain_ms = backend_model(&experiment.spec.backend).longest_drain().as_millis() as u64;
    // A blackhole adds nothing: for the backend a request in it is over, and the client waits no longer than it ever does.
    let added_ms = plan.backend.faults.iter().map(|fault| match fault.kind {
        FaultKind::Latency { delay_ms, .. } => delay_ms,
        _ => 0, // acts at once, or is over by the end of the schedule
    });
    // An inner client goes on when the one before it has given up; so each layer may add a whole request's time.
    let requests_ms = plan.loadgen.timeout_ms * u64::from(plan.layers());
    let longest_ms = plan.client.duration_ms + requests_ms + drain_ms + added_ms.max().unwrap_or(0);
    run.starts_at.0 + SignedDuration::from_millis(longest_ms as i64) + OVERTIME
}

/// When the arm that runs is given up at the latest, the time to stop it included; `None`: none runs.
pub fn given_up_at(experiment: &RetryExperiment) -> Option<Timestamp> {
    let running = experiment.status.as_ref()?.arms.last().filter(|arm| arm.phase == ArmPhase::Running)?;
    let arm = experiment.spec.arms.iter().find(|arm| arm.name == running.name)?;
    Some(deadline(experiment, &running.run, &plan_of(experiment, arm, &running.run)) + OVERTIME)
}

fn next_look(observed: &Observed, run: &RunRecord, plan: &ArmPlan, now: Timestamp) -> Duration {
    let latest = if handover::in_doubt(observed) { UNREACHABLE } else { HEARTBEAT };
    until(now, next_edge(run, plan, now)).min(latest)
}

/// The next moment at which something is to be seen: the start, an edge of a window, the end; then the drain.
fn next_edge(run: &RunRecord, plan: &ArmPlan, now: Timestamp) -> Option<Timestamp> {
    let edges = plan.backend.faults.iter().flat_map(|fault| [fault.at_ms, fault.end_ms()]);
    edges
        .chain([0, plan.client.duration_ms])
        .map(|ms| run.starts_at.0 + SignedDuration::from_millis(ms as i64) + AFTER_EDGE)
        .filter(|edge| *edge > now)
        .min()
}

fn until(now: Timestamp, edge: Option<Timestamp>) -> Duration {
    edge.map_or(SOON, |edge| Duration::from_micros(edge.duration_since(now).as_micros().max(1_000) as u64))
}
