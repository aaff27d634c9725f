//! Deletion at any moment: everything goes.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams, runtime::wait::await_condition};
use retrylab_api::{ConditionType, Verdict};
use serde_json::{Value, json};

use crate::harness::{Lab, PortForward, SOON, check_books, eventually};

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

#[tokio::test]
async fn an_experiment_deleted_in_mid_window_leaves_nothing_within_30_s() {
    let lab = Lab::shared().await;
    lab.until_experiments_are_collected().await;
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
async fn the_series_of_an_experiment_go_with_it() {
    let lab = Lab::shared().await;
    let operator = PortForward::new("retrylab-system", "service/retrylab-operator", 8080).await;
    let series = async || {
        let said = operator.http.get("/metrics").await.as_str().unwrap().to_owned();
        let mine = format!("namespace=\"{}\"", lab.namespace);
        said.lines().filter(|line| line.contains(&mine)).map(str::to_owned).collect::<Vec<_>>()
    };
    let quick =
        json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 10}, "duration": "2s"});
    let experiment = lab.experiment("counted", &quick).await;
    experiment.complete(SOON).await;
    for metric in ["retrylab_experiment_info{", "retrylab_arm_amplification{"] {
        let is_there = async || series().await.into_iter().find(|line| line.starts_with(metric));
        println!("{}", eventually(metric, SOON, is_there).await);
    }
    experiment.api.delete(&experiment.name, &DeleteParams::default()).await.unwrap();
    eventually("its series are gone", SOON, async || series().await.is_empty().then_some(())).await;
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
    lab.until_experiments_are_collected().await;
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
