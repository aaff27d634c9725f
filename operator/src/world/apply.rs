//! Deploying: the Services first, whose addresses the pods are told, then the Secret, then the Deployments; what is there as it should be is left alone.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use rand::TryRng;
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;
use serde::{Serialize, de::DeserializeOwned};

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::{Addresses, TEMPLATE_ANNOTATION, address, called, deployment, secret, selector, service},
};

/// The field manager of everything that the operator applies.
const MANAGER: &str = "retrylab-operator";

impl World {
    /// Makes the workloads what the spec says.
    pub async fn deploy(&self, experiment: &RetryExperiment) -> Result<(), Error> {
        let addresses = self.ensure_services(experiment).await?;
        // A cluster gives a Service its address when it is created; where it doesn't, the next pass sees it.
        let roles = Role::all(experiment.spec.client.layers).into_iter();
        let wanted: Option<Vec<_>> = roles.map(|r| deployment(experiment, r, &addresses, &self.config)).collect();
        let Some(wanted) = wanted else { return Ok(()) };
        let deployments: Api<Deployment> = self.api(experiment);
        let list = ListParams::default().labels(&selector(experiment));
        let object = || named("Deployments of", experiment, &experiment.name_any());
        let there = call("list", object, deployments.list_metadata(&list)).await?;
        let names: Vec<_> = there.iter().map(ResourceExt::name_any).collect();
        self.remove_layers_beyond(experiment, &names).await?;
        let missing: Vec<_> =
            wanted.iter().filter(|wanted| !there.iter().any(|there| template(there) == template(*wanted))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.create_token(experiment).await?;
        for deployment in missing {
            self.apply("Deployment", experiment, deployment).await?;
        }
        Ok(())
    }

    /// Makes the Services that are not there; gives the addresses of all that have one.
    async fn ensure_services(&self, experiment: &RetryExperiment) -> Result<Addresses, Error> {
        let mut addresses = self.addresses(experiment).await?;
        for role in called(experiment) {
            if !addresses.contains_key(&role) {
                let applied =
                    self.apply("Service", experiment, &service(experiment, role, &self.config.workloads)).await?;
                addresses.extend(address(&applied, role).map(|address| (role, address)));
            }
        }
        Ok(addresses)
    }

    fn api<K>(&self, experiment: &RetryExperiment) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default())
    }

    async fn apply<K>(&self, kind: &str, experiment: &RetryExperiment, object: &K) -> Result<K, Error>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + Serialize
            + DeserializeOwned,
    {
        let (api, name) = (self.api::<K>(experiment), object.name_any());
        let params = PatchParams::apply(MANAGER).force();
        call("apply", || named(kind, experiment, &name), api.patch(&name, &params, &Patch::Apply(object))).await
    }

    /// Creates the Secret with a new token, unless it is there.
    async fn create_token(&self, experiment: &RetryExperiment) -> Result<(), Error> {
        let random = || rand::rngs::SysRng.try_next_u64().map_err(|e| Error::Token(e.to_string()));
        let token = format!("{:016x}{:016x}{:016x}{:016x}", random()?, random()?, random()?, random()?);
        let (api, secret): (Api<Secret>, _) = (self.api(experiment), secret(experiment, token, &self.config.workloads));
        let object = || named("Secret", experiment, &secret.name_any());
        match call("create", object, api.create(&PostParams::default(), &secret)).await {
            Err(e) if !e.is_conflict() => Err(e),
            _ => Ok(()), // there already: what is not ours was found to be in the way before
        }
    }
}

/// What a Deployment is, and which template it was made from.
fn template(deployment: &impl ResourceExt) -> (String, Option<String>) {
    (deployment.name_any(), deployment.annotations().get(TEMPLATE_ANNOTATION).cloned())
}
