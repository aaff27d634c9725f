//! What is to be done for a `RetryExperiment`, decided purely: `plan(experiment, observed, now)`.
//!
//! Nothing here performs I/O or reads a clock. A *world* (the operator in a cluster) observes, calls [`plan`], writes the
//! planned status, and only then makes the workloads what they should be and performs the acts. Every act may be
//! repeated: the same act twice is the act once. So the world may die at any line, and the next one goes on from the
//! status and from what it observes.

mod arm;
mod conditions;
mod criteria;
mod deploy;
mod due;
mod events;
mod figures;
mod finish;
mod handover;
mod judgement;
mod observed;
mod prediction;
mod results;
mod status;
mod words;

pub use criteria::criteria;
pub use deploy::{POD_RESOURCES, PodResources, replicas};
pub use due::due;
pub use events::{Event, EventKind};
pub use figures::ArmFigures;
pub use judgement::{Judged, judge};
pub use observed::{Observed, PodRun, PodSeen, Role, RoleSeen, RunSeen, Runs};
pub use prediction::Foresight;

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{ArmPlan, Caps, RetryExperiment, RetryExperimentStatus, RunRecord, Verdict, validate};
use retrylab_core::stats::ArmSeries;
use status::Draft;

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The status that is to be written before anything else is done, if it differs from the one there is.
    pub status: RetryExperimentStatus,
    /// The timeline of the arm that this status finishes: to be kept before the status is written, since afterwards nobody
    /// asks the pods for it any more.
    pub series: Option<ArmSeries>,
    /// What the workloads should be.
    pub workloads: Workloads,
    /// What is to be said to the pods, in this order.
    pub acts: Vec<Act>,
    /// What is to be told to people; follows from the difference of the statuses.
    pub events: Vec<Event>,
    /// When to look again, at the latest; `None`: when something changes.
    pub next: Option<Duration>,
}

/// What the workloads of an experiment should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// Deployed as the spec says.
    Deployed,
    /// As they are.
    AsTheyAre,
    /// Not there.
    Removed,
}

/// Something to be said to a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Hand over the arm's run to a pod of the role.
    HandOver {
        /// What the pod does in the experiment.
        role: Role,
        /// The pod.
        pod: PodSeen,
        /// The run; its start lies ahead, or behind for a pod that takes up what is left.
        run: RunRecord,
        /// Every role's plan.
        plan: Box<ArmPlan>,
        /// After this moment the act is not to be performed.
        expires: Option<Timestamp>,
    },
    /// End the run on a pod now.
    Stop {
        /// What the pod does in the experiment.
        role: Role,
        /// The pod.
        pod: PodSeen,
        /// The run's id.
        run_id: String,
    },
}

/// Decides what is to be done. `status` is the latest written one; `observed` was seen after it was written.
pub fn plan(experiment: &RetryExperiment, observed: &Observed, now: Timestamp, caps: Caps) -> Plan {
    let mut draft = Draft::new(experiment, now);
    let (workloads, acts, next) = decide(experiment, observed, caps, &mut draft);
    let before = experiment.status.clone().unwrap_or_default();
    let series = draft.series.take();
    let status = draft.finish();
    let events = events::between(&before, &status);
    Plan { status, series, workloads, acts, events, next }
}

type Decision = (Workloads, Vec<Act>, Option<Duration>);

fn decide(experiment: &RetryExperiment, observed: &Observed, caps: Caps, draft: &mut Draft) -> Decision {
    let spec = &experiment.spec;
    if draft.status.verdict.is_some() {
        return finish::after_the_end(spec, draft);
    }
    let valid = validate(spec, caps);
    if let Some(first) = arm::wind_up(experiment, observed, draft).filter(|_| spec.abort || valid.is_err()) {
        return first;
    }
    if let Err(error) = valid {
        finish::rejected(&error, draft);
        return finish::after_the_end(spec, draft);
    }
    draft.accepted();
    if spec.abort {
        finish::conclude(Verdict::Aborted, "spec.abort is true".into(), draft);
        return finish::after_the_end(spec, draft);
    }
    match deploy::readiness(spec, observed, draft) {
        deploy::Readiness::Ready => {}
        deploy::Readiness::NotYet if draft.running_arm().is_some() => {} // the run goes on, and so does its deadline
        deploy::Readiness::NotYet => return (Workloads::Deployed, vec![], Some(deploy::LOOK_AGAIN)),
        deploy::Readiness::TooLate(reason) => {
            finish::conclude(Verdict::Error, reason, draft);
            return finish::after_the_end(spec, draft);
        }
    }
    arm::advance(experiment, observed, draft)
}

#[cfg(test)]
mod tests;
