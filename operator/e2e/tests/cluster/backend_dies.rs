//! A backend dies: what is left of the schedule goes on in its replacement, and the result says that it is partial.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use retrylab_api::{ConditionType, Verdict};
use serde_json::json;

use crate::harness::{Lab, SOON, arm, eventually, kill_pod, window};

#[tokio::test]
async fn killed_in_mid_window_its_replacement_goes_on_and_the_result_is_inconclusive() {
    let lab = Lab::shared().await;
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 20},
        "faults": [{"name": "outage", "at": "2s", "for": "18s", "type": "Error"}],
        "duration": "24s",
        // It would hold: nothing but the evidence keeps this from passing.
        "criteria": [{"name": "lost", "metric": "SuccessRate", "window": "outage", "max": "0.1"}],
    });
    let experiment = lab.experiment("bereft", &spec).await;
    let status = experiment.until_condition(ConditionType::FaultActive, SOON).await;
    let ends_at = status.arms[0].run.starts_at.0 + SignedDuration::from_secs(20);
    experiment.until_offset(Duration::from_secs(4)).await;
    let killed = experiment.ready_pod("backend", "").await.name_any();
    kill_pod(&lab.client, &lab.namespace, &killed).await;

    let replacement = experiment.ready_pod("backend", &killed).await.name_any();
    let (http, token) = (experiment.http("backend").await, experiment.token().await);
    let is_active = async || {
        let (_, status) = http.send("GET", "/admin/status", Some(&token), "").await;
        (status["failure_active"] == true).then(|| status["remaining_seconds"].as_f64().unwrap())
    };
    let remaining = eventually("the fault is active in the replacement", SOON, is_active).await;
    let planned = ends_at.duration_since(Timestamp::now()).as_secs_f64();
    assert!((remaining - planned).abs() < 0.5, "it goes on for {remaining} s, and should for {planned} s");

    let status = experiment.complete(Duration::from_secs(60)).await;
    assert_eq!(status.verdict, Some(Verdict::Inconclusive), "{:?}", status.message);
    assert!(!experiment.succeeded().await);
    let naive = arm(&status, "naive");
    let note = format!("{replacement} took up the run at ");
    let shortcomings = &naive.evidence.as_ref().unwrap().shortcomings;
    assert!(shortcomings.iter().any(|s| s.starts_with(&note)), "{shortcomings:?}");
    assert!(status.message.as_ref().unwrap().contains(&note));
    // What came after the window was served again.
    let recovery = window(naive, "recovery");
    assert!(recovery.requests > 0 && recovery.fates.ok == recovery.requests, "{recovery:?}");
}
