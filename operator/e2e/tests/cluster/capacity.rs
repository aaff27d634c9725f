//! The backend's capacity and its faults reach the pods as the spec says, and are seen in the figures.

use std::time::Duration;

use retrylab_api::Verdict;
use serde_json::json;

use crate::harness::{Lab, SOON, arm, check_books, window};

/// Two workers of 90 ms are free again with the fourth arrival of 25 ms: of 40 requests/s, every second one is served.
#[tokio::test]
async fn a_backend_of_two_workers_and_no_queue_serves_what_they_can_and_turns_the_rest_away() {
    let lab = Lab::shared().await;
    let spec = json!({
        "arms": [{"name": "none", "strategy": {"type": "None"}}],
        "load": {"rate": 40, "arrivals": "Uniform"},
        "backend": {"concurrency": 2, "serviceTime": "90ms", "queue": 0},
        "duration": "10s",
    });
    let status = lab.experiment("capacity", &spec).await.complete(SOON).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    let total = window(arm(&status, "none"), "total");
    assert_eq!((total.requests, total.attempts), (400, 400));
    let served = f64::from(u32::try_from(total.fates.ok).unwrap()) / 400.0;
    // A worker that is late by more than 10 ms misses an arrival, and serves one of five instead of one of four.
    assert!((0.45..=0.5).contains(&served), "{served} of the requests were served");
    let p50: f64 = arm(&status, "none").latency.as_ref().unwrap().p50.parse().unwrap();
    assert!(p50 < 100.0, "a request that is turned away doesn't wait, and one that is served takes 90 ms: {p50} ms");
}

/// Added latency beyond the client's timeout makes every attempt fail; a freeze holds requests until it ends.
#[tokio::test]
async fn latency_and_freeze_windows_are_delivered_on_two_backends_and_two_clients() {
    let lab = Lab::shared().await;
    let fault = |name, at, kind| json!({"name": name, "at": at, "for": "3s", "type": kind});
    let mut slow = fault("slow", "2s", "Latency");
    slow["latency"] = json!("2s");
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive", "naive": {"maxAttempts": 2}}}],
        "load": {"rate": 40},
        "faults": [slow, fault("frozen", "10s", "Freeze")],
        "client": {"replicas": 2, "timeout": "1s"},
        "backend": {"replicas": 2},
        "duration": "18s",
    });
    let status = lab.experiment("slow", &spec).await.complete(Duration::from_secs(90)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    let arm = arm(&status, "naive");
    assert_eq!(arm.evidence.as_ref().unwrap().fault_delivered.as_deref(), Some("1.000"));
    for name in ["slow", "frozen"] {
        let fault = window(arm, name);
        // Two attempts of a second each: who came in the first second of three has none that outlives the window.
        let lost = fault.fates.exhausted * 3;
        assert!(lost > fault.requests / 2, "{name}: {:?} of {}", fault.fates, fault.requests);
        assert!(fault.wire_attempts > fault.requests, "{name}: {fault:?}");
    }
}
