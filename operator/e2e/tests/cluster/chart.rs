//! The chart, as its users have it: tested, uninstalled and installed again, and held to one namespace.

use std::{env, time::Duration};

use retrylab_api::{ConditionType, Phase, Verdict};
use serde_json::{Value, json};

use crate::{
    harness::{
        Experiment, Lab, Restored, SOON, check_books, eventually, helm, kubectl, kubectl_with_input, manifest,
        of_the_release, try_kubectl, upgrade,
    },
    monitoring::MONITORED,
};

/// An experiment that is over within some seconds.
pub fn quick() -> Value {
    json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 10}, "duration": "2s"})
}

/// One that outlasts a change of the release.
pub fn lasting() -> Value {
    json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 20},
        "faults": [{"name": "outage", "at": "5s", "for": "15s", "type": "Error"}],
        "duration": "30s",
    })
}

/// The whole object, to the last bit.
pub async fn stored(experiment: &Experiment) -> String {
    kubectl(&["get", "rx", &experiment.name, "--namespace", &experiment.namespace, "--output", "yaml"]).await
}

#[tokio::test]
async fn helm_test_passes_in_a_namespace_that_enforces_the_standard_restricted() {
    let _lab = Lab::shared().await;
    let enforced = kubectl(&["get", "namespace", "retrylab-system", "--output", "yaml"]).await;
    assert!(enforced.contains("pod-security.kubernetes.io/enforce: restricted"), "{enforced}");
    let said = helm("test", &["--logs", "--timeout", "3m"]).await.unwrap();
    assert!(said.contains("retrylab-system/retrylab-test has passed: "), "{said}");
    // The rights were for the test; its results stay until the next one.
    let left = kubectl(&["get", "rx,role,rolebinding", "--namespace", "retrylab-system", "--output", "name"]).await;
    assert_eq!(left.trim(), "retryexperiment.retrylab.dev/retrylab-test");
}

#[tokio::test]
async fn helm_test_fails_and_says_why_when_its_experiment_does_not_pass() {
    let _lab = Lab::alone().await;
    let experiment = ["rx", "retrylab-test", "--namespace", "retrylab-system"];
    kubectl(&[&["delete", "--ignore-not-found"], &experiment[..]].concat()).await;
    let abort = [&["patch", "--type", "merge", "--patch", r#"{"spec": {"abort": true}}"#], &experiment[..]].concat();
    let aborted = eventually("the test's experiment is there", SOON, async || try_kubectl(&abort).await.ok());
    let (said, _) = tokio::join!(helm("test", &["--logs", "--timeout", "3m"]), aborted);
    let said = said.expect_err("an experiment that was aborted has not passed");
    assert!(said.contains("retrylab-system/retrylab-test ended with the verdict Aborted"), "{said}");
}

#[tokio::test]
async fn a_release_of_the_same_name_goes_into_another_namespace_without_the_definition() {
    let lab = Lab::shared().await;
    let (chart, watched) = (env::var("RETRYLAB_CHART").unwrap(), format!("watchNamespaces={{{}}}", lab.namespace));
    let with = async |crds: &str| {
        let crds = format!("crds.enabled={crds}");
        helm("install", &[&chart, "--namespace", &lab.namespace, "--set", &watched, "--set", &crds]).await
    };
    let said = with("true").await.expect_err("the definition is the first release's");
    assert!(said.contains("retryexperiments.retrylab.dev") && said.contains("ownership"), "{said}");
    with("false").await.unwrap();
    helm("uninstall", &["--namespace", &lab.namespace]).await.unwrap();
}

/// The release with every option, for one namespace: an object of each kind that it can have, but for those of an operator for all.
async fn everything_on(namespace: &str) {
    let watched = format!("watchNamespaces={{{namespace}}}");
    let options = ["podDisruptionBudget.enabled=true", "networkPolicy.enabled=true", &watched];
    let set = options.iter().flat_map(|option| ["--set", option]);
    upgrade(&set.chain(MONITORED).collect::<Vec<_>>()).await;
    let there = of_the_release().await;
    for kind in [
        "deployment.apps/",
        "pod/",
        "service/",
        "serviceaccount/",
        "configmap/",
        "role.rbac.authorization.k8s.io/",
        "rolebinding.rbac.authorization.k8s.io/",
        "clusterrole.rbac.authorization.k8s.io/",
        "poddisruptionbudget.policy/",
        "networkpolicy.networking.k8s.io/",
        "servicemonitor.monitoring.coreos.com/",
        "podmonitor.monitoring.coreos.com/",
        "prometheusrule.monitoring.coreos.com/",
    ] {
        assert!(there.lines().any(|line| line.starts_with(kind)), "no {kind} in {there}");
    }
}

#[tokio::test]
async fn uninstalling_leaves_experiments_that_can_be_deleted_and_installing_again_takes_them_up() {
    let lab = Lab::alone().await;
    let restored = Restored;
    everything_on(&lab.namespace).await;
    let finished = lab.experiment("finished", &quick()).await;
    finished.complete(SOON).await;
    finished.until_nothing_remains(SOON).await;
    let before = stored(&finished).await;
    let running = lab.experiment("running", &lasting()).await;
    let deleted = lab.experiment("deleted", &lasting()).await;
    for experiment in [&running, &deleted] {
        experiment.until_condition(ConditionType::FaultActive, SOON).await;
    }
    helm("uninstall", &["--wait", "--timeout", "60s"]).await.unwrap();
    // Its pod has some seconds to end.
    eventually("all of the operator is gone", SOON, async || of_the_release().await.is_empty().then_some(())).await;
    assert_eq!(stored(&finished).await, before);
    // As the notes say: with nobody there, one that is not over stays as it is, pods and all.
    assert!(running.remains().await.contains("pod/"));
    assert_eq!(running.status().await.verdict, None);
    // Nobody has to be there for an experiment to go.
    deleted.api.delete(&deleted.name, &kube::api::DeleteParams::default()).await.unwrap();
    deleted.until_nothing_remains(SOON).await;
    drop(restored);
    let status = running.complete(Duration::from_secs(90)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    assert_eq!(stored(&finished).await, before);
}

#[tokio::test]
async fn an_operator_for_one_namespace_runs_its_experiments_and_no_others() {
    let (lab, elsewhere) = (Lab::alone().await, "retrylab-elsewhere");
    let _restored = Restored;
    try_kubectl(&["create", "namespace", elsewhere]).await.unwrap();
    upgrade(&["--set", &format!("watchNamespaces={{{}}}", lab.namespace)]).await;
    let account = "--as=system:serviceaccount:retrylab-system:retrylab-operator";
    let may = async |namespace: &str| {
        try_kubectl(&["auth", "can-i", "create", "deployments", "--namespace", namespace, account]).await.is_ok()
    };
    assert!(may(&lab.namespace).await && !may(elsewhere).await);
    let stranger = manifest("stranger", &quick()).to_string();
    kubectl_with_input(&["apply", "--namespace", elsewhere, "--filename", "-"], &stranger).await;
    let mine = lab.experiment("mine", &quick()).await;
    let status = mine.complete(SOON).await;
    assert_eq!(status.phase, Some(Phase::Complete));
    let shown = kubectl(&["get", "rx", "stranger", "--namespace", elsewhere, "--output", "yaml"]).await;
    assert!(!shown.contains("phase:") && !shown.contains("conditions:"), "{shown}");
    kubectl(&["delete", "namespace", elsewhere, "--wait=false"]).await;
}
