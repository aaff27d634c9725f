//! The strategies by name, and the policy that each name stands for.

use serde::{Deserialize, Serialize};

use super::{DelayLaw, Jitter, Policy};

/// A retry strategy's name, as `curl` users write it and as the metrics' `strategy` label shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrategyName {
    /// One attempt, no retry.
    None,
    /// Three attempts with no delay.
    Naive,
    /// Three attempts, 500 ms apart (the defaults of resilience4j).
    Fixed,
    /// Four attempts after exponential delays of 1, 2 and 4 s.
    Backoff,
    /// The delays of `Backoff`, each with a random part added: d + U(0, d).
    Jitter,
}

impl StrategyName {
    /// Every name, in the order in which they are documented.
    pub const ALL: [Self; 5] = [Self::None, Self::Naive, Self::Fixed, Self::Backoff, Self::Jitter];

    /// The name as it stands in JSON, in logs and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Naive => "naive",
            Self::Fixed => "fixed",
            Self::Backoff => "backoff",
            Self::Jitter => "jitter",
        }
    }

    /// The policy that the name stands for when nothing else is said.
    pub const fn preset(self) -> Policy {
        match self {
            Self::None => Policy { max_attempts: 1, delay: DelayLaw::None },
            Self::Naive => Policy { max_attempts: 3, delay: DelayLaw::None },
            Self::Fixed => Policy { max_attempts: 3, delay: DelayLaw::Fixed { delay_ms: 500 } },
            Self::Backoff => Policy { max_attempts: 4, delay: exponential_law(Jitter::None) },
            Self::Jitter => Policy { max_attempts: 4, delay: exponential_law(Jitter::Additive) },
        }
    }
}

/// The exponential law of the presets: 1, 2, 4 s and on, at most a minute.
const fn exponential_law(jitter: Jitter) -> DelayLaw {
    DelayLaw::Exponential { base_ms: 1_000, factor: 2, cap_ms: 60_000, jitter }
}
