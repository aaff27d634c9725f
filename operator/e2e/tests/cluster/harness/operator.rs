//! Disturbing the operator, and pods; only for tests that are alone.

use k8s_openapi::api::{core::v1::Pod, rbac::v1::ClusterRole};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::json;

use super::{SOON, eventually, kubectl, run_script};

const NAMESPACE: &str = "retrylab-system";
const DEPLOYMENT: &str = "deployment/retrylab-operator";
const ROLE: &str = "retrylab-system:retrylab-operator";

/// The names of the operator's pods, the ending ones included.
pub async fn operator_pods(client: &Client) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let list = ListParams::default().labels("app.kubernetes.io/name=retrylab-operator");
    pods.list(&list).await.unwrap().into_iter().map(|pod| pod.name_any()).collect()
}

/// Kills the operator's pod, with no time to say goodbye.
pub async fn kill_operator(client: &Client) {
    for pod in operator_pods(client).await {
        kill_pod(client, NAMESPACE, &pod).await;
    }
}

/// Kills a pod, with no time to say goodbye.
pub async fn kill_pod(client: &Client, namespace: &str, name: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    pods.delete(name, &DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() }).await.unwrap();
}

/// The operator's pod.
pub async fn operator_pod(client: &Client) -> Pod {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    pods.get(&operator_pods(client).await[0]).await.unwrap()
}

/// Kills the operator's process, and waits until it is ready again in the same pod, at the same address.
pub async fn restart_operator(client: &Client) {
    let pod = operator_pod(client).await;
    // The pod's network is held by a process of its own, which is not to end.
    let script = format!(
        "for cgroup in $(grep -l '{}' /proc/[0-9]*/cgroup 2> /dev/null || true); do
           process=${{cgroup%/cgroup}}
           [ \"$(cat \"$process/comm\")\" = pause ] || kill -KILL \"${{process##*/}}\"
         done",
        pod.uid().unwrap()
    );
    let restarts =
        |pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first().map(|c| (c.restart_count, c.ready));
    let (before, _) = restarts(&pod).unwrap();
    run_script(&script).await;
    let is_ready = async || (restarts(&operator_pod(client).await)? == (before + 1, true)).then_some(());
    eventually("the operator's process is another one, and ready", SOON, is_ready).await;
}

/// Scales the operator and waits until it is so: ready, or gone.
pub async fn scale_operator(client: &Client, replicas: u32) {
    kubectl(&["scale", DEPLOYMENT, "--namespace", NAMESPACE, "--replicas", &replicas.to_string()]).await;
    if replicas == 0 {
        let is_gone = async || operator_pods(client).await.is_empty().then_some(());
        eventually("the operator is gone", SOON, is_gone).await;
    } else {
        rolled_out().await;
    }
}

/// Sets (`NAME=VALUE`) or removes (`NAME-`) a variable of the operator's, and waits until it runs so.
pub async fn set_operator_env(change: &str) {
    kubectl(&["set", "env", DEPLOYMENT, "--namespace", NAMESPACE, change]).await;
    rolled_out().await;
}

async fn rolled_out() {
    kubectl(&["rollout", "status", DEPLOYMENT, "--namespace", NAMESPACE, "--timeout", "60s"]).await;
}

/// What the operator may do.
pub async fn operator_role(client: &Client) -> ClusterRole {
    Api::all(client.clone()).get(ROLE).await.unwrap()
}

/// Lets it do this and nothing else.
pub async fn set_operator_role(client: &Client, role: &ClusterRole) {
    let (roles, granted): (Api<ClusterRole>, _) = (Api::all(client.clone()), json!({"rules": role.rules}));
    roles.patch(ROLE, &PatchParams::default(), &Patch::Merge(&granted)).await.unwrap();
}

/// A role without a right. A rule of nothing is no rule.
pub fn without_right(role: &ClusterRole, verb: &str, resource: &str) -> ClusterRole {
    let mut role = role.clone();
    let rules = role.rules.as_mut().unwrap();
    for rule in rules.iter_mut().filter(|rule| rule.resources == Some(vec![resource.to_owned()])) {
        rule.verbs.retain(|granted| granted != verb);
    }
    rules.retain(|rule| !rule.verbs.is_empty());
    role
}
