//! Reports: what the operator serves is what the status says, while a run goes on, after it, and when its workloads are gone.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, ResourceExt};
use retrylab_api::{ConditionType, Phase, Verdict};
use retrylab_report::{Report, Source};
use serde_json::json;

use crate::harness::{AuditLog, Experiment, Http, Lab, OPERATOR_USER, PortForward, SOON, eventually, kubectl, window};

const OPERATOR: (&str, &str) = ("retrylab-system", "svc/retrylab-operator");

/// Two arms of 3 s, with an outage of one.
async fn two_arms(lab: &Lab) -> Experiment {
    let spec = json!({
        "arms": [{"name": "none", "strategy": {"type": "None"}}, {"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 40},
        "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
        "duration": "3s",
    });
    lab.experiment("reported", &spec).await
}

#[tokio::test]
async fn a_report_through_a_port_forward_has_the_numbers_of_the_status() {
    let lab = Lab::shared().await;
    let log = AuditLog::from_now();
    let experiment = two_arms(&lab).await;
    let forward = PortForward::new(OPERATOR.0, OPERATOR.1, 8080).await;
    let place = format!("/reports/{}/reported", lab.namespace);
    experiment.until("an arm runs", SOON, |status| status.phase == Some(Phase::Running)).await;
    let page = forward.http.get(&place).await;
    assert!(page.as_str().unwrap().contains("there is no verdict yet"), "{page}");

    let status = experiment.complete(Duration::from_secs(60)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    experiment.until_nothing_remains(SOON).await;
    let served = async || {
        let (code, document) = forward.http.send("GET", &format!("{place}.json"), None, "").await;
        assert_eq!(code, 200, "{document}");
        serde_json::from_value::<Report>(document).unwrap()
    };
    // The operator's cache may be a moment behind the API server.
    let status = experiment.until_condition(ConditionType::Succeeded, SOON).await;
    let is_up_to_date = async || Some(served().await).filter(|report| report.status == status);
    let report = eventually("the report has the status", SOON, is_up_to_date).await;
    assert_eq!((report.source, report.series.len()), (Source::Cluster, 2));
    let page = forward.http.get(&place).await;
    let markdown = forward.http.get(&format!("{place}.md")).await;
    for (arm, series) in status.arms.iter().zip(&report.series) {
        let total = window(arm, "total");
        let sum = |column: &[u64]| column.iter().sum::<u64>();
        assert_eq!(series.arm, arm.name);
        assert_eq!(sum(&series.arrivals), total.requests, "{}", arm.name);
        assert_eq!(sum(&series.attempts), total.wire_attempts, "{}", arm.name);
        assert_eq!(sum(&series.received), total.backend_requests, "{}", arm.name);
        assert_eq!(sum(&series.goodput), total.fates.ok + total.fates.ok_after_retry, "{}", arm.name);
        let amplification = window(arm, "outage").amplification.as_ref().unwrap();
        assert!(page.as_str().unwrap().contains(&format!(">{amplification}<")), "{amplification}");
        assert!(markdown.as_str().unwrap().contains(&format!("| {amplification} |")), "{amplification}");
    }
    let list = forward.http.get("/reports/").await;
    assert!(list.as_str().unwrap().contains(&format!("href=\"{place}\"")));
    is_kept_once_for_each_arm(&lab, &experiment, &log).await;
}

/// The timelines are in a `ConfigMap` that belongs to the experiment, and took one write for each arm.
async fn is_kept_once_for_each_arm(lab: &Lab, experiment: &Experiment, log: &AuditLog) {
    let maps: Api<ConfigMap> = Api::namespaced(lab.client.clone(), &lab.namespace);
    let name = experiment.status().await.report_ref.unwrap().name;
    let kept = maps.get(&name).await.unwrap();
    assert_eq!(kept.owner_references()[0].uid, experiment.api.get("reported").await.unwrap().uid().unwrap());
    assert_eq!(kept.data.unwrap().into_keys().collect::<Vec<_>>(), ["naive.json", "none.json"]);
    let ours = log.writes().into_iter().filter(|w| w.user == OPERATOR_USER && w.namespace == lab.namespace);
    let all: Vec<_> = ours.map(|write| write.what).collect();
    let of_maps: Vec<_> = all.iter().filter(|what| what.contains("configmaps")).collect();
    println!("{} writes of the operator for two arms", all.len());
    assert_eq!(of_maps, ["create configmaps reported-report", "patch configmaps reported-report"]);

    experiment.api.delete("reported", &kube::api::DeleteParams::default()).await.unwrap();
    eventually("the timelines go with their experiment", SOON, async || {
        maps.get_opt(&name).await.unwrap().is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_caller_in_the_cluster_is_told_how_to_get_a_report_and_gets_none() {
    let lab = Lab::shared().await;
    let services: Api<Service> = Api::namespaced(lab.client.clone(), OPERATOR.0);
    let address = services.get("retrylab-operator").await.unwrap().spec.unwrap().cluster_ip.unwrap();
    let http = Http::new(&format!("http://{address}:8080"));
    // The node may learn of the Service's endpoints a moment after the operator is ready.
    let leads = async || http.try_send("GET", "/healthz", None, "").await.ok().filter(|answer| answer.0 == 200);
    eventually("the Service leads to the operator", SOON, leads).await;
    for path in ["/reports/", "/reports/default/comparison", "/reports/default/comparison.json"] {
        let (code, said) = http.send("GET", path, None, "").await;
        assert_eq!(code, 403, "{path}: {said}");
        assert!(said.as_str().unwrap().contains("port-forward"), "{said}");
    }
    let forward = PortForward::new(OPERATOR.0, OPERATOR.1, 8080).await;
    let (code, page) = forward.http.send("GET", &format!("/reports/{}/none", lab.namespace), None, "").await;
    assert_eq!(code, 404);
    assert!(page.as_str().unwrap().contains("There is no such report"), "{page}");
}

#[tokio::test]
async fn a_config_map_of_the_name_that_is_somebody_else_s_is_in_the_way_and_named() {
    let lab = Lab::shared().await;
    let namespace = ["--namespace", lab.namespace.as_str()];
    kubectl(&["create", "configmap", "reported-report", "--from-literal=mine=1", namespace[0], namespace[1]]).await;
    let experiment = two_arms(&lab).await;
    let says = |status: &retrylab_api::RetryExperimentStatus| {
        let ready = status.conditions.iter().find(|c| c.type_ == ConditionType::WorkloadsReady.as_str());
        ready.is_some_and(|c| c.message.contains("reported-report is there and is not this experiment's"))
    };
    experiment.until("the ConfigMap is named", SOON, says).await;
    kubectl(&["delete", "configmap", "reported-report", namespace[0], namespace[1]]).await;
    experiment.until_condition(ConditionType::WorkloadsReady, SOON).await;
}
