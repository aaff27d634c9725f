//! Single attempts: what is sent, and what comes of each way in which a backend can answer or fail to.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use axum::{Router, extract::Request, http::StatusCode, response::IntoResponse, routing::get};
use retrylab_core::policy::StrategyName;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::support::{FAR, Service, client_of, of_run, pair, request, serve, until};

/// A backend that answers with each status in turn, the last one for ever.
fn answering(statuses: &'static [u16]) -> Router {
    let next = Arc::new(AtomicU16::new(0));
    let answer = move || {
        let turn = usize::from(next.fetch_add(1, Ordering::SeqCst)).min(statuses.len() - 1);
        async move { StatusCode::from_u16(statuses[turn]).unwrap() }
    };
    Router::new().route("/process", get(answer))
}

async fn answer_of(backend: Router, strategy: StrategyName) -> (u16, Value) {
    let server = serve(backend).await;
    client_of(server.address, |config| config.strategy = strategy).process().await
}

fn error(answer: &Value) -> &str {
    answer["error"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_success_carries_the_backends_answer_and_one_trace_through() {
    let (client, _backend, _server) = pair(1).await;
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["service"], &answer["success"]), (200, &json!("client"), &json!(true)));
    assert_eq!((&answer["attempts"], &answer["retry_strategy"]), (&json!(1), &json!("none")));
    assert_eq!(answer["backend"]["service"], "backend");
    assert_eq!(answer["backend"]["trace_id"], answer["trace_id"]);
    assert!(answer["duration_ms"].as_f64() >= Some(1.0) && answer.get("error").is_none(), "{answer}");
}

#[tokio::test]
async fn every_attempt_carries_its_number_the_trace_under_a_span_of_its_own_and_the_runs_tag() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let taker = Arc::clone(&seen);
    let take = move |request: Request| {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        taker.lock().unwrap().push((header("x-retrylab-attempt"), header("traceparent"), header("x-retrylab-run")));
        async { StatusCode::SERVICE_UNAVAILABLE }
    };
    let server = serve(Router::new().route("/process", get(take))).await;
    let client = client_of(server.address, |config| config.strategy = StrategyName::Naive);
    let mut request = of_run("some-run", 5, 9);
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", given.parse().unwrap());
    assert_eq!(client.send(request).await.1["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let seen = seen.lock().unwrap();
    let numbers: Vec<_> = seen.iter().map(|(number, ..)| number.as_str()).collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    assert!(seen.iter().all(|(_, trace, tag)| trace[..36] == given[..36] && tag == "some-run;5000;9"), "{seen:?}");
    assert!(seen[0].1 != seen[1].1 && seen[1].1 != seen[2].1 && seen[0].1 != given, "{seen:?}");
}

#[tokio::test]
async fn an_attempt_says_how_long_it_is_waited_for_and_in_a_chain_whose_attempt_it_is() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let taker = Arc::clone(&seen);
    let take = move |request: Request| {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        taker.lock().unwrap().push((header("x-retrylab-attempt"), header("x-retrylab-timeout-us")));
        async { StatusCode::SERVICE_UNAVAILABLE }
    };
    let server = serve(Router::new().route("/process", get(take))).await;
    let client = client_of(server.address, |config| config.strategy = StrategyName::Naive);
    let mut request = of_run("some-run", 5, 9);
    request.headers_mut().insert("x-retrylab-attempt", "2".parse().unwrap());
    client.send(request).await;
    // 2 in base 32 and then the client's own digit.
    let timeout = || "5000000".to_owned();
    let expected = [65, 66, 67].map(|number: u32| (number.to_string(), timeout()));
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_later_success_ends_the_retries() {
    let (status, answer) = answer_of(answering(&[503, 429, 200]), StrategyName::Naive).await;
    assert_eq!((status, &answer["attempts"], &answer["success"]), (200, &json!(3), &json!(true)));
}

#[tokio::test]
async fn a_failure_that_nothing_mends_is_not_retried() {
    let (status, answer) = answer_of(answering(&[404]), StrategyName::Naive).await;
    assert_eq!((status, &answer["attempts"], error(&answer)), (502, &json!(1), "the backend answered 404"));
}

#[tokio::test]
async fn any_http_server_can_be_the_backend() {
    let plain = Router::new().route("/process", get(async || "fine"));
    let (status, answer) = answer_of(plain, StrategyName::None).await;
    assert_eq!((status, &answer["success"], answer.get("backend")), (200, &json!(true), None));
}

#[tokio::test]
async fn a_body_that_is_too_long_is_left_out_and_its_connection_is_not_used_again() {
    let long = Router::new().route("/process", get(async || vec![b'x'; 1 << 20]));
    let server = serve(long).await;
    let client = client_of(server.address, |_| {});
    for _ in 0..3 {
        let (status, answer) = client.process().await;
        assert_eq!((status, answer.get("backend")), (200, None), "{answer}");
    }
}

#[tokio::test]
async fn an_attempt_without_an_answer_in_time_has_failed() {
    let silent = Router::new().route("/process", get(async || pending::<Infallible>().await.into_response()));
    let server = serve(silent).await;
    let client = client_of(server.address, |config| {
        (config.strategy, config.timeout_ms) = (StrategyName::Naive, 10);
    });
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"], error(&answer)), (502, &json!(3), "no answer within 10 ms"));
    assert_eq!(client.metric(r#"backend_calls_total{result="timeout",service="client"} "#).await, Some(3.0));
}

#[tokio::test]
async fn after_a_timeout_the_backend_finds_nobody_waiting() {
    let (_, backend, server) = pair(40).await;
    let client = client_of(server.address, |config| config.timeout_ms = 10);
    assert_eq!(client.process().await.0, 502);
    until("the work is done", async || backend.metric("retrylab_backend_wasted_total ").await == Some(1.0)).await;
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_retried_like_one_that_fails() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and gone again
    let client = client_of(nobody, |config| config.strategy = StrategyName::Naive);
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"]), (502, &json!(3)));
    assert!(error(&answer).starts_with("no answer: "), "{answer}");
    assert_eq!(client.metric(r#"backend_calls_total{result="broken",service="client"} "#).await, Some(3.0));
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_answer_is_no_success() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            stream.try_read(&mut [0; 1_024]).unwrap();
            stream.try_write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").unwrap();
        }
    });
    let client = client_of(address, |config| config.strategy = StrategyName::Naive);
    let (status, answer) = client.process().await;
    assert_eq!((status, &answer["attempts"]), (502, &json!(3)), "{answer}");
    server.abort();
}

/// The trap of pooled clients: a request that is sent again behind the caller's back, or fails for an old connection.
#[tokio::test]
async fn a_pooled_connection_that_the_backend_has_closed_costs_no_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(AtomicU16::new(0));
    let count = Arc::clone(&received);
    let (close, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told_to_close, has_closed) = (Arc::clone(&close), Arc::clone(&closed));
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            stream.try_read(&mut [0; 1_024]).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            // It doesn't say that it won't keep the connection, and ends it only after the client has put it by.
            stream.try_write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            told_to_close.notified().await;
            drop(stream);
            has_closed.notify_one();
        }
    });
    let client = client_of(address, |_| {});
    for _ in 0..3 {
        assert_eq!(client.process().await.0, 200);
        close.notify_one();
        closed.notified().await;
        // The end has arrived by now; a wait of any length lets this runtime see it.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(received.load(Ordering::SeqCst), 3);
    assert_eq!(
        client.metric(r#"retry_attempts_total{attempt="1",service="client",strategy="none"} "#).await,
        Some(3.0)
    );
    server.abort();
}

#[tokio::test]
async fn connections_are_used_again() {
    let peers = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::clone(&peers);
    let note = move |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<std::net::SocketAddr>| {
        seen.lock().unwrap().insert(peer);
        async { "fine" }
    };
    let app = Router::new().route("/process", get(note)).into_make_service_with_connect_info::<std::net::SocketAddr>();
    let server = tokio::spawn(axum::serve(listener, app).into_future());
    let client: Service = client_of(address, |_| {});
    for _ in 0..20 {
        assert_eq!(client.send(request("GET", "/process", FAR, None, "")).await.0, 200);
    }
    assert_eq!(peers.lock().unwrap().len(), 1);
    server.abort();
}
