//! `spec.arms`: the strategies under test.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// One strategy under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arm {
    /// The arm's name in the results.
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
)]
pub struct Strategy {
    /// None: one attempt. Naive: three attempts with no delay. Fixed: three attempts, 500ms apart. Backoff: four
    /// attempts after 1s, 2s and 4s. Jitter: the same delays d, each with a random part added, d + U(0, d).
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
}

/// Parameters of Naive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NaiveParams {
    /// Attempts that a request may have, the first included: 1 to 20.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Fixed.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedParams {
    /// The delay before each retry: at most 1h.
    #[serde(default = "half_a_second")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("delay: at most 1h"))]
    pub delay: Span,
    /// Attempts that a request may have, the first included: 1 to 20.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Backoff: the delay before retry i (from 0 on) is min(cap, base · factor^i).
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("duration(self.base) <= duration(self.cap)").message("cap: at least base"))]
pub struct BackoffParams {
    /// The delay before the first retry: 1ms to 1h.
    #[serde(default = "one_second")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("base: 1ms to 1h"))]
    pub base: Span,
    /// The growth from one delay to the next: 1 to 10.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// The most that a delay grows to: base to 1h.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("cap: at most 1h"))]
    pub cap: Span,
    /// Attempts that a request may have, the first included: 1 to 20.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
}

/// Parameters of Jitter: those of Backoff, and how the delay t is made random.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("duration(self.base) <= duration(self.cap)").message("cap: at least base"))]
pub struct JitterParams {
    /// Additive: t + U(0, t). Full: U(0, t). Equal: t/2 + U(0, t/2).
    #[serde(default)]
    pub kind: JitterKind,
    /// t before the first retry: 1ms to 1h.
    #[serde(default = "one_second")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1h')").message("base: 1ms to 1h"))]
    pub base: Span,
    /// The growth of t from one retry to the next: 1 to 10.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// The most that t grows to: base to 1h.
    #[serde(default = "one_minute")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("cap: at most 1h"))]
    pub cap: Span,
    /// Attempts that a request may have, the first included: 1 to 20.
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
}

const fn two() -> u32 {
    2
}

const fn three() -> u32 {
    3
}

const fn four() -> u32 {
    4
}

const fn half_a_second() -> Span {
    Span::from_millis(500)
}

const fn one_second() -> Span {
    Span::from_millis(1_000)
}

const fn one_minute() -> Span {
    Span::from_millis(60_000)
}

/// The parameters that the CRD's defaults give.
impl Default for BackoffParams {
    fn default() -> Self {
        Self { base: one_second(), factor: two(), cap: one_minute(), max_attempts: four() }
    }
}

impl Default for JitterParams {
    fn default() -> Self {
        let BackoffParams { base, factor, cap, max_attempts } = BackoffParams::default();
        Self { kind: JitterKind::default(), base, factor, cap, max_attempts }
    }
}

impl Default for FixedParams {
    fn default() -> Self {
        Self { delay: half_a_second(), max_attempts: three() }
    }
}

impl Default for NaiveParams {
    fn default() -> Self {
        Self { max_attempts: three() }
    }
}
