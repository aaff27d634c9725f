//! Metastable failures, with the figures of HotOS'21, "Metastable Failures in Distributed Systems", §2.1: a backend that serves
//! 300 requests/s first come, first served and never cancels, clients that give up after 1 s and retry once. Its hidden
//! capacity is 150 requests/s.

use std::time::Duration;

use retrylab_api::{RecoveryVerdict, RetryExperimentStatus, WindowStatus};
use serde_json::{Value, json};

use crate::harness::{Lab, arm, check_books, window};

/// A run, its drain and its deployment.
const ARM_MAX: Duration = Duration::from_secs(100);

/// Nothing works for 5 s, then everything as before, for 30 s. `backend` is what differs from a queue that is first in,
/// first out and as long as it gets.
fn outage(rate: u32, arms: &Value, backend: &Value) -> Value {
    let mut spec = json!({
        "arms": arms,
        "load": {"rate": rate},
        "faults": [{"name": "outage", "at": "5s", "for": "5s", "type": "Freeze"}],
        "duration": "40s",
        "client": {"timeout": "1s"},
        "backend": {"concurrency": 3, "serviceTime": "10ms", "queue": 4000},
    });
    spec["backend"].as_object_mut().unwrap().extend(backend.as_object().unwrap().clone());
    spec
}

fn one_retry() -> Value {
    json!({"name": "one-retry", "strategy": {"type": "Naive", "naive": {"maxAttempts": 2}}})
}

async fn results(name: &str, spec: Value) -> RetryExperimentStatus {
    let lab = Lab::alone().await;
    let arms = spec["arms"].as_array().unwrap().len() as u32;
    let status = lab.experiment(name, &spec).await.complete(ARM_MAX * arms).await;
    check_books(&status);
    status
}

fn figure(shown: Option<&str>) -> f64 {
    shown.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{shown:?} is no figure"))
}

fn verdict(status: &RetryExperimentStatus, name: &str) -> RecoveryVerdict {
    let recovery = arm(status, name).recovery.as_ref().unwrap();
    println!("{name}: {:?} {:?}: {}", recovery.verdict, recovery.time_to_recovery, recovery.message);
    recovery.verdict
}

fn recovery<'s>(status: &'s RetryExperimentStatus, name: &str) -> &'s WindowStatus {
    window(arm(status, name), "recovery")
}

#[tokio::test]
async fn above_the_hidden_capacity_one_retry_keeps_the_backend_down_and_a_budget_or_none_lets_it_come_back() {
    let none = json!({"name": "none", "strategy": {"type": "None"}});
    let budget = json!({"name": "budget",
        "strategy": {"type": "Naive", "naive": {"maxAttempts": 2}, "budget": {"percent": 10}}});
    let status = results("metastable", outage(200, &json!([one_retry(), none, budget]), &json!({}))).await;
    let stuck = recovery(&status, "one-retry");
    assert_eq!(verdict(&status, "one-retry"), RecoveryVerdict::MetastableSuspected);
    assert_eq!(stuck.fates.ok + stuck.fates.ok_after_retry, 0, "goodput is 0 for good");
    assert!((figure(stuck.wire_amplification.as_deref()) - 2.0).abs() < 0.1, "each request is sent twice: {stuck:?}");
    assert!(figure(stuck.wasted_work.as_deref()) > 0.99, "and everything that is served is served for nobody");
    assert_eq!(verdict(&status, "none"), RecoveryVerdict::Recovered);
    assert_eq!(verdict(&status, "budget"), RecoveryVerdict::Recovered);
    assert!(figure(window(arm(&status, "budget"), "total").amplification.as_deref()) <= 1.1);
}

#[tokio::test]
async fn below_the_hidden_capacity_one_retry_comes_back() {
    let status = results("below", outage(100, &json!([one_retry()]), &json!({}))).await;
    assert_eq!(verdict(&status, "one-retry"), RecoveryVerdict::Recovered);
}

#[tokio::test]
async fn a_short_queue_or_last_in_first_out_brings_the_same_load_back_at_once() {
    for (name, backend) in [("short", json!({"queue": 100})), ("lifo", json!({"discipline": "LIFO"}))] {
        let status = results(name, outage(200, &json!([one_retry()]), &backend)).await;
        assert_eq!(verdict(&status, "one-retry"), RecoveryVerdict::Recovered, "{name}");
        let back = arm(&status, "one-retry").recovery.as_ref().unwrap().time_to_recovery.as_deref();
        assert!(["0s", "1s", "2s"].contains(&back.unwrap()), "{name}: {back:?}");
    }
}
