//! The release that all tests share, changed as whoever installed it may change it; only for tests that are alone.

use std::{env, path::Path};

use super::kubectl::{kubectl, run};

const RELEASE: &str = "retrylab";
const NAMESPACE: &str = "retrylab-system";

/// Runs `helm` with the release and its namespace, and gives what it printed, or what it complained about.
pub async fn helm(verb: &str, arguments: &[&str]) -> Result<String, String> {
    let tools = env::var("RETRYLAB_TOOLS").expect("RETRYLAB_TOOLS must have helm");
    let helm = Path::new(&tools).join("helm");
    let arguments = [&[verb, RELEASE, "--namespace", NAMESPACE], arguments].concat();
    run(helm.to_str().unwrap(), &arguments, "").await
}

/// Makes the release the chart with these values (`--set` …) and nothing else, and waits until the operator is ready.
pub async fn upgrade(set: &[&str]) {
    let chart = env::var("RETRYLAB_CHART").expect("RETRYLAB_CHART must be the chart");
    let arguments = [&[&chart, "--install", "--reset-values", "--wait", "--timeout", "60s"], set].concat();
    helm("upgrade", &arguments).await.unwrap();
}

/// What there is of the release, by kind and name; not what is kept when it is uninstalled.
pub async fn of_the_release() -> String {
    // Their kinds are only there while prometheus-operator's definitions are; those always are.
    let kinds = "deployments,pods,services,serviceaccounts,configmaps,roles,rolebindings,clusterroles,clusterrolebindings,\
                 poddisruptionbudgets,networkpolicies,servicemonitors,podmonitors,prometheusrules";
    let of_operator =
        ["--selector", "app.kubernetes.io/name=retrylab-operator", "--all-namespaces", "--output", "name"];
    kubectl(&[&["get", kinds], &of_operator[..]].concat()).await
}

/// Sees to it that the release is as before when the test is over, also when it fails: the other tests want it.
pub struct Restored;

/// Blocking, since it also happens while a test panics.
impl Drop for Restored {
    fn drop(&mut self) {
        let (tools, chart) = (env::var("RETRYLAB_TOOLS").unwrap(), env::var("RETRYLAB_CHART").unwrap());
        let upgrade = ["upgrade", RELEASE, &chart, "--install", "--reset-values", "--wait", "--timeout", "60s"];
        let output = std::process::Command::new(Path::new(&tools).join("helm"))
            .args(upgrade)
            .args(["--namespace", NAMESPACE])
            .output();
        println!("the release was restored: {output:?}");
    }
}
