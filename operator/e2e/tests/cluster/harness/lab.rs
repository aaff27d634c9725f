//! A test's place in the cluster: a namespace of its own, and its turn among the other tests.

use std::{process::Command, time::Duration};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, PostParams},
};
use retrylab_api::ConditionType;
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Experiment, SOON, kubectl_with_input};

/// Tests that disturb the operator, which is there for all, or that hold latencies against each other, which others would
/// disturb, take this for themselves; the others share it.
static CLUSTER: RwLock<()> = RwLock::const_new(());

/// A namespace, which goes when this goes.
pub struct Lab {
    pub client: Client,
    pub namespace: String,
    _turn: Turn,
}

#[expect(dead_code, reason = "held, not read")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Lab {
    /// A namespace for a test that others may run beside.
    pub async fn shared() -> Self {
        Self::new(Turn::Shared(CLUSTER.read().await)).await
    }

    /// A namespace for a test beside which no other may run.
    pub async fn alone() -> Self {
        Self::new(Turn::Alone(CLUSTER.write().await)).await
    }

    async fn new(turn: Turn) -> Self {
        let mut config = Config::infer().await.expect("KUBECONFIG must name a cluster");
        config.default_retry = false;
        let client = Client::try_from(config).unwrap();
        let namespace = serde_json::from_value(json!({"metadata": {"generateName": "e2e-"}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = namespaces.create(&PostParams::default(), &namespace).await.unwrap().name_any();
        Self { client, namespace, _turn: turn }
    }

    /// Applies an experiment's manifest as a user does.
    pub async fn apply(&self, manifest: &str) -> Experiment {
        let object: Value = serde_saphyr::from_str(manifest).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        kubectl_with_input(&["apply", "--namespace", &self.namespace, "--filename", "-"], manifest).await;
        Experiment::new(self, name)
    }

    /// Applies an experiment with this spec.
    pub async fn experiment(&self, name: &str, spec: &Value) -> Experiment {
        self.apply(&manifest(name, spec).to_string()).await
    }

    /// Kubernetes' garbage collector takes up to half a minute to notice a kind that has just been defined, and collects
    /// nothing of it before. That is waited for with an experiment that doesn't count.
    pub async fn until_experiments_are_collected(&self) {
        let spec = json!({
            "arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 1}, "duration": "1s", "suspend": true,
        });
        let canary = self.experiment("canary", &spec).await;
        canary.until_condition(ConditionType::Paused, SOON).await;
        canary.api.delete(&canary.name, &DeleteParams::default()).await.unwrap();
        canary.until_nothing_remains(Duration::from_secs(90)).await;
    }
}

/// An experiment's manifest.
pub fn manifest(name: &str, spec: &Value) -> Value {
    let (version, kind) = ("retrylab.dev/v1alpha1", "RetryExperiment");
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Blocking, since it also happens while a test panics.
impl Drop for Lab {
    fn drop(&mut self) {
        let namespace = self.namespace.as_str();
        if std::thread::panicking() {
            show(&["get", "retryexperiments", "--namespace", namespace, "--output", "yaml"]);
            show(&["get", "pods", "--namespace", namespace, "--output", "wide"]);
            show(&["get", "events", "--namespace", namespace, "--sort-by", ".metadata.creationTimestamp"]);
            show(&["logs", "deployment/retrylab-operator", "--namespace", "retrylab-system", "--tail", "30"]);
        }
        Command::new("kubectl").args(["delete", "namespace", namespace, "--wait=false"]).output().ok();
    }
}

fn show(arguments: &[&str]) {
    if let Ok(output) = Command::new("kubectl").args(arguments).output() {
        println!("$ kubectl {}\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stdout));
    }
}
