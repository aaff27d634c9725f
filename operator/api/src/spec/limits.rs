//! `spec.arms[].strategy`: what a strategy may have beside its delays. Each overrules what the strategy's type has.

#![allow(clippy::doc_markdown, reason = "it is the text of `kubectl explain`, which shows backticks as they are")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{one_minute, one_second, three};
use crate::{Milli, Span};

/// A cap on the retries and hedges of each client pod: exactly one of `percent`, `tokens` and `inFlight`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("(has(self.percent) ? 1 : 0) + (has(self.tokens) ? 1 : 0) + (has(self.inFlight) ? 1 : 0) == 1").message("budget: exactly one of percent, tokens and inFlight"),
    validation = Rule::new("!has(self.interval) || has(self.percent)").message("interval: only with percent"),
    validation = Rule::new("!has(self.minRetryRate) || has(self.percent)").message("minRetryRate: only with percent"),
    validation = Rule::new("!has(self.deposit) || !has(self.inFlight)").message("deposit: only with percent or tokens"),
)]
pub struct BudgetSpec {
    /// Retries per hundred deposits of the last interval: 1 to 100. (Gateway API GEP-3388; Finagle, Linkerd.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u32>,
    /// With percent: for how long deposits and retries count, 1s to 1h. Default: 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("interval: 1s to 1h"))]
    pub interval: Option<Span>,
    /// With percent: retries that are allowed however few deposits there are. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_retry_rate: Option<RetryRate>,
    /// What deposits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<DepositKind>,
    /// A bucket of tokens. (AWS SDKs, gRPC, Brooker.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokensSpec>,
    /// A share of the attempts in flight. (Envoy.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlightSpec>,
}

/// So many retries in so much time.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryRate {
    /// Retries: 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// In this time: 1ms to 1h. Default: 1s.
    #[serde(default = "one_second")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("interval: 1ms to 1h"))]
    pub interval: Span,
}

/// What deposits. OnRequest: every request; in a total outage its share of retries goes on for ever. OnSuccess: what does
/// not fail; in a total outage retries run dry. Default: OnRequest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DepositKind {
    /// Every request.
    #[default]
    OnRequest,
    /// What does not fail.
    OnSuccess,
}

/// A bucket of tokens. Numbers are decimals with at most three places.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.initial) || double(self.initial) <= double(self.cap)").message("initial: at most cap"),
    validation = Rule::new("double(self.threshold) < double(self.cap)").message("threshold: less than cap"),
    validation = Rule::new("double(self.cost) <= double(self.cap)").message("cost: at most cap"),
)]
pub struct TokensSpec {
    /// What a deposit adds, such as "0.1".
    pub amount: Milli,
    /// The most that the bucket holds: more than 0.
    #[x_kube(validation = Rule::new("double(self) > 0.0").message("cap: more than 0"))]
    pub cap: Milli,
    /// What it holds at first. Default: cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Milli>,
    /// What is charged. OnRetry: every retry and hedge. OnFailure: every failed attempt, first ones too (gRPC).
    /// Default: OnRetry.
    #[serde(default)]
    pub charge: ChargeKind,
    /// What a charge takes out: more than 0, at most cap. Default: "1".
    #[serde(default = "one")]
    #[x_kube(validation = Rule::new("double(self) > 0.0").message("cost: more than 0"))]
    pub cost: Milli,
    /// What it takes out after a timeout: more than 0. Default: cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("double(self) > 0.0").message("timeoutCost: more than 0"))]
    pub timeout_cost: Option<Milli>,
    /// Retries and hedges are made only while the bucket holds more than this: less than cap (gRPC: half of it).
    /// Default: "0".
    #[serde(default = "zero")]
    pub threshold: Milli,
    /// Whether the success of a retry gives its cost back, instead of a deposit (AWS SDKs). Default: false.
    #[serde(default)]
    pub refund: bool,
}

/// What takes tokens out of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChargeKind {
    /// Every retry and hedge.
    #[default]
    OnRetry,
    /// Every failed attempt.
    OnFailure,
}

/// Retries, those in backoff included, are fewer than `percent` of the attempts in flight, or than `minRetries`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InFlightSpec {
    /// Retries per hundred attempts in flight: 1 to 100. Default: 20.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: u32,
    /// Retries that may be out in any case: 0 to 1000000. Default: 3.
    #[serde(default = "three")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub min_retries: u32,
}

/// Adaptive throttling: attempts, first ones too, are turned away with the chance (requests − k · accepts)/(requests + 1).
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThrottleSpec {
    /// How many attempts are sent for each that is accepted: "1" to "100". Default: "2".
    #[serde(default = "two")]
    #[x_kube(validation = Rule::new("double(self) >= 1.0 && double(self) <= 100.0").message("k: 1 to 100"))]
    pub k: Milli,
    /// For how long attempts count: 1s to 1h. Default: 2m.
    #[serde(default = "two_minutes")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("interval: 1s to 1h"))]
    pub interval: Span,
}

/// A circuit breaker for all attempts of a client pod.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakerSpec {
    /// Failures per hundred attempts at which it opens: 1 to 100. Default: 50.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stays closed: 1 to 1000000. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_calls: u32,
    /// For how long attempts count: 1s to 1h. Default: 10s.
    #[serde(default = "ten_seconds")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("interval: 1s to 1h"))]
    pub interval: Span,
    /// How long it stays open: 1ms to 1h. Default: 1m.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("openFor: 1ms to 1h"))]
    pub open_for: Span,
    /// Attempts that pass then, and decide: 1 to 1000000. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub probes: u32,
}

/// Stops retries and hedges, never first attempts, while too many attempts of a client pod fail.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryBreakerSpec {
    /// Failures per hundred attempts beyond which nothing is retried: 1 to 100. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stops nothing: 1 to 1000000. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_calls: u32,
    /// For how long attempts count: 1s to 1h. Default: 10s.
    #[serde(default = "ten_seconds")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("interval: 1s to 1h"))]
    pub interval: Span,
}

/// Another attempt beside one that takes long; the first answer wins. Hedges count among maxAttempts and are within the
/// budget.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HedgingSpec {
    /// How long the latest attempt has taken when a hedge is sent: 1ms to 1h. With the p95 of the latency about 5 % more
    /// attempts are made.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("delay: 1ms to 1h"))]
    pub delay: Span,
    /// Hedges that a request may have: 1 to 19, fewer than its attempts. Default: 1.
    #[serde(default = "one_hedge")]
    #[schemars(range(min = 1, max = 19))]
    pub max_hedges: u32,
}

/// `Retry-After` (in seconds, on 429 and 503) is honoured: no retry comes sooner.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryAfterSpec {
    /// The most that is honoured: 1ms to 1h. Default: 1m.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("cap: 1ms to 1h"))]
    pub cap: Span,
    /// A random part on top, up to so many percent of it: 0 to 100. Without one all clients come back at one moment.
    /// Default: 20.
    #[serde(default = "twenty")]
    #[schemars(range(min = 0, max = 100))]
    pub jitter_percent: u32,
}

const fn one_hedge() -> u32 {
    1
}

const fn ten() -> u32 {
    10
}

const fn twenty() -> u32 {
    20
}

const fn fifty() -> u32 {
    50
}

const fn hundred() -> u32 {
    100
}

const fn zero() -> Milli {
    Milli::new(0)
}

const fn one() -> Milli {
    Milli::new(1_000)
}

const fn two() -> Milli {
    Milli::new(2_000)
}

const fn ten_seconds() -> Span {
    Span::from_millis(10_000)
}

const fn two_minutes() -> Span {
    Span::from_millis(120_000)
}
