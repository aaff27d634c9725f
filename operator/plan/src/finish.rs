//! The end: the verdict, its conditions, and what becomes of the workloads.

use std::time::Duration;

use k8s_openapi::jiff::SignedDuration;
use retrylab_api::{ArmPhase, ConditionType, MESSAGE_MAX_BYTES, Reason, RetryExperimentSpec, Verdict};
use retrylab_core::wire::FieldError;

use crate::{
    Decision, Workloads,
    judgement::{self, Judged},
    status::Draft,
    words::clipped,
};

/// The spec is not valid, or not any more: the operator's caps may have been lowered since the experiment began.
pub fn rejected(error: &FieldError, draft: &mut Draft) {
    draft.set(ConditionType::Accepted, false, Reason::Invalid, error.to_string());
    conclude(Verdict::Error, error.to_string(), draft);
}

/// All arms were run: the verdict follows.
pub fn judge(spec: &RetryExperimentSpec, draft: &mut Draft) {
    let Judged { verdict, message, criteria } = judgement::judge(spec, &draft.status.arms);
    draft.status.criteria = criteria;
    conclude(verdict, message, draft);
}

/// The experiment is over with this verdict.
pub fn conclude(verdict: Verdict, message: String, draft: &mut Draft) {
    let message = clipped(message, MESSAGE_MAX_BYTES);
    let now = draft.time();
    if let Some(arm) = draft.running_arm_mut() {
        arm.phase = ArmPhase::Stopped;
        arm.finished_at = Some(now.clone());
    }
    let reason = Reason::from(verdict);
    draft.status.verdict = Some(verdict);
    draft.status.finished_at = Some(now);
    draft.set(ConditionType::FaultActive, false, Reason::NoWindowOpen, "");
    draft.set(ConditionType::Paused, false, Reason::NotSuspended, "");
    draft.set(ConditionType::Complete, true, reason, message.clone());
    draft.set(ConditionType::Succeeded, verdict == Verdict::Passed, reason, message.clone());
    draft.status.message = Some(message);
}

/// The experiment is over: its workloads stay for `ttlSecondsAfterFinished`, then they go.
pub fn after_the_end(spec: &RetryExperimentSpec, draft: &mut Draft) -> Decision {
    let Some(finished) = draft.status.finished_at.as_ref().map(|t| t.0) else {
        return (Workloads::Removed, vec![], None);
    };
    let left =
        (finished + SignedDuration::from_secs(i64::from(spec.ttl_seconds_after_finished))).duration_since(draft.now);
    if left.is_positive() {
        return (Workloads::AsTheyAre, vec![], Some(Duration::from_millis(left.as_millis().max(1) as u64)));
    }
    if draft.status.conditions.iter().any(|c| c.type_ == ConditionType::WorkloadsReady.as_str() && c.status == "True") {
        draft.set(ConditionType::WorkloadsReady, false, Reason::Removed, "removed after the end");
    }
    (Workloads::Removed, vec![], None)
}
