//! What stands in the way of deploying: objects of the names that the experiment needs, and that are not its own.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::{Api, Resource, ResourceExt};
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;
use serde::de::DeserializeOwned;

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::{name, report_ref, secret_name},
};

impl World {
    /// Says what is in the way, if anything is.
    pub async fn in_the_way(&self, experiment: &RetryExperiment) -> Result<Option<String>, Error> {
        let secret = self.foreign::<Secret>("Secret", experiment, &secret_name(experiment)).await?;
        if secret.is_some() {
            return Ok(secret);
        }
        let report = self.foreign::<ConfigMap>("ConfigMap", experiment, &report_ref(experiment).name).await?;
        if report.is_some() {
            return Ok(report);
        }
        for role in Role::all(experiment.spec.client.layers) {
            let name = name(experiment, role);
            let deployment = self.foreign::<Deployment>("Deployment", experiment, &name).await?;
            let foreign = if deployment.is_some() || !role.is_called() {
                deployment
            } else {
                self.foreign::<Service>("Service", experiment, &name).await?
            };
            if foreign.is_some() {
                return Ok(foreign);
            }
        }
        Ok(None)
    }

    /// Says whose an object is, if it is there and isn't this experiment's.
    async fn foreign<K>(&self, kind: &str, experiment: &RetryExperiment, name: &str) -> Result<Option<String>, Error>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let there = call("get", || named(kind, experiment, name), api.get_metadata_opt(name)).await?;
        Ok(there.and_then(|there| {
            let name = named(kind, experiment, name);
            let ours = |uid: &String| Some(uid) == experiment.metadata.uid.as_ref();
            if there.metadata.deletion_timestamp.is_some() {
                Some(format!("{name} of an earlier experiment is being deleted"))
            } else if there.owner_references().iter().any(|owner| ours(&owner.uid)) {
                None
            } else {
                Some(format!("{name} is there and is not this experiment's"))
            }
        }))
    }
}
