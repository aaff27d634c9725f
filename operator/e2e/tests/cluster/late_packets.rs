//! Packets are lost near the end of a run: what the kernel sends again when its sender has long given up is still counted.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use crate::harness::{Lab, arm, check_books, in_network_of, window};

#[tokio::test]
async fn an_attempt_that_comes_after_its_client_has_done_with_the_run_is_in_both_books() {
    let lab = Lab::shared().await;
    // The requests of the second burst go out on the idle connections that the first has opened: only the requests themselves
    // are lost, and the client's part is over as soon as it has given them up.
    let spec = json!({
        "arms": [{"name": "none", "strategy": {"type": "None"}}],
        "load": {"bursts": [{"name": "opens", "at": "1s", "requests": 10}, {"name": "is-lost", "at": "5s", "requests": 10}]},
        "duration": "6s",
        "client": {"timeout": "500ms"},
        "backend": {"serviceTime": "50ms"},
    });
    let experiment = lab.experiment("late", &spec).await;
    experiment.until("its start is settled", Duration::from_secs(30), |status| !status.arms.is_empty()).await;
    let (backend, client) = (experiment.ready_pod("backend", "").await, experiment.ready_pod("client", "").await);
    let from = client.status.unwrap().pod_ip.unwrap();
    let rule = |verb: &str| format!("iptables {verb} INPUT --protocol tcp --dport 8001 --source {from} --jump DROP");
    experiment.until_offset(Duration::from_secs(3)).await;
    in_network_of(&backend, &rule("--append")).await;
    experiment.until_offset(Duration::from_millis(7_500)).await;
    in_network_of(&backend, &rule("--delete")).await;
    let whole_again = Timestamp::now();

    let status = experiment.complete(Duration::from_secs(60)).await;
    check_books(&status);
    let none = arm(&status, "none");
    assert!(none.finished_at.as_ref().unwrap().0 > whole_again, "{}: it waited", backend.name_any());
    let total = window(none, "total");
    assert_eq!((total.requests, total.attempts, total.fates.ok, total.fates.exhausted), (20, 20, 10, 10));
}
