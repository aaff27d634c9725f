//! `spec.faults`: when the backend breaks, and how.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// One failure window.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!(self.name in ['baseline', 'recovery', 'total'])").message("name: baseline, recovery and total are the names of other windows"),
    validation = Rule::new("!has(self.status) || self.type == 'Error'").message("status: only with type Error"),
    validation = Rule::new("!has(self.retryAfter) || self.type == 'Error' && (!has(self.status) || self.status in [429, 503])").message("retryAfter: only with type Error and status 429 or 503"),
    validation = Rule::new("!has(self.percent) || !(self.type in ['Freeze', 'Capacity'])").message("percent: not with type Freeze or Capacity, which act on the workers"),
    validation = Rule::new("has(self.capacityPercent) == (self.type == 'Capacity')").message("capacityPercent: needed with type Capacity, and only there"),
    validation = Rule::new("has(self.latency) == (self.type == 'Latency')").message("latency: needed with type Latency, and only there"),
)]
pub struct Fault {
    /// The window's name in the results: 1 to 30 small letters, digits and inner hyphens.
    #[schemars(length(max = 30), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// When it begins, from the arm's start: a multiple of 100ms, at most 1h.
    #[x_kube(
        validation = Rule::new("duration(self) <= duration('1h')").message("at: at most 1h"),
        validation = Rule::new("duration(self).getMilliseconds() % 100 == 0").message("at: a multiple of 100ms")
    )]
    pub at: Span,
    /// How long it lasts: 100ms to 1h, a multiple of 100ms.
    #[serde(rename = "for")]
    #[x_kube(
        validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('1h')").message("for: 100ms to 1h"),
        validation = Rule::new("duration(self).getMilliseconds() % 100 == 0").message("for: a multiple of 100ms")
    )]
    pub for_: Span,
    /// Error: answers at once with an error. Latency: answers later. Blackhole: takes requests and never answers, not even
    /// afterwards. Reset: cuts the connections of those that wait or are in service, and of those that come; the work
    /// goes on, or ends with backend.cancelOnDisconnect. Refuse: cuts the connections of those that come; what is in
    /// service is answered. Freeze: work stands still and the queue grows. Capacity: some workers are gone.
    #[serde(rename = "type")]
    pub kind: FaultType,
    /// For type Error: the status of the answer, 400 to 599. Default: 503.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 400, max = 599))]
    pub status: Option<u16>,
    /// For type Error with status 429 or 503: the answer says when to come back, with a Retry-After of 1s to 1h, in whole
    /// seconds. A strategy heeds it with retryAfter. Default: it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("retryAfter: 1s to 1h"),
        validation = Rule::new("duration(self).getMilliseconds() % 1000 == 0").message("retryAfter: whole seconds")
    )]
    pub retry_after: Option<Span>,
    /// The share of requests that it strikes, each independently: 1 to 100. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u16>,
    /// For type Latency: the added delay, 1ms to 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('10m')").message("latency: 1ms to 10m"))]
    pub latency: Option<Span>,
    /// For type Capacity: the workers that are left, in percent, rounded down: 1 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub capacity_percent: Option<u16>,
    /// Whether the backend is as after a start when the fault ends: its cache empty, its warm-up before it. Default: false.
    #[serde(default)]
    pub restart: bool,
}

/// The types of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FaultType {
    /// Answers at once with an error status.
    Error,
    /// Answers later.
    Latency,
    /// Takes requests and never answers.
    Blackhole,
    /// Cuts the connections of those that wait and of those that come.
    Reset,
    /// Cuts the connections of those that come.
    Refuse,
    /// Work stands still; the queue grows.
    Freeze,
    /// Some workers are gone.
    Capacity,
}
