//! Removing the workloads after the end; the object and its results stay.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, Service},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use retrylab_api::{LAYERS_MAX, RetryExperiment};
use retrylab_plan::Role;
use serde::de::DeserializeOwned;

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::{name, secret_name},
};

impl World {
    /// Removes everything of the experiment. The Deployments last: while one is there, the removal is not done.
    pub async fn remove(&self, experiment: &RetryExperiment) -> Result<(), Error> {
        // Of every layer that there can be: before its start the spec may have had more of them.
        let all = Role::all(LAYERS_MAX);
        for &role in all.iter().filter(|role| role.is_called()) {
            self.remove_one::<Service>("Service", experiment, &name(experiment, role)).await?;
        }
        self.remove_one::<Secret>("Secret", experiment, &secret_name(experiment)).await?;
        for role in all {
            self.remove_one::<Deployment>("Deployment", experiment, &name(experiment, role)).await?;
        }
        Ok(())
    }

    /// Removes the Deployments of layers that the spec had before it was edited.
    pub async fn remove_layers_beyond(&self, experiment: &RetryExperiment, there: &[String]) -> Result<(), Error> {
        let wanted = Role::all(experiment.spec.client.layers);
        let beyond = Role::all(LAYERS_MAX).into_iter().filter(|role| !wanted.contains(role));
        for name in beyond.map(|role| name(experiment, role)).filter(|name| there.contains(name)) {
            self.remove_one::<Deployment>("Deployment", experiment, &name).await?;
        }
        Ok(())
    }

    /// Removes one object, if it is there and is this experiment's.
    async fn remove_one<K>(&self, kind: &str, experiment: &RetryExperiment, name: &str) -> Result<(), Error>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let object = || named(kind, experiment, name);
        let Some(there) = call("get", object, api.get_metadata_opt(name)).await? else { return Ok(()) };
        let ours = |uid: &String| Some(uid) == experiment.metadata.uid.as_ref();
        let owners = there.metadata.owner_references.unwrap_or_default();
        if there.metadata.deletion_timestamp.is_some() || !owners.iter().any(|owner| ours(&owner.uid)) {
            return Ok(());
        }
        // This very object: not one of the same name that came after it.
        let this = Preconditions { uid: there.metadata.uid, resource_version: None };
        let params = DeleteParams::background().preconditions(this);
        match call("delete", object, api.delete(name, &params)).await {
            Err(e) if !e.is_gone() => Err(e),
            _ => Ok(()),
        }
    }
}
