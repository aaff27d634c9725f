//! `spec.client`, `spec.backend` and `spec.loadgen`: the pods.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// Most clients in a chain.
pub const LAYERS_MAX: u32 = 4;

/// The client.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSpec {
    /// Pods: 1 to 10.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: u32,
    /// Clients in a chain, 1 to 4: each calls the next one and retries by the arm's strategy, the last one calls the
    /// backend. Attempts multiply: n attempts in each of k layers make up to n^k of one request.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 4))]
    pub layers: u32,
    /// How long one attempt may take: 1ms to 10m.
    #[serde(default = "five_seconds")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('10m')").message("timeout: 1ms to 10m"))]
    pub timeout: Span,
    /// The image, where it isn't the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub image: Option<String>,
}

/// The backend: `concurrency` workers that take `serviceTime` each, and a queue before them. Work goes on when its
/// client has gone.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackendSpec {
    /// Pods: 1 to 10. Capacity is per pod.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: u32,
    /// Time in service: 1ms to 1m.
    #[serde(default = "five_millis")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('1m')").message("serviceTime: 1ms to 1m"))]
    pub service_time: Span,
    /// Requests in service at one time: 1 to 10000.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: u32,
    /// Requests that may wait; more are turned away with 503. 0 to 100000.
    #[serde(default = "thousand")]
    #[schemars(range(min = 0, max = 100_000))]
    pub queue: u32,
    /// The image, where it isn't the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub image: Option<String>,
}

/// The load generator: always one pod.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadgenSpec {
    /// The image, where it isn't the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub image: Option<String>,
}

const fn one() -> u32 {
    1
}

const fn sixty_four() -> u32 {
    64
}

const fn thousand() -> u32 {
    1_000
}

const fn five_seconds() -> Span {
    Span::from_millis(5_000)
}

const fn five_millis() -> Span {
    Span::from_millis(5)
}

impl Default for ClientSpec {
    fn default() -> Self {
        Self { replicas: one(), layers: one(), timeout: five_seconds(), image: None }
    }
}

impl Default for BackendSpec {
    fn default() -> Self {
        Self { replicas: one(), service_time: five_millis(), concurrency: sixty_four(), queue: thousand(), image: None }
    }
}
