//! The arms, one after the other: settle a start, hand the run over once, look on, and take the results in.
//!
//! A start is settled in the status before any pod is told. The load generator is told last, and it keeps what it was
//! told for as long as its process lives. So a load generator that was up when the start was settled and has no such run
//! has sent nothing: then, and only then, a new start can be settled once the old one has passed.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use retrylab_api::{Arm, ArmPhase, ArmPlan, ArmStatus, ConditionType, Reason, RetryExperiment, RunRecord, arm_plan};

use crate::{
    Act, Decision, Workloads, deploy, finish,
    observed::{Observed, PodRun, PodSeen, Role, RunSeen},
    results,
    status::Draft,
};

/// From settling a start to the start: time to write the status and tell every pod.
const LEAD: SignedDuration = SignedDuration::from_millis(1_000);
/// A start nearer than this is not handed over any more to pods that have nothing of the run yet.
const LEAD_MIN: SignedDuration = SignedDuration::from_millis(50);
/// How long after an edge of the schedule one looks: by then the pods have acted on it.
const AFTER_EDGE: SignedDuration = SignedDuration::from_millis(30);
/// When to look again while a run drains.
const DRAINING: Duration = Duration::from_millis(250);
/// When to look again while a pod can't be asked.
const UNREACHABLE: Duration = Duration::from_secs(1);
/// When to look again at the latest: a pod that was replaced is seen sooner.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How much longer than its schedule and the longest request a run may take.
const OVERTIME: SignedDuration = SignedDuration::from_secs(30);

/// Brings the experiment on by one step.
pub fn advance(experiment: &RetryExperiment, observed: &Observed, draft: &mut Draft) -> Decision {
    let spec = &experiment.spec;
    let begun = draft.status.arms.len();
    if draft.running_arm().is_some() {
        return look_on(experiment, observed, draft, &spec.arms[begun - 1]);
    }
    let Some(arm) = spec.arms.get(begun) else {
        finish::judge(spec, draft);
        return finish::after_the_end(spec, draft);
    };
    if spec.suspend {
        draft.set(ConditionType::Paused, true, Reason::Suspended, "spec.suspend is true");
        return (Workloads::AsTheyAre, vec![], None);
    }
    draft.set(ConditionType::Paused, false, Reason::NotSuspended, "");
    let run = settle(experiment, arm, 1, draft.now);
    let now = draft.time();
    draft.status.started_at.get_or_insert(now);
    draft.status.arms.push(ArmStatus {
        name: arm.name.clone(),
        phase: ArmPhase::Running,
        run: run.clone(),
        finished_at: None,
        windows: vec![],
        recovery: None,
        latency: None,
        evidence: None,
    });
    results::summarise(draft);
    let plan = plan_of(experiment, arm);
    (
        Workloads::AsTheyAre,
        hand_over_to_all(observed, &run, &plan),
        Some(until(draft.now, next_edge(&run, &plan, draft.now))),
    )
}

/// The plans of an arm, with the load aimed at the client's Service.
fn plan_of(experiment: &RetryExperiment, arm: &Arm) -> ArmPlan {
    let name = experiment.metadata.name.as_deref().unwrap_or_default();
    arm_plan(&experiment.spec, arm, &format!("{name}-client:{}", Role::Client.port()))
}

/// Settles a start. The id is the object's, the generation's, the arm's and the hand-over's own.
fn settle(experiment: &RetryExperiment, arm: &Arm, handover: u32, now: Timestamp) -> RunRecord {
    let uid: String = experiment
        .metadata
        .uid
        .iter()
        .flat_map(|uid| uid.chars())
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect();
    let generation = experiment.metadata.generation.unwrap_or_default();
    RunRecord {
        id: format!("{uid}-{generation}-{}-{handover}", arm.name),
        handover,
        settled_at: MicroTime(whole_micros(now)),
        starts_at: MicroTime(whole_micros(now + LEAD)),
    }
}

/// A `MicroTime` has a grain of one microsecond; a finer one would differ from what is read back.
fn whole_micros(t: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(t.as_microsecond()).unwrap_or(t)
}

fn hand_over_to_all(observed: &Observed, run: &RunRecord, plan: &ArmPlan) -> Vec<Act> {
    let to = |role: Role| observed.role(role).ready.iter().map(move |pod| hand_over(role, pod, run, plan, true));
    Role::ALL.into_iter().flat_map(to).collect()
}

/// `fresh`: no pod sends load for this run yet, so that a hand-over that would be late is better not made at all.
fn hand_over(role: Role, pod: &PodSeen, run: &RunRecord, plan: &ArmPlan, fresh: bool) -> Act {
    let expires = fresh.then(|| run.starts_at.0 - LEAD_MIN);
    Act::HandOver { role, pod: pod.clone(), run: run.clone(), plan: Box::new(plan.clone()), expires }
}

/// The run is under way, or should be.
fn look_on(experiment: &RetryExperiment, observed: &Observed, draft: &mut Draft, arm: &Arm) -> Decision {
    let Some(run) = draft.running_arm().map(|arm| arm.run.clone()) else { return (Workloads::AsTheyAre, vec![], None) };
    let (plan, now) = (plan_of(experiment, arm), draft.now);
    let fresh = nothing_was_sent(observed, &run, now);
    if fresh && now > run.starts_at.0 - LEAD_MIN {
        let again = settle(experiment, arm, run.handover + 1, now);
        let mut acts = stops(observed);
        acts.extend(hand_over_to_all(observed, &again, &plan));
        if let Some(arm) = draft.running_arm_mut() {
            arm.run = again;
        }
        return (Workloads::AsTheyAre, acts, Some(Duration::from_millis(LEAD.as_millis() as u64)));
    }
    fault_active(observed, draft);
    let (over, late) = (is_over(experiment, observed), now > deadline(&run, &plan));
    if over || late {
        let notes = if over { vec![] } else { vec!["the run did not end in time".into()] };
        let figures = results::of_arm(&experiment.spec, &plan, observed, &run, notes);
        let finished_at = draft.time();
        if let Some(arm) = draft.running_arm_mut() {
            *arm = ArmStatus { phase: ArmPhase::Complete, finished_at: Some(finished_at), ..figures.into_status(arm) };
        }
        draft.set(ConditionType::FaultActive, false, Reason::NoWindowOpen, "");
        results::summarise(draft);
        return if over {
            advance(experiment, observed, draft)
        } else {
            (Workloads::AsTheyAre, stops(observed), Some(deploy::LOOK_AGAIN))
        };
    }
    let acts = hand_over_to_absent(observed, &run, &plan, fresh);
    (Workloads::AsTheyAre, acts, Some(next_look(observed, &run, &plan, now)))
}

/// Whether the load generator was up when the start was settled, and has nothing of the run.
fn nothing_was_sent(observed: &Observed, run: &RunRecord, now: Timestamp) -> bool {
    let up_since = |uptime_ms: u64| now - SignedDuration::from_millis(uptime_ms as i64);
    matches!(
        observed.runs.loadgens.as_slice(),
        [PodRun { seen: RunSeen::Absent { uptime_ms }, .. }] if up_since(*uptime_ms) < run.settled_at.0
    )
}

/// Whether every pod that there should be has the run, and nothing of it is under way on any of them.
fn is_over(experiment: &RetryExperiment, observed: &Observed) -> bool {
    let runs = &observed.runs;
    let all_there = Role::ALL.iter().all(|&role| {
        let seen = match role {
            Role::Backend => runs.backends.len(),
            Role::Client => runs.clients.len(),
            Role::Loadgen => runs.loadgens.len(),
        };
        seen == deploy::replicas(&experiment.spec, role)
    });
    all_there
        && runs.backends.iter().all(|r| r.seen.is_over())
        && runs.clients.iter().all(|r| r.seen.is_over())
        && runs.loadgens.iter().all(|r| r.seen.is_over())
}

/// Hands what is left of the run to pods that don't have it: they were restarted.
fn hand_over_to_absent(observed: &Observed, run: &RunRecord, plan: &ArmPlan, fresh: bool) -> Vec<Act> {
    fn absent<R>(runs: &[PodRun<R>]) -> impl Iterator<Item = &PodSeen> {
        runs.iter().filter(|r| matches!(r.seen, RunSeen::Absent { .. })).map(|r| &r.pod)
    }
    let backends = absent(&observed.runs.backends).map(|pod| hand_over(Role::Backend, pod, run, plan, fresh));
    let clients = absent(&observed.runs.clients).map(|pod| hand_over(Role::Client, pod, run, plan, fresh));
    let loadgens = absent(&observed.runs.loadgens).map(|pod| hand_over(Role::Loadgen, pod, run, plan, fresh));
    backends.chain(clients).chain(loadgens).collect()
}

/// Ends the run on every pod on which it is under way, the load first.
pub fn stops(observed: &Observed) -> Vec<Act> {
    fn under_way<R>(role: Role, runs: &[PodRun<R>]) -> impl Iterator<Item = Act> {
        runs.iter()
            .filter(|r| r.seen.is_under_way())
            .filter_map(move |r| Some(Act::Stop { role, pod: r.pod.clone(), run_id: r.seen.report()?.id.clone() }))
    }
    under_way(Role::Loadgen, &observed.runs.loadgens)
        .chain(under_way(Role::Client, &observed.runs.clients))
        .chain(under_way(Role::Backend, &observed.runs.backends))
        .collect()
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

fn deadline(run: &RunRecord, plan: &ArmPlan) -> Timestamp {
    let longest_ms = plan.client.duration_ms + plan.loadgen.timeout_ms;
    run.starts_at.0 + SignedDuration::from_millis(longest_ms as i64) + OVERTIME
}

fn next_look(observed: &Observed, run: &RunRecord, plan: &ArmPlan, now: Timestamp) -> Duration {
    let unreachable = |seen: bool| if seen { UNREACHABLE } else { HEARTBEAT };
    let cannot_ask = observed.runs.backends.iter().any(|r| matches!(r.seen, RunSeen::Unreachable(_)))
        || observed.runs.clients.iter().any(|r| matches!(r.seen, RunSeen::Unreachable(_)))
        || observed.runs.loadgens.iter().any(|r| matches!(r.seen, RunSeen::Unreachable(_)));
    until(now, next_edge(run, plan, now)).min(unreachable(cannot_ask))
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
    edge.map_or(DRAINING, |edge| Duration::from_micros(edge.duration_since(now).as_micros().max(1_000) as u64))
}
