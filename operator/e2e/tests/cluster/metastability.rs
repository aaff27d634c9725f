//! Metastable failures, with the figures of HotOS'21, "Metastable Failures in Distributed Systems", §2.1: a backend that serves
//! 300 requests/s first come, first served and never cancels, clients that give up after 1 s and retry once. Its hidden
//! capacity is 150 requests/s. What happens above and below it are the samples `metastability` and `tipping-point`; here is the
//! way out that lies in the queue.

use std::time::Duration;

use retrylab_api::{RecoveryVerdict, RetryExperimentStatus};
use serde_json::{Value, json};

use crate::harness::{Lab, arm, check_books};

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

fn verdict(status: &RetryExperimentStatus, name: &str) -> RecoveryVerdict {
    let recovery = arm(status, name).recovery.as_ref().unwrap();
    println!("{name}: {:?} {:?}: {}", recovery.verdict, recovery.time_to_recovery, recovery.message);
    recovery.verdict
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
