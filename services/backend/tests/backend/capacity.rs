//! Finite capacity, and work that goes on when the client has gone.

use std::{net::Shutdown, time::Duration};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{quick, small, until};

#[tokio::test]
async fn an_answer_says_how_long_service_took_and_whose_trace_it_was() {
    let (status, answer) = small(5, 0).process().await;
    assert_eq!((status, answer["service"].as_str()), (200, Some("backend")));
    assert!(answer["processing_ms"].as_f64() >= Some(5.0), "{answer}");
    assert!(answer["total_duration_ms"].as_f64() >= answer["processing_ms"].as_f64(), "{answer}");
    assert_eq!(answer["trace_id"].as_str().map(str::len), Some(32));
    assert!(answer["timestamp"].as_str().is_some_and(|t| t.ends_with('Z')), "{answer}");
    assert_eq!((answer.get("failure_injected"), answer.get("error")), (None, None));
}

#[tokio::test]
async fn a_request_beyond_the_queue_is_turned_away_and_counted() {
    let backend = small(20, 1);
    let ((served, _), (waited, second), (turned_away, third)) =
        tokio::join!(backend.process(), backend.process(), backend.process());
    assert_eq!((served, waited, turned_away), (200, 200, 503));
    assert!(second["total_duration_ms"].as_f64() >= Some(39.0), "{second}");
    assert_eq!((third["error"].as_str(), third.get("failure_injected")), (Some("queue full"), None));
    assert_eq!(backend.metric("retrylab_backend_rejected_total ").await, Some(1.0));
}

#[tokio::test]
async fn a_saturated_worker_loses_nothing_to_the_grain_of_timers() {
    let backend = small(3, 100);
    let mut all_took = Vec::new();
    // On a busy machine this process may have to wait for its turn; once in 20 times it doesn't.
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        let all = (0..12).map(|_| {
            tokio::spawn({
                let b = backend.clone();
                async move { b.process().await }
            })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap().0, 200);
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(36), "12 times 3 ms took {took:?}");
        if took < Duration::from_millis(41) {
            return;
        }
        all_took.push(took);
    }
    panic!("12 times 3 ms took {all_took:?}");
}

#[tokio::test]
async fn work_goes_on_after_a_disconnect_and_is_counted_wasted() {
    let backend = small(1, 0);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, backend.0.clone()).into_future());
    backend.hand_over(0, 60_000, json!([])).await;
    backend.fail(json!({"duration_seconds": 60, "type": "freeze"})).await; // holds it in service
    let client = TcpStream::connect(address).await.unwrap();
    client.writable().await.unwrap();
    client.try_write(b"GET /process HTTP/1.1\r\nhost: x\r\nx-retrylab-run: r;0;1\r\n\r\n").unwrap();
    until("it is in service", async || backend.metric("retrylab_backend_in_service ").await == Some(1.0)).await;
    let client = client.into_std().unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    TcpStream::from_std(client).unwrap().readable().await.unwrap(); // the backend has closed its side, too
    assert_eq!(backend.report().await.results.in_flight, 1);
    backend.admin("POST", "/admin/recover", "").await;
    until("it has been served", async || backend.report().await.results.in_flight == 0).await;
    let series = backend.report().await.results.series;
    assert_eq!((series.received.total(), series.completed.total(), series.wasted.total()), (1, 1, 1));
    assert_eq!(backend.metric("retrylab_backend_wasted_total ").await, Some(1.0));
    server.abort();
}

#[tokio::test]
async fn the_gauges_tell_who_is_in_service_and_who_waits() {
    let backend = small(10, 5);
    backend.fail(json!({"duration_seconds": 60, "type": "freeze"})).await;
    let held: Vec<_> = (0..3)
        .map(|_| {
            tokio::spawn({
                let b = backend.clone();
                async move { b.process().await }
            })
        })
        .collect();
    until("two wait", async || backend.metric("retrylab_backend_queue_length ").await == Some(2.0)).await;
    assert_eq!(backend.metric("retrylab_backend_in_service ").await, Some(1.0));
    held.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn health_is_told_with_the_state_of_failure() {
    let backend = quick();
    let healthy = |failure_active| json!({"status": "healthy", "service": "backend", "failure_active": failure_active});
    assert_eq!(backend.get("/health").await, healthy(false));
    backend.fail(json!({"duration_seconds": 60})).await;
    assert_eq!(backend.get("/health").await, healthy(true));
}
