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
        match self.foreign::<ConfigMap>("ConfigMap", experiment, &report_ref(experiment).name).await {
            Ok(None) => {}
            // Timelines can't be kept then. The figures come without them, so nothing is held up.
            Err(refusal) if refusal.is_refusal() => tracing::warn!("timelines will not be kept: {refusal}"),
            blocked => return blocked,
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

#[cfg(test)]
mod tests {
    use axum::http::{Request, Response, StatusCode};
    use clap::{Args as _, FromArgMatches as _};
    use kube::{Client, client::Body};
    use retrylab_conduct::Conductor;
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;
    use crate::config::Config;

    /// What is in the way, where the API server answers so for objects of one kind and has no others.
    async fn in_the_way(plural: &'static str, code: StatusCode, found: Value) -> Result<Option<String>, Error> {
        let answer = move |request: Request<Body>| {
            let is_it = request.uri().path().contains(&format!("/{plural}/"));
            let (code, body) = if is_it { (code, found.clone()) } else { (StatusCode::NOT_FOUND, json!({})) };
            let reason = code.canonical_reason().unwrap().replace(' ', "");
            let failure = json!({"status": "Failure", "message": "told so", "reason": reason, "code": code.as_u16()});
            let body = if code.is_success() { body } else { failure };
            let answer = Response::builder().status(code).body(Body::from(body.to_string().into_bytes())).unwrap();
            async move { Ok::<_, std::convert::Infallible>(answer) }
        };
        let matches = Config::augment_args(clap::Command::new("operator")).get_matches_from(["operator"]);
        let world = World {
            client: Client::new(service_fn(answer), "default"),
            conductor: Conductor::new().unwrap(),
            config: Config::from_arg_matches(&matches).unwrap(),
        };
        let experiment = json!({
            "apiVersion": "retrylab.dev/v1alpha1", "kind": "RetryExperiment",
            "metadata": {"name": "x", "namespace": "lab", "uid": "mine"},
            "spec": {"arms": [{"name": "naive", "strategy": {"type": "Naive"}}], "load": {"rate": 1}, "duration": "1s"},
        });
        world.in_the_way(&serde_json::from_value(experiment).unwrap()).await
    }

    #[tokio::test]
    async fn timelines_that_may_not_be_kept_hold_no_experiment_up_and_what_may_not_be_looked_at_else_does() {
        assert_eq!(in_the_way("configmaps", StatusCode::FORBIDDEN, json!(null)).await.unwrap(), None);
        assert!(in_the_way("configmaps", StatusCode::INTERNAL_SERVER_ERROR, json!(null)).await.is_err());
        for plural in ["secrets", "deployments", "services"] {
            let error = in_the_way(plural, StatusCode::FORBIDDEN, json!(null)).await.unwrap_err();
            assert!(error.to_string().contains("told so"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_object_of_a_name_that_is_needed_is_in_the_way_unless_it_is_the_experiment_s_own() {
        let found = |uid: &str| {
            let owner = json!({"apiVersion": "v", "kind": "k", "name": "n", "uid": uid});
            let (version, kind) = ("meta.k8s.io/v1", "PartialObjectMetadata");
            json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x-report", "namespace": "lab", "ownerReferences": [owner]}})
        };
        let said = in_the_way("configmaps", StatusCode::OK, found("another")).await.unwrap();
        assert_eq!(said.as_deref(), Some("ConfigMap lab/x-report is there and is not this experiment's"));
        assert_eq!(in_the_way("configmaps", StatusCode::OK, found("mine")).await.unwrap(), None);
    }
}
