//! `spec.criteria`: what must hold for the verdict Passed.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RecoveryVerdict;

/// A bound on one figure of one window, in one arm or in all of them: a number, or the same figure of another arm.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.max) || has(self.min) || has(self.maxOf) || has(self.minOf) || has(self.__in__)").message("criterion: one of max, min, maxOf, minOf and in is needed"),
    validation = Rule::new("has(self.__in__) == (self.metric == 'RecoveryVerdict')").message("in: needed with metric RecoveryVerdict, and only there"),
    validation = Rule::new("self.metric != 'RecoveryVerdict' || !(has(self.max) || has(self.min) || has(self.maxOf) || has(self.minOf))").message("metric: RecoveryVerdict is no number; it has in, and no other bound"),
    validation = Rule::new("self.window == 'total' || !(self.metric in ['TimeToRecoveryMs', 'RecoveryVerdict', 'LatenessP99Ms'])").message("window: TimeToRecoveryMs, RecoveryVerdict and LatenessP99Ms are of the whole run"),
    validation = Rule::new("self.window != 'total' || self.metric != 'Goodput'").message("window: the total has no fixed length, and so no Goodput"),
)]
pub struct Criterion {
    /// The criterion's name in the results: 1 to 30 small letters, digits and inner hyphens.
    #[schemars(length(max = 30), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The figure. Of a window: `Amplification`, `WireAmplification`, `BackendAmplification`, `PeakAmplification`,
    /// `RetryShare`, `SuccessRate`, `Goodput`, `DroppedShare`, `WastedWork`, `SyncIndex`, `LatencyP50Ms`, `LatencyP99Ms` or
    /// `LatencyP999Ms` (of the outcomes in the whole seconds within the window, failures included). Of the whole run: `TimeToRecoveryMs`, `RecoveryVerdict` or `LatenessP99Ms`.
    pub metric: Metric,
    /// The arm; every arm when it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 30))]
    pub arm: Option<String>,
    /// The window: baseline, a fault's name, recovery, a shed's name, after- with a shed's name, or total. Default: total.
    #[serde(default = "total")]
    #[schemars(length(max = 30))]
    pub window: String,
    /// The most that the figure may be: a decimal such as "3.2". The figure itself is held against it, not its three decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"))]
    pub max: Option<String>,
    /// The least that the figure may be: a decimal such as "0.95". The figure itself is held against it, not its three decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"))]
    pub min: Option<String>,
    /// The most that the figure may be, as a multiple of the same figure of another arm. Where both are 0 nothing is compared, and
    /// the verdict is Inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_of: Option<Multiple>,
    /// The least that the figure may be, as a multiple of the same figure of another arm. Where both are 0 nothing is compared, and
    /// the verdict is Inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_of: Option<Multiple>,
    /// For metric `RecoveryVerdict`: the verdicts of which it must be one. 1 to 6.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 6))]
    #[x_kube(validation = Rule::new("!('Undetermined' in self)").message("in: Undetermined is no verdict that could hold"))]
    pub in_: Option<Vec<RecoveryVerdict>>,
}

/// A multiple of another arm's figure. That arm itself is not held against it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Multiple {
    /// The other arm.
    #[schemars(length(max = 30))]
    pub arm: String,
    /// How many times its figure: a decimal such as "0.5". Default: "1".
    #[serde(default = "once")]
    #[schemars(length(max = 7), regex(pattern = r"^[0-9]{1,3}(\.[0-9]{1,3})?$"))]
    pub times: String,
}

/// The figures that a criterion can bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    /// All attempts of the requests whose intended start lies in the window, whenever they were made ÷ these requests.
    Amplification,
    /// Attempts sent in the window ÷ requests whose intended start lies in it.
    WireAmplification,
    /// Requests that the backend received in the window ÷ requests whose intended start lies in it.
    BackendAmplification,
    /// The highest wire amplification of a second of the window with 20 arrivals or more.
    PeakAmplification,
    /// Retries ÷ attempts, both of the requests whose intended start lies in the window.
    RetryShare,
    /// Requests that succeeded ÷ requests, both of those whose intended start lies in the window.
    SuccessRate,
    /// Successful answers per second in the window; none where no request arrived.
    Goodput,
    /// Requests that the load generator could not send ÷ requests, both of those whose intended start lies in the window.
    DroppedShare,
    /// Work that no client was waiting for any more ÷ work that the backend completed in the window.
    WastedWork,
    /// Peak ÷ mean of the retries sent in the window's buckets of 100 ms, where there are 20 or more.
    SyncIndex,
    /// Median latency in milliseconds, of the outcomes that came in the whole seconds within the window, failures included.
    LatencyP50Ms,
    /// p99 of the latency in milliseconds, of the outcomes that came in the whole seconds within the window, failures included.
    LatencyP99Ms,
    /// p99.9 of the latency in milliseconds, of the outcomes that came in the whole seconds within the window, failures included.
    LatencyP999Ms,
    /// How late the load generator was, p99, in milliseconds.
    LatenessP99Ms,
    /// From the last fault's end to stable service, in milliseconds.
    TimeToRecoveryMs,
    /// How service came back after the last fault.
    RecoveryVerdict,
}

impl Metric {
    /// Whether the figure is the whole run's and not a window's.
    pub const fn is_of_the_run(self) -> bool {
        matches!(self, Self::LatenessP99Ms | Self::TimeToRecoveryMs | Self::RecoveryVerdict)
    }

    /// Whether the figure is made of latencies, which are kept by the second.
    pub const fn is_latency(self) -> bool {
        matches!(self, Self::LatencyP50Ms | Self::LatencyP99Ms | Self::LatencyP999Ms)
    }
}

fn total() -> String {
    "total".into()
}

fn once() -> String {
    "1".into()
}
