//! What people are told: Kubernetes events, which follow from the difference of two statuses.

use retrylab_api::{ArmPhase, ConditionType, RetryExperimentStatus, Verdict};

use crate::conditions;

/// An event on the experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether people should worry.
    pub kind: EventKind,
    /// One word for machines.
    pub reason: &'static str,
    /// What was done.
    pub action: &'static str,
    /// What happened, in words.
    pub note: String,
}

/// Whether people should worry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// All is well.
    Normal,
    /// Something is not as it was meant to be.
    Warning,
}

/// The events between two statuses.
pub fn between(before: &RetryExperimentStatus, after: &RetryExperimentStatus) -> Vec<Event> {
    let mut events = Vec::new();
    for (i, arm) in after.arms.iter().enumerate() {
        let was = before.arms.get(i);
        if was.is_none() {
            events.push(normal("ArmStarted", "Run", format!("arm {} starts at {}", arm.name, arm.run.starts_at.0)));
        } else if was.is_some_and(|was| was.run.handover != arm.run.handover) {
            let note = format!("arm {} was not handed over in time and starts at {}", arm.name, arm.run.starts_at.0);
            events.push(Event { kind: EventKind::Warning, reason: "ArmRestarted", action: "Run", note });
        }
        if arm.phase == ArmPhase::Complete && was.is_none_or(|was| was.phase != ArmPhase::Complete) {
            let total = arm.windows.last();
            let amplification = total.and_then(|w| w.amplification.as_deref()).unwrap_or("unknown");
            let success = total.and_then(|w| w.success_rate.as_deref()).unwrap_or("unknown");
            let note = format!("arm {}: amplification {amplification}, success rate {success}", arm.name);
            events.push(normal("ArmComplete", "Measure", note));
        }
    }
    let opened = |status: &RetryExperimentStatus| conditions::holds(&status.conditions, ConditionType::FaultActive);
    if opened(after) && !opened(before) {
        events.push(normal("FaultStarted", "InjectFault", "a failure window is open".into()));
    }
    if let (None, Some(verdict)) = (before.verdict, after.verdict) {
        let kind = if verdict == Verdict::Passed { EventKind::Normal } else { EventKind::Warning };
        let note = after.message.clone().unwrap_or_default();
        events.push(Event { kind, reason: verdict.as_str(), action: "Judge", note });
    }
    events
}

fn normal(reason: &'static str, action: &'static str, note: String) -> Event {
    Event { kind: EventKind::Normal, reason, action, note }
}
