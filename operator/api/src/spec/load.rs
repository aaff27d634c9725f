//! `spec.load`: open-loop arrivals with bursts, or closed-loop users.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// What is sent to the client: `rate` for an open loop, `users` or `stages` for a closed one, `bursts` on top of either
/// or alone.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("[has(self.rate), has(self.users), has(self.stages)].filter(x, x).size() <= 1").message("load: only one of rate, users and stages"),
    validation = Rule::new("has(self.rate) || has(self.users) || has(self.stages) || size(self.bursts) > 0").message("load: one of rate, users, stages and bursts is needed"),
    validation = Rule::new("!has(self.arrivals) || has(self.rate) || size(self.bursts) > 0").message("load.arrivals: only with rate or bursts"),
    validation = Rule::new("!has(self.thinkTime) || has(self.users) || has(self.stages)").message("load.thinkTime: only with users or stages"),
    validation = Rule::new("size(self.shed) == 0 || has(self.rate)").message("load.shed: only with rate"),
)]
pub struct Load {
    /// Open loop: requests per second, sent whether or not earlier ones were answered. 1 to 20000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20_000))]
    pub rate: Option<u32>,
    /// How open-loop requests are spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalLaw>,
    /// Requests on top of the steady load. At most 20. Rates that go on at one time are at most 20000 together, and so are
    /// requests at one instant.
    #[serde(default)]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub bursts: Vec<Burst>,
    /// When only a part of `rate` is sent, or nothing, after the faults: whether service comes back, and stays when the load
    /// does, tells a metastable failure from a slow recovery. Stretches must not overlap. At most 3.
    #[serde(default)]
    #[schemars(length(max = 3), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub shed: Vec<Shed>,
    /// Closed loop: users who each send, wait for the answer, think, and go on. 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub users: Option<u32>,
    /// Closed loop: ramps of users, one after the other, from 0 on. 1 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    pub stages: Option<Vec<Stage>>,
    /// Closed loop: the pause between an answer and the same user's next request, at most 1m. Default: 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1m')").message("thinkTime: at most 1m"))]
    pub think_time: Option<Span>,
}

/// How open-loop requests are spread. Uniform: in equal gaps. Poisson: in independent exponential gaps, as of many unrelated
/// callers. Default: Poisson.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ArrivalLaw {
    /// Equal gaps.
    Uniform,
    /// Independent exponential gaps, as of many unrelated callers.
    #[default]
    Poisson,
}

/// One burst: `requests` at one instant, or a `rate` for a while.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.requests) != has(self.rate)").message("burst: exactly one of requests and rate"),
    validation = Rule::new("has(self.rate) == has(self.__for__)").message("burst: rate and for go together"),
)]
pub struct Burst {
    /// The burst's name: 1 to 30 small letters, digits and inner hyphens.
    #[schemars(length(max = 30), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// When it begins, from the arm's start: a multiple of 100ms, at most 1h.
    #[x_kube(
        validation = Rule::new("duration(self) <= duration('1h')").message("at: at most 1h"),
        validation = Rule::new("duration(self).getMilliseconds() % 100 == 0").message("at: a multiple of 100ms")
    )]
    pub at: Span,
    /// So many requests at one instant: 1 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests: Option<u32>,
    /// So many requests per second on top, for the time in `for`: 1 to 20000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20_000))]
    pub rate: Option<u32>,
    /// How long `rate` lasts: 100ms to 1h.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('1h')").message("for: 100ms to 1h"))]
    pub for_: Option<Span>,
}

/// One stretch of less load: what brings a service back that its own retries hold down.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!(self.name in ['baseline', 'recovery', 'total']) && !self.name.startsWith('after-')").message("name: baseline, recovery, total and after-… are the names of other windows"),
)]
pub struct Shed {
    /// The stretch's name in the results: 1 to 24 small letters, digits and inner hyphens. The window from its end on is called after-NAME.
    #[schemars(length(max = 24), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// When it begins, from the arm's start, and not before the last fault is over: a multiple of 100ms, at most 1h.
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
    /// How much of `rate` is sent meanwhile, in percent: 0 to 99. Default: 0, none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 99))]
    pub percent: u32,
}

/// One ramp: from the users of the stage before (at first 0) straight to `users`.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stage {
    /// How long the ramp takes: at most 1h; 0s is a jump.
    #[serde(rename = "for")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("for: at most 1h"))]
    pub for_: Span,
    /// Users at its end: 0 to 1000.
    #[schemars(range(min = 0, max = 1_000))]
    pub users: u32,
}
