//! From a spec to what the simulator runs.

use retrylab_core::sim::{DEFAULT_NETWORK, Setup};

use crate::{ArmPlan, RetryExperimentSpec, backend_model};

/// What the simulator runs for one arm: the very plans that pods are handed, on as many clients and backends as there are pods.
pub fn setup(spec: &RetryExperimentSpec, plan: &ArmPlan) -> Setup {
    Setup {
        load: plan.loadgen.load.clone(),
        client: plan.client.clone(),
        inner: plan.inner.clone(),
        backend: plan.backend.clone(),
        clients: spec.client.replicas,
        backends: spec.backend.replicas,
        model: backend_model(&spec.backend),
        network: DEFAULT_NETWORK,
    }
}
