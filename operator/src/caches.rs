//! What watches have seen: a cache of experiments and one of their Deployments for each place that is watched.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use kube::{ResourceExt, core::PartialObjectMeta, runtime::reflector::Store};
use retrylab_api::RetryExperiment;

use crate::resources::UID_LABEL;

/// The caches of all places.
#[derive(Default)]
pub struct Caches {
    /// All experiments.
    pub experiments: Vec<Store<RetryExperiment>>,
    /// The Deployments of all experiments, by metadata only.
    pub deployments: Vec<Store<PartialObjectMeta<Deployment>>>,
}

impl Caches {
    /// The uids of all experiments.
    pub fn uids(&self) -> BTreeSet<String> {
        self.experiments.iter().flat_map(Store::state).filter_map(|experiment| experiment.uid()).collect()
    }

    /// Whether there is a Deployment of this experiment, of this very object.
    pub fn has_deployments(&self, experiment: &RetryExperiment) -> bool {
        let uid = experiment.uid();
        self.deployments.iter().any(|store| store.find(|d| d.labels().get(UID_LABEL) == uid.as_ref()).is_some())
    }
}
