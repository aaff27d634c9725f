//! Figures as the counts that they are made of, beside what is shown of them: criteria are held against these.

use retrylab_core::stats::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure, exactly: `count` ÷ `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fraction {
    /// What is divided.
    pub count: u64,
    /// What it is divided by.
    pub per: u64,
}

impl From<Ratio> for Fraction {
    fn from(ratio: Ratio) -> Self {
        Self { count: ratio.numerator(), per: ratio.denominator() }
    }
}

impl Fraction {
    /// The figure; `None`: it is none.
    pub const fn ratio(self) -> Option<Ratio> {
        Ratio::new(self.count, self.per)
    }
}

/// The figures of a window that can't be made of its other counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExactFigures {
    /// Attempts ÷ arrivals of the second with the highest wire amplification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_amplification: Option<Fraction>,
    /// Retries ÷ attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_share: Option<Fraction>,
    /// Retries of the worst 100 ms times the number of the window's buckets ÷ all retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_index: Option<Fraction>,
    /// Work for nobody ÷ work completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted_work: Option<Fraction>,
    /// Successful answers times 1,000 ÷ the window's length in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput: Option<Fraction>,
}

impl ExactFigures {
    /// Whether there are none, as in what an earlier version has found. The definition must have no default for them, which
    /// would change what is shown of that.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
