//! The figures of one window.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExactFigures, PredictedFigures};

/// One window with its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WindowStatus {
    /// baseline, a fault's name, recovery, a shed's name, after- with a shed's name, or total.
    pub name: String,
    /// When it was to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<MicroTime>,
    /// For a fault: when it took effect, on the backend's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_at: Option<MicroTime>,
    /// For a fault: how far its start and its end were from the plan, the larger of both, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_ms: Option<u64>,
    /// Requests whose intended start lies in the window, dropped ones included.
    pub requests: u64,
    /// All attempts of these requests, whenever they were made.
    pub attempts: u64,
    /// Attempts that the clients started in the window.
    pub wire_attempts: u64,
    /// Attempts that the backends received in the window.
    pub backend_requests: u64,
    /// With clients in a chain: the attempts of each client for these requests, the first client's first; `attempts` are
    /// the last one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layer_attempts: Vec<u64>,
    /// Cohort amplification: attempts ÷ requests. This and the other ratios are shown with three decimals, goodput with one,
    /// rounded half up; but what is neither 0 nor 1 is never shown as 0 or 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<String>,
    /// Wire amplification: wireAttempts ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_amplification: Option<String>,
    /// backendRequests ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_amplification: Option<String>,
    /// The highest wire amplification of a second; seconds with under 20 arrivals don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_amplification: Option<String>,
    /// Retries ÷ attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_share: Option<String>,
    /// Peak ÷ mean of the retries in buckets of 100 ms, where there are 20 or more: near 1 when they come evenly, the number
    /// of the window's buckets when all come at one moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_index: Option<String>,
    /// Work that no client was waiting for any more ÷ work that the backends completed in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted_work: Option<String>,
    /// Requests that succeeded ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<String>,
    /// Successful answers per second in the window; none where no request arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput: Option<String>,
    /// Those of these figures that can't be made of the window's other counts, exactly. Criteria are held against the exact
    /// figures and not against the shown ones.
    #[serde(default, skip_serializing_if = "ExactFigures::is_none")]
    pub exact: ExactFigures,
    /// Milliseconds from the intended start of a request to its outcome, of the outcomes that came in the whole seconds of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
    /// What simulations of the arm predict for figures of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<PredictedFigures>,
    /// How the window's requests ended; they sum to `requests`.
    pub fates: FatesStatus,
}

/// How requests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FatesStatus {
    /// The first attempt succeeded.
    pub ok: u64,
    /// A later attempt succeeded.
    pub ok_after_retry: u64,
    /// The attempts were used up.
    pub exhausted: u64,
    /// A budget or the throttle denied an attempt.
    #[serde(default)]
    pub budget_denied: u64,
    /// A breaker denied an attempt.
    #[serde(default)]
    pub breaker_open: u64,
    /// The deadline left no time for an attempt.
    #[serde(default)]
    pub deadline: u64,
    /// Failed in a way that is not retried.
    pub not_retryable: u64,
    /// The load generator could not send it.
    pub dropped: u64,
}

/// Latency quantiles in milliseconds, as decimals, and in microseconds, which criteria are held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatencyStatus {
    /// Half of all requests took no longer, in milliseconds.
    pub p50: String,
    /// 99 % took no longer, in milliseconds.
    pub p99: String,
    /// 99.9 % took no longer, in milliseconds.
    pub p999: String,
    /// `p50` in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// `p99` in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// `p999` in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999_us: Option<u64>,
}
