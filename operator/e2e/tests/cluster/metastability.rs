//! Metastable failures, with the figures of HotOS'21, "Metastable Failures in Distributed Systems", §2.1: a backend that serves
//! 300 requests/s first come, first served and never cancels, clients that give up after 1 s and retry once. Its hidden
//! capacity is 150 requests/s. What happens above and below it are the samples `metastability` and `tipping-point`; here is the
//! way out that lies in the queue.

use std::time::Duration;

use retrylab_api::RecoveryVerdict;
use serde_json::{Value, json};

use crate::harness::{Lab, arm, check_books};

/// A run, its drain and its deployment.
const ARM_MAX: Duration = Duration::from_secs(100);

/// One retry under 200 requests/s: nothing works for 5 s, then everything as before, for 30 s. `backend` is what differs from
/// a queue that is first in, first out and as long as it gets.
fn outage(backend: &Value) -> Value {
    let mut spec = json!({
        "arms": [{"name": "one-retry", "strategy": {"type": "Naive", "naive": {"maxAttempts": 2}}}],
        "load": {"rate": 200},
        "faults": [{"name": "outage", "at": "5s", "for": "5s", "type": "Freeze"}],
        "duration": "40s",
        "client": {"timeout": "1s"},
        "backend": {"concurrency": 3, "serviceTime": "10ms", "queue": 4000},
    });
    spec["backend"].as_object_mut().unwrap().extend(backend.as_object().unwrap().clone());
    spec
}

#[tokio::test]
async fn a_short_queue_or_last_in_first_out_brings_the_same_load_back_at_once() {
    for (name, backend) in [("short", json!({"queue": 100})), ("lifo", json!({"discipline": "LIFO"}))] {
        let lab = Lab::alone().await;
        let status = lab.experiment(name, &outage(&backend)).await.complete(ARM_MAX).await;
        check_books(&status);
        let recovery = arm(&status, "one-retry").recovery.as_ref().unwrap();
        assert_eq!(recovery.verdict, RecoveryVerdict::Recovered, "{name}: {}", recovery.message);
        let back = recovery.time_to_recovery.as_deref().unwrap();
        assert!(["0s", "1s", "2s"].contains(&back), "{name}: {back}");
    }
}
