//! `/admin/strategy`, `/admin/fail` and `/admin/status`.

use serde::{Deserialize, Serialize};

use super::FieldError;
use crate::{
    fault::{FaultKind, MAX_LATENCY_MS},
    policy::{Policy, StrategyName},
};

/// The body of `POST /admin/strategy`: a name alone stands for its preset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategyRequest {
    /// `none`, `naive`, `fixed`, `backoff`, `jitter`, `awsStandard`, `grpc`, `finagle`, `linkerd`, `envoy` or `sre`, in any case.
    pub strategy: StrategyName,
    /// A whole policy, instead of the name's preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// The strategy in force: the answer of `GET` and `POST /admin/strategy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySetting {
    /// The strategy's name: what metrics and answers show.
    pub strategy: StrategyName,
    /// The policy that requests follow.
    pub policy: Policy,
}

impl StrategySetting {
    /// The setting that a name alone stands for.
    pub const fn preset(strategy: StrategyName) -> Self {
        Self { strategy, policy: strategy.preset() }
    }
}

impl TryFrom<StrategyRequest> for StrategySetting {
    type Error = FieldError;

    fn try_from(request: StrategyRequest) -> Result<Self, FieldError> {
        let policy = request.policy.unwrap_or_else(|| request.strategy.preset());
        policy.validate().map_err(|e| e.within("policy"))?;
        Ok(Self { strategy: request.strategy, policy })
    }
}

/// The body of `POST /admin/fail`: a fault that begins now and carries its own end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    /// How long the fault lasts: more than 0, at most 3600 s.
    pub duration_seconds: f64,
    /// The share of requests that it strikes: more than 0, at most 1.
    #[serde(default = "always")]
    pub failure_rate: f64,
    /// `error` (the default), `latency`, `blackhole`, `reset`, `refuse`, `freeze` or `capacity`.
    #[serde(default, rename = "type")]
    pub kind: FailKind,
    /// For `error`: the status of the answer, 400 to 599; 503 when it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For `error` with status 429 or 503: the answer's `Retry-After`, 1 to 3600 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
    /// For `latency`: the added delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// For `capacity`: the workers that are left, in percent: 1 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_percent: Option<u16>,
    /// Whether the backend is as after a start when the fault ends: its cache empty, its warm-up before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart: bool,
}

/// The kinds of fault that `POST /admin/fail` knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailKind {
    /// Answer with an error status.
    #[default]
    Error,
    /// Answer later.
    Latency,
    /// Never answer.
    Blackhole,
    /// Cut every connection.
    Reset,
    /// Let nobody in.
    Refuse,
    /// Stop working; the queue grows.
    Freeze,
    /// Work with fewer workers.
    Capacity,
}

impl FailKind {
    /// Whether it strikes a share of the requests; the others act on the workers.
    const fn has_rate(self) -> bool {
        !matches!(self, Self::Freeze | Self::Capacity)
    }
}

const fn always() -> f64 {
    1.0
}

/// Longest fault that `POST /admin/fail` starts, in seconds.
const MAX_FAIL_S: f64 = 3_600.0;

impl FailRequest {
    /// The fault that is asked for, and its length in milliseconds.
    ///
    /// # Errors
    /// Names the first field that is not allowed.
    pub fn fault(&self) -> Result<(FaultKind, u64), FieldError> {
        if !(self.duration_seconds > 0.0 && self.duration_seconds <= MAX_FAIL_S) {
            return Err(FieldError::new("duration_seconds", self.duration_seconds, "more than 0, at most 3600"));
        }
        if !(self.failure_rate > 0.0 && self.failure_rate <= 1.0) {
            return Err(FieldError::new("failure_rate", self.failure_rate, "more than 0, at most 1"));
        }
        self.reject_foreign_fields()?;
        let permille = ((self.failure_rate * 1_000.0).round() as u16).max(1);
        let kind = match self.kind {
            FailKind::Error => FaultKind::Error {
                status: self.status.unwrap_or(503),
                permille,
                retry_after_s: self.retry_after_seconds,
            },
            FailKind::Latency => FaultKind::Latency { delay_ms: self.latency_ms.unwrap_or(0), permille },
            FailKind::Blackhole => FaultKind::Blackhole { permille },
            FailKind::Reset => FaultKind::Reset { permille },
            FailKind::Refuse => FaultKind::Refuse { permille },
            FailKind::Freeze => FaultKind::Freeze,
            FailKind::Capacity => FaultKind::Capacity { left_permille: self.capacity_percent.unwrap_or(0) * 10 },
        };
        kind.validate().map_err(|mut e| {
            e.field = e.field.replace("retry_after_s", "retry_after_seconds");
            e
        })?;
        Ok((kind, ((self.duration_seconds * 1_000.0).round() as u64).max(1)))
    }

    /// A field that means nothing for this kind of fault is a mistake, not something to pass over.
    fn reject_foreign_fields(&self) -> Result<(), FieldError> {
        let Self { kind, status, retry_after_seconds, latency_ms, capacity_percent, failure_rate, .. } = *self;
        if let Some(status) = status.filter(|_| kind != FailKind::Error) {
            return Err(FieldError::new("status", status, "only with type error"));
        }
        if let Some(seconds) = retry_after_seconds.filter(|_| kind != FailKind::Error) {
            return Err(FieldError::new("retry_after_seconds", seconds, "only with type error"));
        }
        match (kind, latency_ms) {
            (FailKind::Latency, None) => {
                Err(FieldError::new("latency_ms", "nothing", format!("1 to {MAX_LATENCY_MS}, for type latency")))
            }
            (FailKind::Latency, Some(_)) | (_, None) => Ok(()),
            (_, Some(ms)) => Err(FieldError::new("latency_ms", ms, "only with type latency")),
        }?;
        match (kind, capacity_percent) {
            (FailKind::Capacity, Some(1..=99)) => Ok(()),
            (FailKind::Capacity, given) => {
                let given = given.map_or_else(|| "nothing".into(), |percent| percent.to_string());
                Err(FieldError::new("capacity_percent", given, "1 to 99, for type capacity"))
            }
            (_, Some(percent)) => Err(FieldError::new("capacity_percent", percent, "only with type capacity")),
            (_, None) => Ok(()),
        }?;
        if failure_rate < 1.0 && !kind.has_rate() {
            return Err(FieldError::new("failure_rate", failure_rate, "1 for a fault that acts on the workers"));
        }
        Ok(())
    }
}

/// The answer of `GET /admin/status`, `POST /admin/fail` and `POST /admin/recover`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureStatus {
    /// Whether a fault is active now.
    pub failure_active: bool,
    /// The share of requests that it strikes; 0 when none is active.
    pub failure_rate: f64,
    /// Seconds until it ends; 0 when none is active.
    pub remaining_seconds: f64,
    /// When it ends: RFC 3339, UTC; null when none is active.
    pub failure_end_time: Option<String>,
}
