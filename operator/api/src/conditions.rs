//! The conditions of a `RetryExperiment` and their reasons: every string that `kubectl wait` and scripts rely on.

use crate::Verdict;

/// The types of condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// The spec is valid and within the operator's caps.
    Accepted,
    /// Backend, client and load generator are ready.
    WorkloadsReady,
    /// A failure window is open now.
    FaultActive,
    /// `spec.suspend` holds the next arm back.
    Paused,
    /// The experiment is over, whatever its verdict.
    Complete,
    /// The verdict is Passed.
    Succeeded,
    /// The experiment is not over. One of the two that kstatus knows, by which Flux and others tell how any object is.
    Reconciling,
    /// The experiment is over and has not passed; nothing more will come of it. The other one.
    Stalled,
}

impl ConditionType {
    /// Every type, in the order of the status.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::WorkloadsReady,
        Self::FaultActive,
        Self::Paused,
        Self::Complete,
        Self::Succeeded,
        Self::Reconciling,
        Self::Stalled,
    ];

    /// The type as it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::WorkloadsReady => "WorkloadsReady",
            Self::FaultActive => "FaultActive",
            Self::Paused => "Paused",
            Self::Complete => "Complete",
            Self::Succeeded => "Succeeded",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// Why a condition has its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The spec is valid.
    Valid,
    /// The spec is not valid, or beyond the operator's caps.
    Invalid,
    /// The workloads are being deployed.
    Deploying,
    /// The workloads are ready.
    Ready,
    /// The workloads did not become ready in time.
    DeadlineExceeded,
    /// The workloads were removed after the end.
    Removed,
    /// A failure window is open.
    WindowOpen,
    /// No failure window is open.
    NoWindowOpen,
    /// `spec.suspend` is true.
    Suspended,
    /// `spec.suspend` is false.
    NotSuspended,
    /// Arms are still to be run.
    InProgress,
    /// All arms were run, and the verdict is Passed.
    Passed,
    /// All arms were run, and a criterion does not hold.
    Failed,
    /// All arms were run, and the evidence does not carry a verdict.
    Inconclusive,
    /// `spec.abort` ended the experiment.
    Aborted,
    /// The experiment could not be carried out.
    Error,
}

impl From<Verdict> for Reason {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed => Self::Failed,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Aborted => Self::Aborted,
            Verdict::Error => Self::Error,
        }
    }
}

impl Reason {
    /// The reason as it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "Valid",
            Self::Invalid => "Invalid",
            Self::Deploying => "Deploying",
            Self::Ready => "Ready",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::Removed => "Removed",
            Self::WindowOpen => "WindowOpen",
            Self::NoWindowOpen => "NoWindowOpen",
            Self::Suspended => "Suspended",
            Self::NotSuspended => "NotSuspended",
            Self::InProgress => "InProgress",
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
            Self::Aborted => "Aborted",
            Self::Error => "Error",
        }
    }
}
