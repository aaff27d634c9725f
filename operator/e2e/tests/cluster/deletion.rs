//! Deletion at any moment: everything goes.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams, runtime::wait::await_condition};
use retrylab_api::{ConditionType, Verdict};
use serde_json::{Value, json};

use crate::harness::{Lab, SOON, check_books};

/// How long the deletion of a namespace may take; its pods have 5 s to end, and the controllers work in turns.
const NAMESPACE_GONE: Duration = Duration::from_secs(60);

fn long_outage() -> Value {
    json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 20},
        "faults": [{"name": "outage", "at": "1s", "for": "100s", "type": "Error"}],
        "duration": "120s",
    })
}

/// Kubernetes' garbage collector takes up to half a minute to notice a kind that has just been defined, and collects
/// nothing of it before. In a cluster as fresh as this one, that is waited for with an experiment that doesn't count.
async fn until_experiments_are_collected(lab: &Lab) {
    let mut suspended = long_outage();
    suspended["suspend"] = json!(true);
    let experiment = lab.experiment("canary", &suspended).await;
    experiment.until_condition(ConditionType::Paused, SOON).await;
    experiment.api.delete(&experiment.name, &DeleteParams::default()).await.unwrap();
    experiment.until_nothing_remains(Duration::from_secs(90)).await;
}

#[tokio::test]
async fn an_experiment_deleted_in_mid_window_leaves_nothing_within_30_s() {
    let lab = Lab::shared().await;
    until_experiments_are_collected(&lab).await;
    let experiment = lab.experiment("deleted", &long_outage()).await;
    experiment.until_condition(ConditionType::FaultActive, SOON).await;
    let before = experiment.remains().await;
    for kind in ["deployment.apps/", "replicaset.apps/", "pod/", "service/", "secret/"] {
        assert!(before.contains(kind), "no {kind} in {before}");
    }
    let begun = Instant::now();
    experiment.api.delete(&experiment.name, &DeleteParams::default()).await.unwrap();
    experiment.until_nothing_remains(Duration::from_secs(30)).await;
    println!("everything was gone after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_namespace_can_be_deleted_in_mid_window() {
    let lab = Lab::shared().await;
    let experiment = lab.experiment("swept", &long_outage()).await;
    experiment.until_condition(ConditionType::FaultActive, SOON).await;
    let namespaces: Api<Namespace> = Api::all(lab.client.clone());
    let begun = Instant::now();
    namespaces.delete(&lab.namespace, &DeleteParams::default()).await.unwrap();
    let gone = await_condition(namespaces, &lab.namespace, |seen: Option<&Namespace>| seen.is_none());
    tokio::time::timeout(NAMESPACE_GONE, gone).await.expect("the namespace must be gone").unwrap();
    println!("the namespace was gone after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_namesake_that_follows_at_once_is_measured_on_pods_of_its_own() {
    let lab = Lab::shared().await;
    until_experiments_are_collected(&lab).await;
    let first = lab.experiment("phoenix", &long_outage()).await;
    first.until_condition(ConditionType::FaultActive, SOON).await;
    first.api.delete(&first.name, &DeleteParams::default()).await.unwrap();
    let quick =
        json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 10}, "duration": "2s"});
    let second = lab.experiment("phoenix", &quick).await;
    let status = second.complete(Duration::from_secs(60)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
}
