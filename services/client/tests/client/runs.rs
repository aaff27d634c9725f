//! Runs: what is in force, what is counted, and what is foreign.

use std::time::{Duration, Instant};

use retrylab_core::wire::RunState;
use serde_json::json;

use crate::support::{client_of, fixed, of_run, pair, plan, until};

#[tokio::test]
async fn a_plan_is_in_force_when_it_is_handed_over_with_its_timeout() {
    let (client, _backend, _server) = pair(60).await;
    let mut starts_later = plan("fixed", &fixed(2, 0), 5);
    starts_later["duration_ms"] = json!(1_000);
    let body = json!({"starts_in_ms": 60_000, "plan": starts_later});
    assert_eq!(client.admin("PUT", "/admin/runs/r", body).await.0, 201);
    assert_eq!(client.get("/admin/strategy").await, json!({"strategy": "fixed", "policy": fixed(2, 0)}));
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["error"]), (502, &json!("no answer within 5 ms")));
    assert_eq!(answer["attempts"], 2);
}

#[tokio::test]
async fn a_change_of_strategy_is_for_requests_that_arrive_later_and_is_noted() {
    let (_, backend, server) = pair(0).await;
    let client = client_of(server.address, |_| {});
    client.hand_over(plan("fixed", &fixed(2, 40), 5_000)).await;
    assert_eq!(backend.admin("POST", "/admin/fail", json!({"duration_seconds": 60})).await.0, 200);
    let early = tokio::spawn({
        let client = client.clone();
        async move { client.send(of_run("r", 0, 1)).await }
    });
    until("it is in backoff", async || client.client_report().await.results.series.attempts.total() == 1).await;
    client.put_strategy(json!({"strategy": "none"})).await;
    assert_eq!(client.send(of_run("r", 0, 2)).await.1["attempts"], 1);
    let (_, answer) = early.await.unwrap();
    assert_eq!((&answer["attempts"], &answer["retry_strategy"]), (&json!(2), &json!("fixed")));
    assert_eq!(client.client_report().await.results.strategy_changes, 1);
}

#[tokio::test]
async fn foreign_requests_are_served_and_counted_apart() {
    let (client, _backend, _server) = pair(0).await;
    client.hand_over(plan("naive", &fixed(3, 0), 5_000)).await;
    assert_eq!(client.process().await.0, 200);
    assert_eq!(client.send(of_run("other", 0, 1)).await.0, 200);
    assert_eq!(client.send(of_run("r", 0, 1)).await.0, 200);
    let results = client.client_report().await.results;
    assert_eq!((results.foreign_requests, results.series.requests.total(), results.series.ok.total()), (2, 1, 1));
    for (line, value) in [
        ("retrylab_attempts_total{arm=\"r\",strategy=\"naive\"} ", 1.0),
        ("retrylab_attempts_total{arm=\"\",strategy=\"naive\"} ", 2.0),
        ("retrylab_requests_total{arm=\"r\",fate=\"ok\",strategy=\"naive\"} ", 1.0),
        ("retrylab_requests_total{arm=\"r\",fate=\"exhausted\",strategy=\"naive\"} ", 0.0),
        ("retry_attempts_total{attempt=\"3\",service=\"client\",strategy=\"naive\"} ", 0.0),
    ] {
        assert_eq!(client.metric(line).await, Some(value), "{line}");
    }
}

#[tokio::test]
async fn a_run_is_complete_when_its_schedule_has_passed_and_nothing_is_in_flight() {
    let (_, backend, server) = pair(0).await;
    let client = client_of(server.address, |_| {});
    let mut short = plan("fixed", &fixed(2, 50), 5_000);
    short["duration_ms"] = json!(1);
    client.hand_over(short).await;
    assert_eq!(backend.admin("POST", "/admin/fail", json!({"duration_seconds": 60})).await.0, 200);
    let last = tokio::spawn({
        let client = client.clone();
        async move { client.send(of_run("r", 0, 1)).await }
    });
    until("it is in flight", async || client.client_report().await.results.in_flight == 1).await;
    assert_eq!(client.client_report().await.state, RunState::Running);
    last.await.unwrap();
    let complete = client.client_report().await;
    assert_eq!((complete.state, complete.results.in_flight), (RunState::Complete, 0));
    // From here on it is nobody's business what a person does.
    client.process().await;
    client.put_strategy(json!({"strategy": "naive"})).await;
    assert_eq!(client.client_report().await.results, complete.results);
}

#[tokio::test]
async fn stopping_sends_nothing_more_and_the_counts_are_final() {
    let (_, backend, server) = pair(0).await;
    let client = client_of(server.address, |_| {});
    client.hand_over(plan("fixed", &fixed(2, 30_000), 5_000)).await;
    assert_eq!(backend.admin("POST", "/admin/fail", json!({"duration_seconds": 60})).await.0, 200);
    let begun = Instant::now();
    let parked = tokio::spawn({
        let client = client.clone();
        async move { client.send(of_run("r", 0, 1)).await }
    });
    until("it is in backoff", async || client.client_report().await.results.series.attempts.total() == 1).await;
    assert_eq!(client.admin("DELETE", "/admin/runs/r", "").await.0, 200);
    let (status, answer) = parked.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "it sat its backoff out");
    assert_eq!((status, &answer["attempts"], &answer["error"]), (502, &json!(1), &json!("the run was stopped")));
    assert_eq!(backend.metric("retrylab_backend_received_total ").await, Some(1.0));
    let stopped = client.client_report().await;
    assert_eq!(stopped.state, RunState::Stopped);
    client.send(of_run("r", 0, 2)).await;
    assert_eq!(client.client_report().await.results, stopped.results);
}
