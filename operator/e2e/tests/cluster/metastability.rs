//! Metastable failures, with the figures of HotOS'21, "Metastable Failures in Distributed Systems", §2.1: a backend that serves
//! 300 requests/s first come, first served and never cancels, clients that give up after 1 s and retry once. Its hidden
//! capacity is 150 requests/s. What happens above and below it are the samples `metastability` and `tipping-point`; here is the
//! way out that lies in the queue.

use std::time::Duration;

use retrylab_api::FatesStatus;
use serde_json::{Value, json};

use crate::harness::{Lab, arm, check_books, window};

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

/// Goodput is back at once. How long p99 takes is another matter, with LIFO: what waits at the bottom is served, for nobody,
/// whenever a worker is free, and now and then a new request waits for that. In a quarter of simulations with other seeds that
/// keeps p99 above the baseline's for the whole run.
#[tokio::test]
async fn a_short_queue_or_last_in_first_out_brings_the_same_load_back_at_once() {
    for (name, backend) in [("short", json!({"queue": 100})), ("lifo", json!({"discipline": "LIFO"}))] {
        let lab = Lab::alone().await;
        let status = lab.experiment(name, &outage(&backend)).await.complete(ARM_MAX).await;
        check_books(&status);
        let arm = arm(&status, "one-retry");
        println!("{name}: {:?}", arm.recovery);
        let FatesStatus { ok, ok_after_retry, .. } = window(arm, "recovery").fates;
        let requests = window(arm, "recovery").requests;
        assert!((ok + ok_after_retry) * 100 >= requests * 99, "{name}: {ok} and {ok_after_retry} of {requests}");
    }
}
