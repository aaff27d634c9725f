//! The runbook's storm: ten requests in an outage.

use retrylab_core::policy::StrategyName;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Service, client_of, fixed, of_run, pair, plan, until};

async fn ten_at_once(client: &Service, offset_ms: u64) -> Vec<(u16, serde_json::Value)> {
    let mut all = JoinSet::new();
    for serial in 0..10 {
        let client = client.clone();
        all.spawn(async move { client.send(of_run("r", offset_ms, serial)).await });
    }
    all.join_all().await
}

#[tokio::test]
async fn ten_naive_requests_in_an_outage_are_thirty_at_the_backend_by_both_counts() {
    let (client, backend, _server) = pair(5).await;
    let outage = json!({"name": "outage", "at_ms": 0, "for_ms": 60_000,
                        "kind": {"type": "error", "status": 503, "permille": 1000}});
    backend.hand_over(json!({"seed": 7, "duration_ms": 60_000, "faults": [outage]})).await;
    client.hand_over(plan("naive", &serde_json::to_value(StrategyName::Naive.preset()).unwrap(), 5_000)).await;
    until("the outage begins", async || backend.get("/health").await["failure_active"] == true).await;
    for (status, answer) in ten_at_once(&client, 300).await {
        assert_eq!((status, &answer["attempts"], &answer["success"]), (502, &json!(3), &json!(false)));
        assert_eq!(answer["error"], "the backend answered 503: injected failure");
    }
    let (ours, theirs) = (client.client_report().await.results, backend.backend_report().await.results);
    let s = &ours.series;
    assert_eq!((s.requests.total(), s.attempts.total(), s.exhausted.total(), ours.in_flight), (10, 30, 10, 0));
    assert_eq!((s.wire_attempts.total(), s.wire_retries.total()), (30, 20));
    assert_eq!(s.attempts.sum(300, Some(400)), 30, "attempts count by the cohort of their request");
    assert_eq!((theirs.series.received.total(), theirs.series.injected.total()), (30, 30));
    assert_eq!((theirs.faults[0].exposed, theirs.faults[0].affected), (30, 30));
    let status_503 = r#"http_requests_total{endpoint="/process",method="GET",service="backend",status="503"} "#;
    assert_eq!(backend.metric(status_503).await, Some(30.0));
    for (line, value) in [
        (r#"retry_attempts_total{attempt="1",service="client",strategy="naive"} "#, 10.0),
        (r#"retry_attempts_total{attempt="3",service="client",strategy="naive"} "#, 10.0),
        (r#"backend_calls_total{result="failure",service="client"} "#, 30.0),
        (r#"backend_calls_total{result="success",service="client"} "#, 0.0),
        (r#"retrylab_requests_total{arm="r",fate="exhausted",strategy="naive"} "#, 10.0),
        (r#"http_requests_total{endpoint="/process",method="GET",service="client",status="502"} "#, 10.0),
        ("retrylab_requests_in_flight ", 0.0),
    ] {
        assert_eq!(client.metric(line).await, Some(value), "{line}");
    }
}

#[tokio::test]
async fn the_fates_of_a_partial_outage_sum_to_the_requests_and_both_counts_agree() {
    let (client, backend, _server) = pair(1).await;
    let half = json!({"name": "half", "at_ms": 0, "for_ms": 60_000,
                      "kind": {"type": "error", "status": 503, "permille": 500}});
    backend.hand_over(json!({"seed": 7, "duration_ms": 60_000, "faults": [half]})).await;
    client.hand_over(plan("fixed", &fixed(3, 1), 5_000)).await;
    until("the outage begins", async || backend.get("/health").await["failure_active"] == true).await;
    let mut succeeded = 0;
    for serial in 0..200 {
        succeeded += u64::from(client.send(of_run("r", 0, serial)).await.0 == 200);
    }
    let (ours, theirs) = (client.client_report().await.results, backend.backend_report().await.results);
    let s = &ours.series;
    let (ok, later, exhausted) = (s.ok.total(), s.ok_after_retry.total(), s.exhausted.total());
    assert_eq!((ok + later, ok + later + exhausted, s.not_retryable.total()), (succeeded, 200, 0));
    assert_eq!((s.attempts.total(), s.wire_attempts.total()), (theirs.series.received.total(), s.attempts.total()));
    assert_eq!(theirs.series.completed.total(), succeeded);
    assert_eq!(s.attempts.total() - 200, s.wire_retries.total());
    // Binomial with n = 200: 1/2, 3/8 and 1/8 of the requests, within five standard errors.
    assert!((65..=135).contains(&ok) && (41..=109).contains(&later) && (2..=48).contains(&exhausted), "{ours:?}");
}

/// A connection that breaks is an attempt in both books, whether it was new or had been used before. What is swallowed takes
/// its whole timeout; whatever else times out would spoil the counts of successes.
#[tokio::test]
async fn faults_that_leave_no_answer_leave_no_gap_between_the_counts() {
    for (kind, timeout_ms) in [("reset", 10_000), ("refuse", 10_000), ("blackhole", 1_000)] {
        let (client, backend, _server) = pair(1).await;
        let half = json!({"name": "half", "at_ms": 0, "for_ms": 60_000, "kind": {"type": kind, "permille": 500}});
        backend.hand_over(json!({"seed": 7, "duration_ms": 60_000, "faults": [half]})).await;
        client.hand_over(plan("fixed", &fixed(3, 1), timeout_ms)).await;
        until("the window is in effect", async || backend.get("/health").await["failure_active"] == true).await;
        let mut all = JoinSet::new();
        for serial in 0..100 {
            let client = client.clone();
            all.spawn(async move { client.send(of_run("r", 0, serial)).await.0 });
        }
        let succeeded = all.join_all().await.into_iter().filter(|&status| status == 200).count() as u64;
        until("nothing is under way", async || backend.backend_report().await.results.in_flight == 0).await;
        let (ours, theirs) = (client.client_report().await.results.series, backend.backend_report().await.results);
        let (attempts, record) = (ours.attempts.total(), &theirs.faults[0]);
        assert_eq!((attempts, attempts), (theirs.series.received.total(), theirs.series.ended()), "{kind}");
        assert_eq!((record.exposed, record.affected), (attempts, theirs.series.injected.total()), "{kind}");
        assert_eq!(theirs.series.completed.total(), succeeded, "{kind}");
        // Of 100 requests 7/8 are saved by three attempts: five standard errors.
        assert!((71..100).contains(&succeeded), "{kind}: {succeeded}");
    }
}

#[tokio::test]
async fn a_request_whose_caller_has_gone_still_has_its_fate() {
    let (_, backend, server) = pair(0).await;
    let client = client_of(server.address, |_| {});
    client.hand_over(plan("fixed", &fixed(2, 30), 5_000)).await;
    assert_eq!(backend.admin("POST", "/admin/fail", json!({"duration_seconds": 60})).await.0, 200);
    let caller = tokio::spawn({
        let client = client.clone();
        async move { client.send(of_run("r", 0, 1)).await }
    });
    until("it is in backoff", async || client.client_report().await.results.series.attempts.total() == 1).await;
    caller.abort();
    until("it has ended", async || client.client_report().await.results.in_flight == 0).await;
    let series = client.client_report().await.results.series;
    assert_eq!((series.attempts.total(), series.exhausted.total()), (2, 1));
    assert_eq!(backend.metric("retrylab_backend_received_total ").await, Some(2.0));
}
