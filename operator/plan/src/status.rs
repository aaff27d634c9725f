//! A status being drafted: the last one written, changed step by step.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use retrylab_api::{
    ArmPhase, ArmStatus, ConditionType, Phase, Reason, RetryExperiment, RetryExperimentStatus, Verdict,
};

use retrylab_core::stats::ArmSeries;

use crate::conditions;

/// The next status, and what is needed to write into it.
pub struct Draft {
    pub status: RetryExperimentStatus,
    pub now: Timestamp,
    /// The timeline of the arm that this status finishes.
    pub series: Option<ArmSeries>,
    generation: Option<i64>,
}

impl Draft {
    /// Starts from the last status. An experiment that has not started starts over when its spec is edited, even one
    /// that has ended (an invalid one, one with a missing image); its conditions remember since when they are what they
    /// are.
    pub fn new(experiment: &RetryExperiment, now: Timestamp) -> Self {
        let generation = experiment.metadata.generation;
        let last = experiment.status.clone().unwrap_or_default();
        let starts_over = last.started_at.is_none() && last.observed_generation != generation;
        let mut status = if starts_over {
            RetryExperimentStatus { conditions: last.conditions, ..RetryExperimentStatus::default() }
        } else {
            last
        };
        status.observed_generation = generation;
        for condition in &mut status.conditions {
            condition.observed_generation = generation;
        }
        Self { status, now, series: None, generation }
    }

    pub fn set(&mut self, kind: ConditionType, holds: bool, reason: Reason, message: impl Into<String>) {
        conditions::set(
            &mut self.status.conditions,
            kind,
            holds,
            (reason, message.into()),
            (self.generation, self.now),
        );
    }

    /// The spec is valid; the conditions that say how far the experiment is begin with "not yet".
    pub fn accepted(&mut self) {
        self.set(ConditionType::Accepted, true, Reason::Valid, "the spec is valid");
        for kind in [ConditionType::Complete, ConditionType::Succeeded] {
            self.set(kind, false, Reason::InProgress, "");
        }
    }

    pub fn time(&self) -> Time {
        Time(conditions::whole_seconds(self.now))
    }

    /// The arm that is under way.
    pub fn running_arm(&self) -> Option<&ArmStatus> {
        self.status.arms.last().filter(|arm| arm.phase == ArmPhase::Running)
    }

    pub fn running_arm_mut(&mut self) -> Option<&mut ArmStatus> {
        self.status.arms.last_mut().filter(|arm| arm.phase == ArmPhase::Running)
    }

    /// The phase follows from everything else, and so do the two conditions that kstatus has for every kind.
    pub fn finish(mut self) -> RetryExperimentStatus {
        let (reason, message) = match self.status.verdict {
            Some(verdict) => (Reason::from(verdict), self.status.message.clone().unwrap_or_default()),
            None => (Reason::InProgress, String::new()),
        };
        let (is_over, has_passed) = (self.status.verdict.is_some(), self.status.verdict == Some(Verdict::Passed));
        self.set(ConditionType::Reconciling, !is_over, reason, if is_over { "" } else { "the experiment is not over" });
        self.set(
            ConditionType::Stalled,
            is_over && !has_passed,
            reason,
            if has_passed { String::new() } else { message },
        );
        let status = &mut self.status;
        status.phase = Some(if status.verdict.is_some() {
            Phase::Complete
        } else if status.arms.last().is_some_and(|arm| arm.phase == ArmPhase::Running) {
            Phase::Running
        } else if conditions::holds(&status.conditions, ConditionType::Paused) {
            Phase::Paused
        } else if status.started_at.is_some() {
            Phase::Running
        } else {
            Phase::Deploying
        });
        self.status
    }
}
