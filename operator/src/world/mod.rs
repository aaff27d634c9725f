//! A cluster as the world of an experiment: what is there, and making it what it should be.

mod apply;
mod keep;
mod observe;
mod obstacles;
mod remove;

use kube::Client;
use retrylab_api::RetryExperiment;
use retrylab_conduct::Conductor;

use crate::config::Config;

/// The cluster.
#[derive(Clone)]
pub struct World {
    pub client: Client,
    pub conductor: Conductor,
    pub config: Config,
}

/// `Deployment lab/client`: how errors name an object.
fn named(kind: &str, experiment: &RetryExperiment, name: &str) -> String {
    format!("{kind} {}/{name}", experiment.metadata.namespace.as_deref().unwrap_or_default())
}
