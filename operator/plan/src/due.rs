//! By when an experiment comes to its next stage by itself: one that doesn't is stuck, and so is whoever should see to it.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use retrylab_api::{Phase, RetryExperiment};

use crate::arm;

/// By when something should have happened to the experiment, whatever becomes of its pods. `None`: it waits for nothing, since
/// it is over or suspended.
pub fn due(experiment: &RetryExperiment) -> Option<Timestamp> {
    let created = experiment.metadata.creation_timestamp.as_ref().map(|t| t.0);
    let Some(status) = &experiment.status else { return created };
    if status.verdict.is_some() || status.phase == Some(Phase::Paused) {
        return None;
    }
    let ready_by = || {
        let since = status.deploying_since.as_ref()?.0;
        Some(since + SignedDuration::from_millis(experiment.spec.ready_timeout.as_millis() as i64))
    };
    let arm_over = || status.arms.last()?.finished_at.as_ref().map(|t| t.0);
    arm::given_up_at(experiment).or_else(ready_by).or_else(arm_over).or(created)
}
