//! `spec.client` and `spec.loadgen`: the pods that send.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::defaults::one;
use crate::Span;

/// Most clients in a chain.
pub const LAYERS_MAX: u32 = 4;

/// The client.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSpec {
    /// Pods: 1 to 10. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: u32,
    /// Clients in a chain, 1 to 4: each calls the next one and retries by the arm's strategy, the last one calls the
    /// backend. Attempts multiply: n attempts in each of k layers make up to n^k of one request. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 4))]
    pub layers: u32,
    /// How long one attempt may take: 1ms to 10m. Default: 5s.
    #[serde(default = "five_seconds")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('10m')").message("timeout: 1ms to 10m"))]
    pub timeout: Span,
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

const fn five_seconds() -> Span {
    Span::from_millis(5_000)
}

impl Default for ClientSpec {
    fn default() -> Self {
        Self { replicas: one(), layers: one(), timeout: five_seconds(), image: None }
    }
}
