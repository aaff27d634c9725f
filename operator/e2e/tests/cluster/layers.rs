//! Clients in a chain: attempts multiply from one to the next.

use serde_json::json;

use crate::harness::{Lab, SOON, arm, check_books, window};

#[tokio::test]
async fn three_attempts_in_each_of_three_clients_are_twenty_seven_at_the_backend() {
    let lab = Lab::shared().await;
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "client": {"layers": 3},
        "load": {"bursts": [{"name": "ten", "at": "1s", "requests": 10}]},
        "faults": [{"name": "outage", "at": "500ms", "for": "2500ms", "type": "Error"}],
        "duration": "4s",
    });
    let status = lab.experiment("layers", &spec).await.complete(SOON).await;
    check_books(&status);
    let outage = window(arm(&status, "naive"), "outage");
    assert_eq!(outage.layer_attempts, [30, 90, 270]);
    assert_eq!((outage.requests, outage.attempts, outage.backend_requests), (10, 270, 270));
    assert_eq!((outage.amplification.as_deref(), outage.fates.exhausted), (Some("27.000"), 10));
}
