//! What is said to the pods of an arm, and when: settling a start, handing the run over, stopping it.
//!
//! A start is settled in the status before any pod is told. The load generator is told last, and it keeps what it was
//! told for as long as its process lives. So a load generator that was up when the start was settled and has no such run
//! has sent nothing: then, and only then, a new start can be settled once the old one has passed.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use retrylab_api::{Arm, ArmPlan, RetryExperiment, RunRecord};
use retrylab_core::wire::run_id;

use crate::{
    Act, deploy,
    observed::{Answer, Observed, PodRun, PodSeen, Role, RunSeen},
};

/// From settling an arm's first start to that start: time to write the status and tell every pod. Each further one has
/// twice as long, up to 16 times: what took too long once may do so again.
const LEAD: SignedDuration = SignedDuration::from_millis(1_000);
/// How often the lead is doubled at most.
const DOUBLINGS_MAX: u32 = 4;
/// A start nearer than this is not handed over any more to pods that have nothing of the run yet.
const LEAD_MIN: SignedDuration = SignedDuration::from_millis(50);

/// Settles a start, of load that goes to `target`.
pub fn settle(experiment: &RetryExperiment, arm: &Arm, target: &str, handover: u32, now: Timestamp) -> RunRecord {
    let uid: String = experiment
        .metadata
        .uid
        .iter()
        .flat_map(|uid| uid.chars())
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect();
    let generation = experiment.metadata.generation.unwrap_or_default();
    let lead = LEAD * (1 << handover.saturating_sub(1).min(DOUBLINGS_MAX));
    RunRecord {
        id: run_id(&uid, generation, &arm.name, handover),
        handover,
        settled_at: MicroTime(whole_micros(now)),
        starts_at: MicroTime(whole_micros(now + lead)),
        target: target.to_owned(),
    }
}

/// A `MicroTime` has a grain of one microsecond; a finer one would differ from what is read back.
fn whole_micros(t: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(t.as_microsecond()).unwrap_or(t)
}

/// Whether the start is too near, or has passed, for a hand-over to pods that have nothing of the run yet.
pub fn is_too_late(run: &RunRecord, now: Timestamp) -> bool {
    now > run.starts_at.0 - LEAD_MIN
}

/// Whether the load generator was up when the start was settled, and has nothing of the run.
pub fn nothing_was_sent(observed: &Observed, run: &RunRecord) -> bool {
    matches!(
        observed.runs.loadgens.as_slice(),
        [PodRun { seen: RunSeen::Absent { up_since }, .. }] if *up_since < run.settled_at.0
    )
}

/// Whether every pod that there should be was asked and has answered.
pub fn all_answer(experiment: &RetryExperiment, observed: &Observed) -> bool {
    let answers = observed.runs.answers();
    let asked = |role: Role| answers.iter().filter(|(r, ..)| *r == role).count();
    let spec = &experiment.spec;
    Role::all(spec.client.layers).into_iter().all(|role| asked(role) == deploy::replicas(spec, role))
        && !in_doubt(observed)
}

/// Whether a pod could not be asked.
pub fn in_doubt(observed: &Observed) -> bool {
    observed.runs.answers().iter().any(|(.., answer)| *answer == Answer::Unreachable)
}

/// Whether every pod that there should be has the run, and nothing of it is under way on any of them.
pub fn is_over(experiment: &RetryExperiment, observed: &Observed) -> bool {
    all_answer(experiment, observed) && observed.runs.answers().iter().all(|(.., answer)| *answer == Answer::Over)
}

/// Hands the run over to every ready pod.
pub fn to_all(observed: &Observed, run: &RunRecord, plan: &ArmPlan) -> Vec<Act> {
    let to = |role: Role| observed.role(role).ready.iter().map(move |pod| hand_over(role, pod, run, plan, true));
    Role::all(plan.layers()).into_iter().flat_map(to).collect()
}

/// Hands the run over to the pods that don't have it. `fresh`: the operator before this one didn't come to it; otherwise
/// they were restarted, and get what is left.
pub fn to_absent(observed: &Observed, run: &RunRecord, plan: &ArmPlan, fresh: bool) -> Vec<Act> {
    let answers = observed.runs.answers();
    let absent = answers.into_iter().filter(|(.., answer)| *answer == Answer::Absent);
    absent.map(|(role, pod, _)| hand_over(role, pod, run, plan, fresh)).collect()
}

/// `fresh`: no pod sends load for this run yet, so that a hand-over that would be late is better not made at all.
fn hand_over(role: Role, pod: &PodSeen, run: &RunRecord, plan: &ArmPlan, fresh: bool) -> Act {
    let expires = fresh.then(|| run.starts_at.0 - LEAD_MIN);
    Act::HandOver { role, pod: pod.clone(), run: run.clone(), plan: Box::new(plan.clone()), expires }
}

/// Ends the run on every pod on which it is under way, the load first.
pub fn stops(observed: &Observed) -> Vec<Act> {
    let stop = |(role, pod, answer): (Role, &PodSeen, Answer)| match answer {
        Answer::UnderWay(id) => Some(Act::Stop { role, pod: pod.clone(), run_id: id.to_owned() }),
        Answer::Absent | Answer::Unreachable | Answer::Over => None,
    };
    observed.runs.answers().into_iter().rev().filter_map(stop).collect()
}
