//! Budgets, breakers, hedges and deadlines, as the client carries them out.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{FAR, Server, Service, client_of, of_run, pair, plan, request, serve, until};

/// A client under a policy with these fields, of a backend.
async fn client_under(policy: Value, backend: Router) -> (Service, Server) {
    let server = serve(backend).await;
    let client = client_of(server.address, |_| {});
    client.put_strategy(json!({"strategy": "naive", "policy": policy})).await;
    (client, server)
}

fn with(mut policy: Value, field: &str, value: Value) -> Value {
    policy[field] = value;
    policy
}

fn at_once(max_attempts: u32) -> Value {
    json!({"max_attempts": max_attempts, "delay": {"law": "none"}})
}

fn failing() -> Router {
    Router::new().route("/process", get(async || StatusCode::SERVICE_UNAVAILABLE))
}

/// Answers every attempt after the first at once; the first takes `first_ms`.
fn slow_at_first(first_ms: u64) -> Router {
    let answer = async move |headers: HeaderMap| {
        if headers["x-retrylab-attempt"] == "1" {
            tokio::time::sleep(Duration::from_millis(first_ms)).await;
        }
        "fine"
    };
    Router::new().route("/process", get(answer))
}

#[tokio::test]
async fn a_budget_is_shared_by_requests_and_filled_anew_with_every_strategy() {
    let tokens = json!({"kind": "tokens", "deposit": "onRequest", "amount_milli": 0, "charge": "onRetry",
                        "cost_milli": 1000, "timeout_cost_milli": 1000, "cap_milli": 3000, "initial_milli": 3000,
                        "threshold_milli": 0, "refund": false});
    let policy = with(at_once(3), "budget", tokens);
    let (client, _server) = client_under(policy.clone(), failing()).await;
    let left = r#"retrylab_retry_budget_left{strategy="naive"} "#;
    assert_eq!(client.metric(left).await, Some(3.0));
    let mut attempts = Vec::new();
    for _ in 0..3 {
        let (status, answer) = client.process().await;
        attempts.push(answer["attempts"].as_u64().unwrap());
        assert_eq!(status, 502);
    }
    assert_eq!(attempts, [3, 2, 1]);
    let said = client.process().await.1["error"].clone();
    assert_eq!(said, "the backend answered 503; the retry budget is used up");
    assert_eq!(client.metric(left).await, Some(0.0));
    for (line, value) in [
        (r#"retrylab_attempts_denied_total{reason="budget",strategy="naive"} "#, 3.0),
        (r#"retrylab_requests_total{arm="",fate="budgetDenied",strategy="naive"} "#, 3.0),
        (r#"retrylab_requests_total{arm="",fate="exhausted",strategy="naive"} "#, 1.0),
    ] {
        assert_eq!(client.metric(line).await, Some(value), "{line}");
    }
    client.put_strategy(json!({"strategy": "naive", "policy": policy})).await;
    assert_eq!(client.process().await.1["attempts"], 3);
    client.put_strategy(json!({"strategy": "naive"})).await;
    assert_eq!(client.metric(left).await, None, "a policy without a budget holds none");
}

#[tokio::test]
async fn an_open_breaker_sends_nothing() {
    let breaker = json!({"failure_percent": 50, "min_calls": 4, "interval_ms": 10_000, "open_ms": 60_000, "probes": 1});
    let (client, _server) = client_under(with(at_once(2), "breaker", breaker), failing()).await;
    for _ in 0..2 {
        assert_eq!(client.process().await.1["attempts"], 2);
    }
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"], &answer["error"]), (502, &json!(0), &json!("the breaker is open")));
    for (line, value) in [
        (r#"retrylab_breaker_state{state="open",strategy="naive"} "#, 1.0),
        (r#"retrylab_breaker_state{state="closed",strategy="naive"} "#, 0.0),
        (r#"backend_calls_total{result="failure",service="client"} "#, 4.0),
    ] {
        assert_eq!(client.metric(line).await, Some(value), "{line}");
    }
}

#[tokio::test]
async fn a_hedge_answers_for_an_attempt_that_takes_long() {
    let policy = with(at_once(2), "hedging", json!({"delay_ms": 20, "max_hedges": 1}));
    let (client, _server) = client_under(policy, slow_at_first(5_000)).await;
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"], &answer["success"]), (200, &json!(2), &json!(true)));
    assert!(answer["duration_ms"].as_f64().unwrap() < 4_000.0, "{answer}");
    assert_eq!(
        client.metric(r#"retrylab_requests_total{arm="",fate="okAfterRetry",strategy="naive"} "#).await,
        Some(1.0)
    );
}

#[tokio::test]
async fn a_fast_attempt_is_not_hedged() {
    let policy = with(at_once(2), "hedging", json!({"delay_ms": 2_000, "max_hedges": 1}));
    let (client, _server) = client_under(policy, slow_at_first(0)).await;
    assert_eq!(client.process().await.1["attempts"], 1);
}

/// The loser of the race is given up, and both sides have counted it: also when its connection was hardly open.
#[tokio::test]
async fn a_lost_attempt_is_in_both_books() {
    let (client, backend, _server) = pair(15).await;
    let policy = with(at_once(2), "hedging", json!({"delay_ms": 14, "max_hedges": 1}));
    client.hand_over(plan("naive", &policy, 5_000)).await;
    let everything = json!({"seed": 7, "duration_ms": 60_000, "faults": []});
    backend.hand_over(everything).await;
    for serial in 0..30 {
        assert_eq!(client.send(of_run("r", 0, serial)).await.0, 200);
    }
    let ours = client.client_report().await.results.series;
    assert!(ours.wire_retries.total() > 0, "there were hedges");
    until("the backend has seen every attempt", async || {
        backend.backend_report().await.results.series.received.total() == ours.attempts.total()
    })
    .await;
}

/// What the backend completed and what of that was wasted, when 60 requests come at once under a policy, and 300 ms of
/// service each.
async fn completed_and_wasted(policy: Value) -> (u64, u64) {
    let (client, backend, _server) = pair(300).await;
    client.hand_over(plan("naive", &policy, 5_000)).await;
    backend.hand_over(json!({"seed": 7, "duration_ms": 60_000, "faults": []})).await;
    let mut requests = JoinSet::new();
    for serial in 0..60 {
        let client = client.clone();
        requests.spawn(async move { client.send(of_run("r", 0, serial)).await });
    }
    requests.join_all().await;
    let ours = client.client_report().await.results.series;
    until("the backend is done with every attempt", async || {
        let theirs = backend.backend_report().await.results.series;
        (theirs.received.total(), theirs.ended()) == (ours.attempts.total(), ours.attempts.total())
    })
    .await;
    let theirs = backend.backend_report().await.results.series;
    (theirs.completed.total(), theirs.wasted.total())
}

/// Each request is served twice, since its hedge comes 150 ms before its first attempt's answer.
#[tokio::test]
async fn the_work_for_an_attempt_that_lost_the_race_is_wasted() {
    let policy = with(at_once(2), "hedging", json!({"delay_ms": 150, "max_hedges": 1}));
    assert_eq!(completed_and_wasted(policy).await, (120, 60));
}

/// No request is served in its time.
#[tokio::test]
async fn the_work_for_an_attempt_that_the_deadline_cut_off_is_wasted() {
    assert_eq!(completed_and_wasted(with(at_once(1), "deadline_ms", json!(100))).await, (60, 60));
}

#[tokio::test]
async fn an_attempt_with_hardly_any_time_is_in_both_books() {
    let (completed, wasted) = completed_and_wasted(with(at_once(1), "deadline_ms", json!(1))).await;
    assert_eq!(completed, wasted);
}

#[tokio::test]
async fn a_deadline_cuts_attempts_off_and_what_is_left_of_it_travels_on() {
    let lefts = Arc::new(Mutex::new(Vec::new()));
    let taker = Arc::clone(&lefts);
    let slow = async move |request: Request| {
        let left: u64 = request.headers()["x-retrylab-deadline-us"].to_str().unwrap().parse().unwrap();
        taker.lock().unwrap().push(left);
        tokio::time::sleep(Duration::from_millis(30)).await;
        StatusCode::SERVICE_UNAVAILABLE
    };
    let policy = with(at_once(20), "deadline_ms", json!(200));
    let (client, _server) = client_under(policy, Router::new().route("/process", get(slow))).await;
    let (status, answer) = client.process().await;
    assert_eq!(status, 502);
    assert!(answer["error"].as_str().unwrap().ends_with("the deadline leaves no time"), "{answer}");
    // The last millisecond is too short for another attempt.
    assert!((199.0..1_000.0).contains(&answer["duration_ms"].as_f64().unwrap()), "{answer}");
    let lefts = lefts.lock().unwrap().clone();
    assert!((2..=7).contains(&lefts.len()) && lefts[0] <= 200_000, "{lefts:?}");
    assert!(lefts.windows(2).all(|pair| pair[1] + 30_000 <= pair[0]), "{lefts:?}");
    assert_eq!(client.metric(r#"retrylab_requests_total{arm="",fate="deadline",strategy="naive"} "#).await, Some(1.0));
}

#[tokio::test]
async fn a_deadline_that_came_with_the_request_holds_under_any_policy() {
    let (client, _server) = client_under(at_once(1), slow_at_first(5_000)).await;
    let mut request = request("GET", "/process", FAR, None, "");
    request.headers_mut().insert("x-retrylab-deadline-us", "20000".parse().unwrap());
    let (status, answer) = client.send(request).await;
    assert_eq!((status, &answer["error"]), (502, &json!("no answer in time; the deadline leaves no time")));
}

#[tokio::test]
async fn retry_after_is_waited_for_up_to_its_cap() {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    let busy = async move || {
        if seen.fetch_add(1, Ordering::SeqCst) == 0 {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response()
        } else {
            "fine".into_response()
        }
    };
    let policy = with(at_once(2), "retry_after", json!({"cap_ms": 60, "jitter_permille": 0}));
    let (client, _server) = client_under(policy, Router::new().route("/process", get(busy))).await;
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"]), (200, &json!(2)));
    assert!((60.0..900.0).contains(&answer["duration_ms"].as_f64().unwrap()), "{answer}");
}
