//! How service came back, and what that means.

#![allow(clippy::doc_markdown, reason = "it is the text of `kubectl explain`, which shows backticks as they are")]

use retrylab_core::stats;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How service came back after the last fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStatus {
    /// From the last fault's end to the first whole second of the run from which on, for 10s, goodput is at least 95 % of
    /// the baseline's, as shares of the arrivals, and p99 at most 110 % of the baseline's or within 10ms of it. So it is up
    /// to a second too long. "> X" when there was none in the observed time, which ends where load is shed; nothing when
    /// the baseline itself fails or is none, or when there is too little to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_recovery: Option<String>,
    /// What that means. NoEffect: the fault changed nothing that can be told from the baseline. Recovered: service was back by the
    /// time in which what was left behind can be worked off. SlowRecovery: later, or it is still getting better.
    /// MetastableSuspected: it stays down beyond that time, under a load that the baseline served. MetastableConfirmed: the same,
    /// and shedding load brought it back for good. Overloaded: the baseline itself fails. Undetermined: what was seen carries
    /// no verdict.
    pub verdict: RecoveryVerdict,
    /// Why it is that, in words.
    pub message: String,
}

/// How service came back: NoEffect, Recovered, SlowRecovery, MetastableSuspected, MetastableConfirmed, Overloaded or Undetermined;
/// what each means is with `status.arms.recovery.verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecoveryVerdict {
    /// The fault changed nothing that can be told from the baseline.
    NoEffect,
    /// Service was back by the time in which what was left behind can be worked off.
    Recovered,
    /// It was back later, or is still getting better.
    SlowRecovery,
    /// It stays down, beyond that time, under a load that the baseline served.
    MetastableSuspected,
    /// The same, and shedding load brought it back for good.
    MetastableConfirmed,
    /// The baseline itself fails.
    Overloaded,
    /// What was seen carries no verdict.
    Undetermined,
}

impl From<stats::RecoveryVerdict> for RecoveryVerdict {
    fn from(verdict: stats::RecoveryVerdict) -> Self {
        match verdict {
            stats::RecoveryVerdict::NoEffect => Self::NoEffect,
            stats::RecoveryVerdict::Recovered => Self::Recovered,
            stats::RecoveryVerdict::SlowRecovery => Self::SlowRecovery,
            stats::RecoveryVerdict::MetastableSuspected => Self::MetastableSuspected,
            stats::RecoveryVerdict::MetastableConfirmed => Self::MetastableConfirmed,
            stats::RecoveryVerdict::Overloaded => Self::Overloaded,
            stats::RecoveryVerdict::Undetermined => Self::Undetermined,
        }
    }
}

impl RecoveryVerdict {
    /// The verdict as it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEffect => "NoEffect",
            Self::Recovered => "Recovered",
            Self::SlowRecovery => "SlowRecovery",
            Self::MetastableSuspected => "MetastableSuspected",
            Self::MetastableConfirmed => "MetastableConfirmed",
            Self::Overloaded => "Overloaded",
            Self::Undetermined => "Undetermined",
        }
    }
}
