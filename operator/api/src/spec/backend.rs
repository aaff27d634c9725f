//! `spec.backend`: what the service under the client is like.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::one;
use crate::Span;

/// The backend: `concurrency` workers that take `serviceTime` each, and a queue before them. Unless told otherwise, work
/// goes on when its client has gone.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.codel) || self.discipline == 'CoDel'").message("codel: only with discipline CoDel"),
    validation = Rule::new("(self.queue + self.concurrency) * (duration(self.serviceTime).getMilliseconds() * (100 + self.contentionPercent * (self.concurrency - 1)) / 100 + (has(self.cache) ? duration(self.cache.missTime).getMilliseconds() : 0)) / self.concurrency <= 3600000").message("queue: a full queue must be worked off within 1h, at (queue + concurrency) × time in service ÷ concurrency"),
)]
pub struct BackendSpec {
    /// Pods: 1 to 10. Capacity is per pod. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: u32,
    /// Requests in service at one time: 1 to 10000. Default: 64.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: u32,
    /// Requests that may wait; more are turned away with 503. 0 to 100000, and no more than are worked off within 1h. Default: 1000.
    #[serde(default = "thousand")]
    #[schemars(range(min = 0, max = 100_000))]
    pub queue: u32,
    /// Who of those that wait is next. FIFO: first in, first out. LIFO: last in, first out. CoDel: first in, first out, and
    /// dropped at the head with 503 while waits stay long (RFC 8289). Default: FIFO.
    #[serde(default)]
    pub discipline: QueueDiscipline,
    /// For discipline CoDel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codel: Option<CoDelParams>,
    /// Don't serve a request whose client no longer waits: the client's timeout or the request's deadline has passed when
    /// its turn comes. It is answered 504. Default: false.
    #[serde(default)]
    pub drop_expired: bool,
    /// End a request, in the queue or in service, when its client has hung up or a Reset cuts its connection. Default:
    /// false, the work goes on.
    #[serde(default)]
    pub cancel_on_disconnect: bool,
    /// Time in service of a request alone, on the mean: 1ms to 1m. Default: 5ms.
    #[serde(default = "five_millis")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1m')").message("serviceTime: 1ms to 1m"))]
    pub service_time: Span,
    /// How service times vary. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_time_law: Option<ServiceTimeLaw>,
    /// By how many percent of serviceTime each other request that is in service makes one slower that starts: 0 to 1000. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000))]
    pub contention_percent: u32,
    /// A cache that is empty after a start. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Capacity that grows after a start. Default: all of it is there at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// What turning a request away at a full queue costs a worker, in percent of serviceTime: 0 to 100. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub rejection_percent: u32,
    /// The image, where it isn't the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub image: Option<String>,
}

/// Who of those that wait is next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum QueueDiscipline {
    /// First in, first out.
    #[default]
    #[serde(rename = "FIFO")]
    Fifo,
    /// Last in, first out.
    #[serde(rename = "LIFO")]
    Lifo,
    /// First in, first out, dropped at the head while waits stay long.
    CoDel,
}

/// The two times of CoDel.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CoDelParams {
    /// The wait that is no cause for concern: 1ms to 1m. Default: 5ms.
    #[serde(default = "five_millis")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1m')").message("target: 1ms to 1m"))]
    pub target: Span,
    /// How long waits must stay above it before a request is dropped: 1ms to 1m. Default: 100ms.
    #[serde(default = "hundred_millis")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1m')").message("interval: 1ms to 1m"))]
    pub interval: Span,
}

/// The law of service times; each keeps the mean.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.sigmaPercent) || self.type == 'Lognormal'").message("sigmaPercent: only with type Lognormal"))]
pub struct ServiceTimeLaw {
    /// Constant: all the same. Exponential: memoryless. Lognormal: with a long tail.
    #[serde(rename = "type")]
    pub kind: LawType,
    /// For type Lognormal: sigma of the logarithm, in hundredths: 1 to 200. Default: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub sigma_percent: Option<u32>,
}

/// The laws of service times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LawType {
    /// All the same.
    Constant,
    /// Memoryless.
    Exponential,
    /// With a long tail.
    Lognormal,
}

/// A cache that is empty after a start: when an arm begins, and after a fault with `restart`. A request that misses takes
/// longer, and fills its entry once it has been served to a client that still waited.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cache {
    /// How many entries there are, each as likely to be asked for: 1 to 100000. Default: 1000.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 100_000))]
    pub entries: u32,
    /// Requests that hit once every entry is filled, in percent: 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub hit_percent: u16,
    /// How much longer a miss takes: 1ms to 1m.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1m')").message("missTime: 1ms to 1m"))]
    pub miss_time: Span,
}

/// How capacity grows after a start: when an arm begins, and after a fault with `restart`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarmUp {
    /// After this all workers are there: 100ms to 1h; until then their number grows evenly.
    #[serde(rename = "for")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('100ms') && duration(self) <= duration('1h')").message("for: 100ms to 1h"))]
    pub for_: Span,
    /// The workers that are there at once, in percent: 0 to 99, but one at least. Default: 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 0, max = 99))]
    pub from_percent: u16,
}

const fn ten() -> u16 {
    10
}

const fn sixty_four() -> u32 {
    64
}

const fn thousand() -> u32 {
    1_000
}

const fn five_millis() -> Span {
    Span::from_millis(5)
}

const fn hundred_millis() -> Span {
    Span::from_millis(100)
}

impl Default for CoDelParams {
    fn default() -> Self {
        Self { target: five_millis(), interval: hundred_millis() }
    }
}

impl Default for BackendSpec {
    fn default() -> Self {
        Self {
            replicas: one(),
            concurrency: sixty_four(),
            queue: thousand(),
            discipline: QueueDiscipline::Fifo,
            codel: None,
            drop_expired: false,
            cancel_on_disconnect: false,
            service_time: five_millis(),
            service_time_law: None,
            contention_percent: 0,
            cache: None,
            warm_up: None,
            rejection_percent: 0,
            image: None,
        }
    }
}
