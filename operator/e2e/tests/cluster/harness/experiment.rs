//! One experiment: waiting for what becomes of it, and reaching its pods.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::{Pod, Secret},
    jiff::Timestamp,
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams},
    runtime::wait::await_condition,
};
use retrylab_api::{ConditionType, RetryExperiment, RetryExperimentStatus};
use serde_json::Value;

use super::{Http, Lab, PortForward, SOON, eventually, kubectl, try_kubectl};

/// An experiment that was applied.
pub struct Experiment {
    pub name: String,
    pub namespace: String,
    pub api: Api<RetryExperiment>,
    client: kube::Client,
}

impl Experiment {
    pub fn new(lab: &Lab, name: &str) -> Self {
        Self::within(&lab.client, &lab.namespace, name)
    }

    /// One in this namespace.
    pub fn within(client: &kube::Client, namespace: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            api: Api::namespaced(client.clone(), namespace),
            client: client.clone(),
        }
    }

    /// Its status now.
    pub async fn status(&self) -> RetryExperimentStatus {
        self.api.get(&self.name).await.unwrap().status.unwrap_or_default()
    }

    /// Watches it until its status is so; gives that status.
    pub async fn until(
        &self,
        what: &str,
        deadline: Duration,
        is_so: impl Fn(&RetryExperimentStatus) -> bool,
    ) -> RetryExperimentStatus {
        let holds = |seen: Option<&RetryExperiment>| seen.and_then(|x| x.status.as_ref()).is_some_and(&is_so);
        let seen = tokio::time::timeout(deadline, await_condition(self.api.clone(), &self.name, holds)).await;
        let seen = seen.unwrap_or_else(|_| panic!("{}: not within {deadline:?}: {what}", self.name));
        seen.unwrap().unwrap().status.unwrap()
    }

    /// Watches it until a condition is true.
    pub async fn until_condition(&self, condition: ConditionType, deadline: Duration) -> RetryExperimentStatus {
        self.until(condition.as_str(), deadline, |status| holds(status, condition)).await
    }

    /// Waits, as a user does, until it is over; gives the final status.
    pub async fn complete(&self, deadline: Duration) -> RetryExperimentStatus {
        self.wait_for("condition=Complete", deadline).await.unwrap();
        self.status().await
    }

    /// Asks, as a user does, whether it has passed: one of two waits ends.
    pub async fn succeeded(&self) -> bool {
        tokio::select! {
            Ok(_) = self.wait_for("condition=Succeeded", SOON) => true,
            Ok(_) = self.wait_for("condition=Succeeded=false", SOON) => false,
            else => panic!("{}: neither Succeeded nor not", self.name),
        }
    }

    /// `kubectl wait`.
    pub async fn wait_for(&self, condition: &str, deadline: Duration) -> Result<String, String> {
        let (condition, deadline) = (format!("--for={condition}"), format!("--timeout={}s", deadline.as_secs()));
        let object = format!("rx/{}", self.name);
        try_kubectl(&["wait", "--namespace", &self.namespace, &condition, &object, &deadline]).await
    }

    /// Changes its spec.
    pub async fn patch_spec(&self, spec: &Value) -> kube::Result<RetryExperiment> {
        let patch = serde_json::json!({ "spec": spec });
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    /// Waits until the run is so far into its schedule; the run's start must be settled.
    pub async fn until_offset(&self, offset: Duration) {
        let starts_at = self.status().await.arms.last().unwrap().run.starts_at.0;
        let ahead = (starts_at + offset).duration_since(Timestamp::now());
        tokio::time::sleep(Duration::try_from(ahead).unwrap_or_default()).await;
    }

    /// The pods of a role that are not on their way out.
    pub async fn pods(&self, role: &str) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let selector = format!("retrylab.dev/experiment={},retrylab.dev/role={role}", self.name);
        let mut pods = pods.list(&ListParams::default().labels(&selector)).await.unwrap().items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods
    }

    /// The one pod of a role that is ready and whose name is another than `before`.
    pub async fn ready_pod(&self, role: &str, before: &str) -> Pod {
        let is_ready = |pod: &Pod| {
            let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
            conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True")
        };
        let what = format!("a ready pod of {role}");
        eventually(&what, SOON, async || {
            self.pods(role).await.into_iter().find(|p| p.name_any() != before && is_ready(p))
        })
        .await
    }

    /// The pod of a role, from outside of it: not loopback, so that `/admin` needs the token.
    pub async fn http(&self, role: &str) -> Http {
        Http::new(&self.url(role).await)
    }

    /// Where the pod of a role serves.
    pub async fn url(&self, role: &str) -> String {
        let pod = self.ready_pod(role, "").await;
        format!("http://{}:{}", pod.status.unwrap().pod_ip.unwrap(), port(role))
    }

    /// The token of its `/admin`.
    pub async fn token(&self) -> String {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let of_this = ListParams::default().labels(&format!("retrylab.dev/experiment={}", self.name));
        let secret = secrets.list(&of_this).await.unwrap().items.pop().expect("the experiment has a Secret");
        String::from_utf8(secret.data.unwrap().remove("token").unwrap().0).unwrap()
    }

    /// A port-forward to the Service of a role, on a local port that is free.
    pub async fn forward(&self, role: &str) -> PortForward {
        PortForward::new(&self.namespace, &format!("svc/{}-{role}", self.name), port(role)).await
    }

    /// What is left of its workloads, of every kind.
    pub async fn remains(&self) -> String {
        let kinds = "deployments,replicasets,pods,services,secrets,endpointslices";
        let selector = format!("retrylab.dev/experiment={}", self.name);
        kubectl(&["get", kinds, "--namespace", &self.namespace, "--selector", &selector, "--output", "name"]).await
    }

    /// Waits until nothing is left of its workloads.
    pub async fn until_nothing_remains(&self, deadline: Duration) {
        let is_gone = async || self.remains().await.is_empty().then_some(());
        eventually(&format!("nothing of {} remains", self.name), deadline, is_gone).await;
    }
}

/// Whether a condition is true.
pub fn holds(status: &RetryExperimentStatus, condition: ConditionType) -> bool {
    status.conditions.iter().any(|c| c.type_ == condition.as_str() && c.status == "True")
}

/// The port that a role serves on.
pub fn port(role: &str) -> u16 {
    match role {
        "client" => 8000,
        "backend" => 8001,
        "loadgen" => 8002,
        _ => panic!("there is no role {role}"),
    }
}
