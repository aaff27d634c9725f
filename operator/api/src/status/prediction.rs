//! What simulations of an arm predict: shown beside what was measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What simulations predict for a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PredictedFigures {
    /// Of attempts ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<PredictedBand>,
    /// Of wireAttempts ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_amplification: Option<PredictedBand>,
    /// Of requests that succeed ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<PredictedBand>,
}

/// The band in which a figure is expected: beyond it, it is less than three times in a thousand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PredictedBand {
    /// The least.
    pub low: String,
    /// The most.
    pub high: String,
}

/// How service was to come back after the last fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PredictedRecovery {
    /// In how many of the simulations it came back.
    pub recovered: u32,
    /// In how many of the simulations it could be told whether it came back.
    pub of: u32,
    /// The shortest time that it took, less the grain of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// The longest time that it took, plus the grain of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
}
