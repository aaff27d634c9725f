//! Removing the workloads after the end; the object and its results stay.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Secret, Service},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams},
};
use retrylab_api::RetryExperiment;
use serde::de::DeserializeOwned;

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::selector,
};

impl World {
    /// Removes everything of the experiment. The Deployments last: while one is there, the removal is not done.
    pub async fn remove(&self, experiment: &RetryExperiment) -> Result<(), Error> {
        self.remove_kind::<Service>("Services of", experiment).await?;
        self.remove_kind::<Secret>("Secrets of", experiment).await?;
        self.remove_kind::<Deployment>("Deployments of", experiment).await
    }

    async fn remove_kind<K>(&self, kind: &'static str, experiment: &RetryExperiment) -> Result<(), Error>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let all = ListParams::default().labels(&selector(experiment));
        let object = || named(kind, experiment, &experiment.name_any());
        call("delete", object, api.delete_collection(&DeleteParams::background(), &all)).await?;
        Ok(())
    }
}
