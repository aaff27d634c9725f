//! Requests that come from a pod: sent by a command that has entered its network.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use serde_json::json;

use super::{Lab, in_network_of, kubectl};

/// A pod that requests are sent from.
pub struct Visitor(Pod);

impl Visitor {
    /// A pod that is there already and ready.
    pub fn new(pod: Pod) -> Self {
        Self(pod)
    }

    /// A pod of nobody's, labelled `visitor: NAME`. It serves as a backend does, on port 8001.
    pub async fn start(lab: &Lab, name: &str) -> Self {
        let container =
            json!({"name": "backend", "image": "localhost/retrylab-backend:dev", "imagePullPolicy": "Never"});
        let pod = json!({"metadata": {"name": name, "labels": {"visitor": name}}, "spec": {"containers": [container]}});
        let pods: Api<Pod> = Api::namespaced(lab.client.clone(), &lab.namespace);
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        let wait = ["wait", "--for=condition=Ready", "--timeout=30s", "--namespace", &lab.namespace, "pod", name];
        kubectl(&wait).await;
        Self(pods.get(name).await.unwrap())
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.0.status.as_ref().and_then(|status| status.pod_ip.as_deref()).expect("a pod that runs has an address")
    }

    /// The status of the answer that it gets from a URL; `None`, if there is no way to it.
    pub async fn asks(&self, url: &str) -> Option<u16> {
        in_network_of(&self.0, "true").await; // where there is no way in, that is no answer
        let curl = format!("curl -sS -m 5 -o /dev/null -w '%{{http_code}}' '{url}' || true");
        let status = in_network_of(&self.0, &curl).await.parse().unwrap();
        (status != 0).then_some(status)
    }
}
