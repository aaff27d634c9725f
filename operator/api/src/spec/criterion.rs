//! `spec.criteria`: what must hold for the verdict Passed.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A bound on one figure of one window, in one arm or in all of them.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.max) || has(self.min)").message("criterion: max or min is needed"))]
pub struct Criterion {
    /// The criterion's name in the results.
    #[schemars(length(max = 30), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The figure: `Amplification`, `WireAmplification`, `BackendAmplification`, `PeakAmplification`, `SuccessRate` or
    /// `RetryShare`.
    pub metric: Metric,
    /// The arm; every arm when it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 30))]
    pub arm: Option<String>,
    /// The window: baseline, a fault's name, recovery or total. Default: total.
    #[serde(default = "total")]
    #[schemars(length(max = 30))]
    pub window: String,
    /// The most that the figure may be: a decimal such as "3.2".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"))]
    pub max: Option<String>,
    /// The least that the figure may be: a decimal such as "0.95".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"))]
    pub min: Option<String>,
}

/// The figures that a criterion can bound. In each, requests are those whose intended start lies in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    /// All attempts of the window's requests ÷ these requests.
    Amplification,
    /// Attempts sent in the window ÷ requests.
    WireAmplification,
    /// Requests that the backend received in the window ÷ requests.
    BackendAmplification,
    /// The highest wire amplification of a second.
    PeakAmplification,
    /// Requests that succeeded ÷ requests.
    SuccessRate,
    /// Retries ÷ attempts.
    RetryShare,
}

fn total() -> String {
    "total".into()
}
