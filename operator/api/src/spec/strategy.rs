//! `spec.arms`: the strategies under test.

#![allow(clippy::doc_markdown, reason = "it is the text of `kubectl explain`, which shows backticks as they are")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::{one_minute, one_second, three};
use super::limits::{BreakerSpec, BudgetSpec, HedgingSpec, RetryAfterSpec, RetryBreakerSpec, ThrottleSpec};
use crate::Span;

/// One strategy under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arm {
    /// The arm's name in the results: 1 to 30 small letters, digits and inner hyphens.
    #[schemars(length(max = 30), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Its strategy.
    pub strategy: Strategy,
}

/// A retry strategy: a type, and its parameters where they differ from the type's defaults.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.naive) || self.type == 'Naive'").message("naive: only with type Naive"),
    validation = Rule::new("!has(self.fixed) || self.type == 'Fixed'").message("fixed: only with type Fixed"),
    validation = Rule::new("!has(self.backoff) || self.type == 'Backoff'").message("backoff: only with type Backoff"),
    validation = Rule::new("!has(self.jitter) || self.type == 'Jitter'").message("jitter: only with type Jitter"),
    validation = Rule::new("!has(self.maxAttempts) || self.type in ['AwsStandard', 'Grpc', 'Finagle', 'Linkerd', 'Envoy', 'Sre']").message("maxAttempts: only with types that have no parameters of their own: AwsStandard, Grpc, Finagle, Linkerd, Envoy, Sre"),
    validation = Rule::new("!has(self.hedging) || self.hedging.maxHedges < (has(self.maxAttempts) ? self.maxAttempts : has(self.naive) ? self.naive.maxAttempts : has(self.fixed) ? self.fixed.maxAttempts : has(self.backoff) ? self.backoff.maxAttempts : has(self.jitter) ? self.jitter.maxAttempts : self.type == 'None' ? 1 : self.type == 'Envoy' ? 2 : self.type == 'Grpc' ? 5 : self.type in ['Backoff', 'Jitter'] ? 4 : 3)").message("hedging.maxHedges: fewer than the strategy's attempts"),
)]
pub struct Strategy {
    /// None: one attempt. Naive: three attempts with no delay. Fixed: three attempts, 500ms apart. Backoff: four
    /// attempts after 1s, 2s and 4s. Jitter: the same delays d, each with a random part added, d + U(0, d).
    /// AwsStandard: the AWS SDKs' standard mode, three attempts, full jitter of 1s · 2^i up to 20s, a bucket of 500 tokens of
    /// which a retry costs 5 (after a timeout 10). Grpc: gRFC A6, five attempts, 100ms · 2^i ± 20 % up to 1s, ten tokens of
    /// which a failure costs 1. Finagle, Linkerd: three attempts with no delay, retries at most 20 % and 10 a second, deposited
    /// by requests or by what does not fail. Envoy: two attempts, U(0, 25ms), retries at most 20 % of what is in flight, or 3.
    /// Sre: three attempts, full jitter of 100ms · 2^i up to 10s, a retry while those before it are below 10 %, adaptive throttling with k = 2.
    #[serde(rename = "type")]
    pub kind: StrategyType,
    /// For type Naive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naive: Option<NaiveParams>,
    /// For type Fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<FixedParams>,
    /// For type Backoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffParams>,
    /// For type Jitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<JitterParams>,
    /// Attempts that a request may have, the first and the hedges included: 1 to 20. Only with types that have no parameters
    /// of their own: AwsStandard, Grpc, Finagle, Linkerd, Envoy, Sre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: Option<u32>,
    /// A cap on retries and hedges, of each client pod. Default: the type's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetSpec>,
    /// Adaptive throttling of all attempts, first ones too, of each client pod. Default: the type's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<ThrottleSpec>,
    /// A circuit breaker for all attempts, of each client pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSpec>,
    /// A breaker for retries and hedges alone, of each client pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_breaker: Option<RetryBreakerSpec>,
    /// Another attempt beside one that takes long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedging: Option<HedgingSpec>,
    /// How long a request may take from its arrival at the client, 1ms to 1h: attempts are cut off by it, and no retry is
    /// begun that could not start before it. What is left of it travels with every attempt. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("deadline: 1ms to 1h"))]
    pub deadline: Option<Span>,
    /// Honours `Retry-After`. Default: it is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfterSpec>,
}

/// The types of strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StrategyType {
    /// One attempt, no retry.
    None,
    /// Retries at once.
    Naive,
    /// Retries after the same delay each time.
    Fixed,
    /// Retries after exponential delays.
    Backoff,
    /// Retries after exponential delays with a random part.
    Jitter,
    /// The AWS SDKs' standard mode.
    AwsStandard,
    /// gRPC's retries with their throttling.
    Grpc,
    /// Finagle's retry budget.
    Finagle,
    /// Linkerd's retry budget.
    Linkerd,
    /// Envoy's back-off and retry budget.
    Envoy,
    /// The SRE book's per-client budget with adaptive throttling.
    Sre,
}

impl StrategyType {
    /// Whether it is what a library does, with no parameters of its own.
    pub const fn is_of_a_library(self) -> bool {
        match self {
            Self::None | Self::Naive | Self::Fixed | Self::Backoff | Self::Jitter => false,
            Self::AwsStandard | Self::Grpc | Self::Finagle | Self::Linkerd | Self::Envoy | Self::Sre => true,
        }
    }
}

/// Parameters of Naive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NaiveParams {
    /// Attempts that a request may have, the first included: 1 to 20. Default: 3.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Fixed.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedParams {
    /// The delay before each retry: at most 1h. Default: 500ms.
    #[serde(default = "half_a_second")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("delay: at most 1h"))]
    pub delay: Span,
    /// Attempts that a request may have, the first included: 1 to 20. Default: 3.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Backoff: the delay before retry i (from 0 on) is min(cap, base · factor^i).
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("duration(self.base) <= duration(self.cap)").message("cap: at least base"))]
pub struct BackoffParams {
    /// The delay before the first retry: 1ms to 1h. Default: 1s.
    #[serde(default = "one_second")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("base: 1ms to 1h"))]
    pub base: Span,
    /// The growth from one delay to the next: 1 to 10. Default: 2.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// The most that a delay grows to: base to 1h. Default: 1m.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("cap: at most 1h"))]
    pub cap: Span,
    /// Attempts that a request may have, the first included: 1 to 20. Default: 4.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Jitter: those of Backoff, and how the delay t is made random.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("duration(self.base) <= duration(self.cap)").message("cap: at least base"),
    validation = Rule::new("self.kind != 'Decorrelated' || self.factor == 2").message("factor: not with kind Decorrelated, which grows up to 3-fold"),
    validation = Rule::new("!has(self.spreadPercent) || self.kind == 'Symmetric'").message("spreadPercent: only with kind Symmetric"),
)]
pub struct JitterParams {
    /// Additive: t + U(0, t). Full: U(0, t). Equal: t/2 + U(0, t/2). Symmetric: t · U(1 − f, 1 + f). Decorrelated: between base
    /// and three times the delay before, at most cap. Default: Additive.
    #[serde(default)]
    pub kind: JitterKind,
    /// For kind Symmetric: f in percent, 1 to 100. Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub spread_percent: Option<u32>,
    /// t before the first retry: 1ms to 1h. Default: 1s.
    #[serde(default = "one_second")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("base: 1ms to 1h"))]
    pub base: Span,
    /// The growth of t from one retry to the next: 1 to 10. Default: 2. Not with kind Decorrelated.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// The most that t grows to: base to 1h. Default: 1m.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("cap: at most 1h"))]
    pub cap: Span,
    /// Attempts that a request may have, the first included: 1 to 20. Default: 4.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// How a delay t is made random.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum JitterKind {
    /// t + U(0, t).
    #[default]
    Additive,
    /// U(0, t).
    Full,
    /// t/2 + U(0, t/2).
    Equal,
    /// t · U(1 − f, 1 + f).
    Symmetric,
    /// U(base, 3 · the delay before), at most cap.
    Decorrelated,
}

const fn two() -> u32 {
    2
}

const fn four() -> u32 {
    4
}

const fn half_a_second() -> Span {
    Span::from_millis(500)
}
