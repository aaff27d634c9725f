//! From the previous version to this one, as its users do it. Of the previous version there are its charts, with the
//! definition and the rights that it had, and what it wrote into a status: `previous/README.md`.

use std::time::Duration;

use retrylab_api::{ConditionType, Verdict};
use retrylab_report::Report;
use serde_json::Value;

use crate::{
    chart::{lasting, quick, stored},
    harness::{
        Experiment, Lab, PortForward, Restored, SOON, check_books, eventually, helm, kubectl, kubectl_with_input,
        manifest, try_kubectl, upgrade, window,
    },
};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/previous/retrylab-0.1.0.tgz");
/// An experiment that the previous version has run, as `kubectl get` showed it.
const FINISHED: &str = include_str!("../../previous/finished.yaml");

/// A field of the definition that the previous version didn't have.
const NEW_FIELD: &str = "reportRef";

#[tokio::test]
async fn from_the_previous_version_results_stay_and_are_shown_and_what_runs_goes_on() {
    let lab = Lab::alone().await;
    let _restored = Restored;
    helm("uninstall", &["--wait", "--timeout", "60s"]).await.unwrap();
    helm("install", &[CHART, "--wait", "--timeout", "60s"]).await.unwrap();
    assert!(!definition().await.contains(NEW_FIELD), "the previous definition is in force");
    let finished = left_by_the_previous_version(&lab).await;
    let (before, running) = (stored(&finished).await, lab.experiment("running", &lasting()).await);
    running.until_condition(ConditionType::FaultActive, SOON).await;

    upgrade(&["--set", "workloads.labels.upgraded=yes"]).await;
    assert!(definition().await.contains(NEW_FIELD), "the definition is upgraded along with the operator");
    let status = running.complete(Duration::from_secs(90)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    // It ended under the new version, which keeps timelines and may.
    assert!(status.report_ref.is_some());
    assert_eq!(stored(&finished).await, before);
    is_shown(&finished).await;
    let role = try_kubectl(&["get", "clusterrole", "retrylab-operator"]).await;
    assert!(role.is_err_and(|said| said.contains("not found")), "the previous version's role is gone");

    let next = lab.experiment("next", &quick()).await;
    let labelled = async || next.pods("client").await.pop()?.metadata.labels?.remove("upgraded");
    assert_eq!(eventually("the label of the new release", SOON, labelled).await, "yes");
    next.complete(SOON).await;
}

async fn definition() -> String {
    let definition = ["get", "customresourcedefinition", "retryexperiments.retrylab.dev", "--output", "yaml"];
    kubectl(&definition).await
}

/// An experiment that is over, with the status that the previous version has left. This version's program ran it, and leaves
/// what is over as it finds it.
async fn left_by_the_previous_version(lab: &Lab) -> Experiment {
    let left: Value = serde_saphyr::from_str(FINISHED).unwrap();
    let mut object = manifest("finished", &left["spec"]);
    let experiment = lab.apply(&object.to_string()).await;
    experiment.complete(Duration::from_secs(60)).await;
    experiment.until_nothing_remains(SOON).await;
    object["status"] = left["status"].clone();
    let replace = ["replace", "--subresource=status", "--namespace", &lab.namespace, "--filename", "-"];
    kubectl_with_input(&replace, &object.to_string()).await;
    let there: Value = serde_saphyr::from_str(&stored(&experiment).await).unwrap();
    assert_eq!(there["status"], left["status"], "the previous definition has all that the previous version wrote");
    experiment
}

/// What it found is among the metrics and in its report, which is in the list.
async fn is_shown(finished: &Experiment) {
    let (Experiment { name, namespace, .. }, status) = (finished, finished.status().await);
    let forward = PortForward::new("retrylab-system", "svc/retrylab-operator", 8080).await;
    let place = format!("/reports/{namespace}/{name}");
    let text = async |path: &str| forward.http.get(path).await.as_str().unwrap_or_default().to_owned();
    let (list, page, markdown) = (text("/reports/").await, text(&place).await, text(&format!("{place}.md")).await);
    let report: Report = serde_json::from_value(forward.http.get(&format!("{place}.json")).await).unwrap();
    let metrics = text("/metrics").await;
    assert!(list.contains(&format!("href=\"{place}\"")), "{list}");
    assert_eq!((&report.status, report.series.len()), (&status, 0));
    for arm in &status.arms {
        let amplification = window(arm, "total").amplification.as_deref().unwrap();
        assert!(page.contains(&format!(">{amplification}<")), "{}: {amplification}", arm.name);
        assert!(markdown.contains(&format!("| {amplification} |")), "{}: {amplification}", arm.name);
        let series =
            format!(r#"retrylab_arm_amplification{{arm="{}",experiment="{name}",namespace="{namespace}"}} "#, arm.name);
        let shown = metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse::<f64>().ok());
        assert_eq!(shown, amplification.parse().ok(), "{series}");
    }
}
