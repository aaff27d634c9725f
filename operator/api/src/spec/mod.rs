//! `spec`: what a user writes.

mod backend;
mod criterion;
mod defaults;
mod fault;
mod limits;
mod load;
mod strategy;
mod workload;

pub use backend::{BackendSpec, Cache, CoDelParams, LawType, QueueDiscipline, ServiceTimeLaw, WarmUp};
pub use criterion::{Criterion, Metric, Multiple};
pub use fault::{Fault, FaultType};
pub use limits::{
    BreakerSpec, BudgetSpec, ChargeKind, DepositKind, HedgingSpec, InFlightSpec, RetryAfterSpec, RetryBreakerSpec,
    RetryRate, ThrottleSpec, TokensSpec,
};
pub use load::{ArrivalLaw, Burst, Load, Shed, Stage};
pub use strategy::{Arm, BackoffParams, FixedParams, JitterKind, JitterParams, NaiveParams, Strategy, StrategyType};
pub use workload::{ClientSpec, LAYERS_MAX, LoadgenSpec};

use kube::{
    CustomResource, KubeSchema,
    core::{Message, Rule},
};
use serde::{Deserialize, Serialize};

use crate::{Span, status::RetryExperimentStatus};

/// What is run: the strategies, the load, what breaks, and what must hold. Once the first arm has started only suspend, abort and
/// ttlSecondsAfterFinished can be changed.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "retrylab.dev",
    version = "v1alpha1",
    kind = "RetryExperiment",
    plural = "retryexperiments",
    shortname = "rx",
    category = "retrylab",
    namespaced,
    status = "RetryExperimentStatus",
    doc = "An experiment that puts retry policies under test: what is sent, what breaks and which strategies are compared in `spec`, what was found in `status`.",
    derive = "PartialEq",
    validation = Rule::new("size(self.metadata.name) <= 48 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message("metadata.name: at most 48 small letters, digits and inner hyphens, a letter first, since names of Services are made from it"),
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.startedAt) || (self.spec.seed == oldSelf.spec.seed && self.spec.arms == oldSelf.spec.arms && self.spec.arms.map(a, a.name) == oldSelf.spec.arms.map(a, a.name) && self.spec.load.bursts.map(b, b.name) == oldSelf.spec.load.bursts.map(b, b.name) && self.spec.load == oldSelf.spec.load && self.spec.faults == oldSelf.spec.faults && self.spec.duration == oldSelf.spec.duration && self.spec.client == oldSelf.spec.client && self.spec.backend == oldSelf.spec.backend && self.spec.loadgen == oldSelf.spec.loadgen && self.spec.criteria == oldSelf.spec.criteria && self.spec.readyTimeout == oldSelf.spec.readyTimeout)").message("spec: an experiment that has started can't be changed, but for suspend, abort and ttlSecondsAfterFinished; apply it under another name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Verdict", type_ = "string", json_path = ".status.verdict"),
    printcolumn(name = "Arm", type_ = "string", json_path = ".status.summary.arm", description = "The arm that the next columns are about: the one that runs, or the last"),
    printcolumn(name = "Amp", type_ = "string", json_path = ".status.summary.amplification", description = "Attempts ÷ requests of the whole run"),
    printcolumn(name = "Peak", type_ = "string", json_path = ".status.summary.peakAmplification", description = "Highest attempts ÷ arrivals of a second"),
    printcolumn(name = "Success", type_ = "string", json_path = ".status.summary.successRate", description = "Requests that succeeded ÷ requests"),
    printcolumn(name = "Recovery", type_ = "string", json_path = ".status.summary.timeToRecovery", description = "From the last fault's end to stable service"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = every("faults", "f", "duration(f.at) + duration(f.__for__) <= duration(self.duration)", "every window must be over by the experiment's duration"),
    validation = every("faults", "f", "self.faults.filter(g, duration(g.at) < duration(f.at) + duration(f.__for__) && duration(f.at) < duration(g.at) + duration(g.__for__)).size() <= 1", "windows must not overlap"),
    validation = Rule::new("size(self.arms) * (size(self.faults) + 2 * size(self.load.shed) + 3) <= 40").message("arms: arms × (faults + 2 × shed + 3), the windows of all results, at most 40").field_path(".arms"),
    validation = every("faults", "f", "!has(f.capacityPercent) || f.capacityPercent * self.backend.concurrency >= 100", "capacityPercent must leave a worker of backend.concurrency"),
    validation = every("faults", "f", "!f.restart || has(self.backend.cache) || has(self.backend.warmUp)", "restart needs backend.cache or backend.warmUp, it changes nothing else"),
    validation = every("load.bursts", "b", "duration(b.at) < duration(self.duration)", "at must lie before the experiment's duration"),
    validation = every("load.bursts", "b", "!has(b.rate) || duration(b.at) + duration(b.__for__) <= duration(self.duration)", "every burst must be over by the experiment's duration"),
    validation = every("load.shed", "s", "duration(s.at) + duration(s.__for__) <= duration(self.duration)", "every stretch must be over by the experiment's duration"),
    validation = every("load.shed", "s", "self.load.shed.filter(t, duration(t.at) < duration(s.at) + duration(s.__for__) && duration(s.at) < duration(t.at) + duration(t.__for__)).size() <= 1", "stretches must not overlap"),
    validation = every("load.shed", "s", "self.faults.all(f, duration(f.at) + duration(f.__for__) <= duration(s.at))", "at must not lie before the end of the last fault"),
    validation = every("load.shed", "s", "!self.faults.exists(f, f.name == s.name || f.name == 'after-' + s.name)", "names must not be those of faults' windows"),
    validation = every("criteria", "c", "!has(c.arm) || self.arms.exists(a, a.name == c.arm)", "arm must be the name of one of spec.arms"),
    validation = every("criteria", "c", "c.window == 'total' || (size(self.faults) > 0 && (c.window == 'baseline' || c.window == 'recovery')) || self.faults.exists(f, f.name == c.window) || self.load.shed.exists(s, s.name == c.window || 'after-' + s.name == c.window)", "window must be total, a fault's or a shed's name, after- with a shed's name, or (where there are faults) baseline or recovery"),
    validation = every("criteria", "c", "(!has(c.maxOf) || self.arms.exists(a, a.name == c.maxOf.arm)) && (!has(c.minOf) || self.arms.exists(a, a.name == c.minOf.arm)) && self.arms.exists(a, (!has(c.arm) || c.arm == a.name) && (!has(c.maxOf) || c.maxOf.arm != a.name) && (!has(c.minOf) || c.minOf.arm != a.name))", "arm of maxOf and minOf must be the name of another one of spec.arms than the one that is held against them"),
    validation = every("criteria", "c", "c.window != 'baseline' || self.faults.all(f, duration(f.at) >= duration(c.metric == 'PeakAmplification' ? '1s' : '100ms'))", "a baseline needs time before the first fault, 1s with PeakAmplification"),
    validation = every("criteria", "c", "c.window != 'recovery' || self.faults.all(f, duration(f.at) + duration(f.__for__) + duration(c.metric == 'PeakAmplification' ? '1s' : '100ms') <= duration(self.duration) && self.load.shed.all(s, duration(f.at) + duration(f.__for__) + duration(c.metric == 'PeakAmplification' ? '1s' : '100ms') <= duration(s.at)))", "a recovery needs time after the last fault, before load is shed, 1s with PeakAmplification"),
    validation = every("criteria", "c", "self.load.shed.all(s, c.window != 'after-' + s.name || (duration(s.at) + duration(s.__for__) + duration(c.metric == 'PeakAmplification' ? '1s' : '100ms') <= duration(self.duration) && self.load.shed.all(t, duration(t.at) <= duration(s.at) || duration(s.at) + duration(s.__for__) + duration(c.metric == 'PeakAmplification' ? '1s' : '100ms') <= duration(t.at))))", "what comes after a shed needs time before the next one and the end, 1s with PeakAmplification"),
    validation = every("criteria", "c", "c.metric != 'PeakAmplification' || (self.faults.all(f, c.window != f.name || duration(f.__for__) >= duration('1s')) && self.load.shed.all(s, c.window != s.name || duration(s.__for__) >= duration('1s')))", "PeakAmplification is of a second, and needs a window of 1s or more"),
    validation = every("criteria", "c", "!c.metric.startsWith('LatencyP') || ((c.window != 'baseline' || self.faults.all(f, duration(f.at) >= duration('1s'))) && self.faults.all(f, c.window != f.name || (duration(f.at) + duration('999ms')).getSeconds() < (duration(f.at) + duration(f.__for__)).getSeconds()) && (c.window != 'recovery' || self.faults.all(f, (duration(f.at) + duration(f.__for__) + duration('999ms')).getSeconds() < duration(self.duration).getSeconds() && self.load.shed.all(s, (duration(f.at) + duration(f.__for__) + duration('999ms')).getSeconds() < duration(s.at).getSeconds()))))", "a latency is of whole seconds of the run, and needs a window that holds one"),
    validation = every("criteria", "c", "!c.metric.startsWith('LatencyP') || self.load.shed.all(s, (c.window != s.name || (duration(s.at) + duration('999ms')).getSeconds() < (duration(s.at) + duration(s.__for__)).getSeconds()) && (c.window != 'after-' + s.name || ((duration(s.at) + duration(s.__for__) + duration('999ms')).getSeconds() < duration(self.duration).getSeconds() && self.load.shed.all(t, duration(t.at) <= duration(s.at) || (duration(s.at) + duration(s.__for__) + duration('999ms')).getSeconds() < duration(t.at).getSeconds()))))", "a latency is of whole seconds of the run, and needs a shed, or a time after it, that holds one"),
    validation = every("criteria", "c", "!(c.metric in ['TimeToRecoveryMs', 'RecoveryVerdict']) || self.faults.all(f, duration(f.at) >= duration('1s') && (duration(f.at) + duration(f.__for__) + duration('999ms')).getSeconds() + 10 <= duration(self.duration).getSeconds() && self.load.shed.all(s, (duration(f.at) + duration(f.__for__) + duration('999ms')).getSeconds() + 10 <= duration(s.at).getSeconds()))", "TimeToRecoveryMs and RecoveryVerdict need 1s before the first fault, and ten whole seconds after the last one, before load is shed"),
    validation = every("criteria", "c", "size(self.faults) > 0 || !(c.metric in ['TimeToRecoveryMs', 'RecoveryVerdict'])", "TimeToRecoveryMs and RecoveryVerdict need a fault to recover from"),
    validation = Rule::new("self.criteria.map(c, has(c.arm) ? 1 : size(self.arms)).sum() <= 80").message("criteria: at most 80 in all arms together").field_path(".criteria"),
)]
pub struct RetryExperimentSpec {
    /// Seeds every random draw: in an open loop the same seed gives the same arrivals, the same struck attempts and the
    /// same jitter. (In a closed loop a request's number depends on when answers come.) Default: 1.
    #[serde(default = "default_seed")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub seed: u64,

    /// The strategies to compare, run one after the other under the same load and faults. 1 to 8, and arms × (faults + 2 ×
    /// shed + 3) at most 40: so many windows the results may have.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub arms: Vec<Arm>,

    /// What is sent to the client.
    pub load: Load,

    /// When the backend breaks, and how. Windows must not overlap. At most 6.
    #[serde(default)]
    #[schemars(length(max = 6), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub faults: Vec<Fault>,

    /// How long each arm's load goes on: 1s to 1h, in steps of 100ms, such as 500ms, 10s or 1m30s.
    #[x_kube(
        validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("duration: 1s to 1h"),
        validation = Rule::new("duration(self).getMilliseconds() % 100 == 0").message("duration: a multiple of 100ms")
    )]
    pub duration: Span,

    /// The client: a retrying service between the load and the backend.
    #[serde(default)]
    pub client: ClientSpec,

    /// The backend: a service with finite capacity that can be broken.
    #[serde(default)]
    pub backend: BackendSpec,

    /// The load generator.
    #[serde(default)]
    pub loadgen: LoadgenSpec,

    /// What must hold for the verdict Passed. At most 20.
    #[serde(default)]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub criteria: Vec<Criterion>,

    /// How long the workloads may take to become ready before the experiment fails: 10s to 10m. Default: 2m.
    #[serde(default = "default_ready_timeout")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('10s') && duration(self) <= duration('10m')").message("readyTimeout: 10s to 10m"))]
    pub ready_timeout: Span,

    /// Don't begin another arm; the one that runs goes on to its end. Default: false.
    #[serde(default)]
    pub suspend: bool,

    /// End the experiment now, with the verdict Aborted. Default: false.
    #[serde(default)]
    pub abort: bool,

    /// How long the workloads stay after the end, in seconds: 0 to 86400. The object and its results stay in any case. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub ttl_seconds_after_finished: u32,
}

/// The rule that `holds` is true of every `item` of a list; its message names the first of which it isn't, and says `what` they
/// must be. The API server reckons beforehand what a message may cost: this form is within its limit, `filter` and `join` are not.
fn every(list: &str, item: &str, holds: &str, what: &str) -> Rule {
    let said = format!("'{list}: ' + {item}.name + \": {what}\"");
    let (field, _) = list.split_once('.').unwrap_or((list, ""));
    Rule::new(format!("self.{list}.all({item}, {holds})"))
        .message(Message::Expression(format!("self.{list}.map({item}, !({holds}), {said})[0]")))
        .field_path(format!(".{field}"))
}

const fn default_seed() -> u64 {
    1
}

const fn default_ready_timeout() -> Span {
    Span::from_millis(120_000)
}
