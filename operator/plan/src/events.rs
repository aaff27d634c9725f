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
    /// What was done. Events that differ in nothing but their note are counted as one, so it names the arm.
    pub action: String,
    /// What happened, in words, in at most 1 KiB: the API server takes no more.
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
            events.push(normal(
                "ArmStarted",
                format!("Run {}", arm.name),
                format!("arm {} starts at {}", arm.name, arm.run.starts_at.0),
            ));
        } else if was.is_some_and(|was| was.run.handover != arm.run.handover) {
            let note = format!("arm {} was not handed over in time and starts at {}", arm.name, arm.run.starts_at.0);
            let action = format!("Run {}", arm.name);
            events.push(Event { kind: EventKind::Warning, reason: "ArmRestarted", action, note });
        }
        if arm.phase == ArmPhase::Complete && was.is_none_or(|was| was.phase != ArmPhase::Complete) {
            let total = arm.windows.last();
            let amplification = total.and_then(|w| w.amplification.as_deref()).unwrap_or("unknown");
            let success = total.and_then(|w| w.success_rate.as_deref()).unwrap_or("unknown");
            let note = format!("arm {}: amplification {amplification}, success rate {success}", arm.name);
            events.push(normal("ArmComplete", format!("Measure {}", arm.name), note));
        }
    }
    let opened = |status: &RetryExperimentStatus| conditions::holds(&status.conditions, ConditionType::FaultActive);
    if let (true, false, Some(arm)) = (opened(after), opened(before), after.arms.last()) {
        let note = format!("arm {}: a failure window is open", arm.name);
        events.push(normal("FaultStarted", format!("Break {}", arm.name), note));
    }
    // An experiment that was edited before it started may end twice, with the same verdict.
    let ended_anew = (before.verdict, &before.finished_at) != (after.verdict, &after.finished_at);
    if let Some(verdict) = after.verdict.filter(|_| ended_anew) {
        let kind = if verdict == Verdict::Passed { EventKind::Normal } else { EventKind::Warning };
        let note = after.message.clone().unwrap_or_default();
        events.push(Event { kind, reason: verdict.as_str(), action: "Judge".into(), note });
    }
    events
}

fn normal(reason: &'static str, action: String, note: String) -> Event {
    Event { kind: EventKind::Normal, reason, action, note }
}
