//! Faults that leave no answer, over real connections: what the peer sees, and that everybody is counted once.

use std::io::ErrorKind;

use retrylab_backend::Config;
use retrylab_core::{stats::BackendSeries, wire::RunState};
use serde_json::{Value, json};

use crate::support::{Backend, Caller, backend, on_a_socket, quick, small, until};

/// A run whose one window lasts from its start for `for_ms`.
async fn run_with(backend: &Backend, for_ms: u64, kind: Value) {
    let window = json!({"name": "w", "at_ms": 0, "for_ms": for_ms, "kind": kind});
    backend.hand_over(0, for_ms, json!([window])).await;
    until("the window is in effect", async || backend.get("/health").await["failure_active"] == true).await;
}

async fn until_complete(backend: &Backend) {
    until("the run is complete", async || backend.report().await.state == RunState::Complete).await;
}

/// Exposed to the run's one window, and struck by it.
async fn met(backend: &Backend) -> (u64, u64) {
    let record = &backend.report().await.results.faults[0];
    (record.exposed, record.affected)
}

async fn check_ends(backend: &Backend, expected: &[(&str, u64)]) {
    let series = backend.report().await.results.series;
    assert_eq!(series.received.total(), series.ended(), "{series:?}");
    let BackendSeries { received: _, injected, rejected, dropped, expired, cancelled, completed, wasted } = series;
    let columns = [
        ("injected", injected),
        ("rejected", rejected),
        ("dropped", dropped),
        ("expired", expired),
        ("cancelled", cancelled),
        ("completed", completed),
        ("wasted", wasted),
    ];
    let seen: Vec<_> = columns.iter().map(|(name, counts)| (*name, counts.total())).filter(|(_, n)| *n > 0).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_blackhole_never_answers_not_even_afterwards_and_holds_up_no_run() {
    let backend = quick();
    let address = on_a_socket(&backend).await;
    run_with(&backend, 100, json!({"type": "blackhole", "permille": 1000})).await;
    let mut caller = Caller::to(address).await;
    caller.send_in_run(1).await;
    until_complete(&backend).await;
    assert!(caller.hears_nothing().await, "after the window's end");
    assert_eq!(met(&backend).await, (1, 1));
    check_ends(&backend, &[("injected", 1)]).await;
    assert_eq!(backend.process_in_run(2, 1).await.0, 200);
}

#[tokio::test]
async fn a_reset_cuts_whoever_comes_and_whoever_waits_whose_work_goes_on() {
    let backend = small(400, 10);
    reset(&backend).await;
    assert_eq!(met(&backend).await, (3, 3));
    check_ends(&backend, &[("injected", 1), ("completed", 3), ("wasted", 3)]).await;
}

/// A service takes a minute: the run is complete since nobody is served.
#[tokio::test]
async fn with_cancel_on_disconnect_a_reset_ends_the_work_of_those_that_it_cuts_off() {
    let config =
        Config { cancel_on_disconnect: true, concurrency: 1, service_time_us: 60_000_000, ..Config::default() };
    let backend = backend(config);
    reset(&backend).await;
    assert_eq!(met(&backend).await, (3, 3));
    check_ends(&backend, &[("injected", 1), ("cancelled", 3)]).await;
    let held =
        [backend.metric("retrylab_backend_in_service ").await, backend.metric("retrylab_backend_queue_length ").await];
    assert_eq!(held, [Some(0.0), Some(0.0)]);
}

/// A run in which a Reset finds one request in service and one in the queue, and one comes later; the client of another one has
/// gone before.
async fn reset(backend: &Backend) {
    let address = on_a_socket(backend).await;
    let window = json!({"name": "w", "at_ms": 300, "for_ms": 500, "kind": {"type": "reset", "permille": 1000}});
    backend.hand_over(0, 800, json!([window])).await;
    let (mut in_service, mut queued) = (Caller::to(address).await, Caller::to(address).await);
    in_service.send_in_run(1).await;
    until("one is in service", async || backend.metric("retrylab_backend_in_service ").await == Some(1.0)).await;
    queued.send_in_run(2).await;
    let mut gone = Caller::to(address).await;
    gone.send_in_run(4).await;
    until("two wait", async || backend.metric("retrylab_backend_queue_length ").await == Some(2.0)).await;
    drop(gone); // so it is not there to be struck
    assert_eq!(in_service.answer().await, Err(ErrorKind::ConnectionReset));
    assert_eq!(queued.answer().await, Err(ErrorKind::ConnectionReset));
    let mut newcomer = Caller::to(address).await;
    newcomer.send_in_run(3).await;
    assert_eq!(newcomer.answer().await, Err(ErrorKind::ConnectionReset));
    until_complete(backend).await;
}

#[tokio::test]
async fn refusing_lets_nobody_in_and_serves_those_that_are() {
    let backend = small(200, 10);
    let address = on_a_socket(&backend).await;
    let mut inside = Caller::to(address).await;
    let window = json!({"name": "w", "at_ms": 50, "for_ms": 350, "kind": {"type": "refuse", "permille": 1000}});
    backend.hand_over(0, 400, json!([window])).await;
    inside.send_in_run(1).await;
    until("the window is in effect", async || backend.get("/health").await["failure_active"] == true).await;
    let mut newcomer = Caller::to(address).await;
    newcomer.send_in_run(2).await;
    assert_eq!(newcomer.answer().await, Err(ErrorKind::ConnectionReset));
    assert_eq!(inside.answer().await, Ok(200));
    inside.send_in_run(3).await;
    assert_eq!(inside.answer().await, Err(ErrorKind::ConnectionReset), "its next request is a new one");
    until_complete(&backend).await;
    assert_eq!(met(&backend).await, (2, 2));
    check_ends(&backend, &[("injected", 2), ("completed", 1)]).await;
}

/// The probes of kubelet and operator come in by the same door.
#[tokio::test]
async fn health_metrics_and_admin_are_answered_whatever_the_fault() {
    for kind in ["blackhole", "reset", "refuse", "freeze"] {
        let backend = quick();
        let address = on_a_socket(&backend).await;
        backend.fail(json!({"duration_seconds": 60, "type": kind})).await;
        for path in ["/health", "/metrics", "/admin/status"] {
            let mut caller = Caller::to(address).await;
            caller.send(path, "").await;
            assert_eq!(caller.answer().await, Ok(200), "{path} in a {kind}");
        }
    }
}

/// This runtime has one thread, and doesn't get to the backend before the last caller has gone. A service takes far longer
/// than reading a hundred requests and the ends of their connections.
#[tokio::test]
async fn whoever_hangs_up_right_after_the_request_has_been_received() {
    let backend = backend(Config { service_time_us: 500_000, ..Config::default() });
    let address = on_a_socket(&backend).await;
    backend.hand_over(0, 20, json!([])).await;
    for serial in 0..100 {
        let mut caller = std::net::TcpStream::connect(address).unwrap();
        let tag = format!("x-retrylab-run: r;0;{serial}\r\nx-retrylab-attempt: 1\r\n");
        std::io::Write::write_all(&mut caller, format!("GET /process HTTP/1.1\r\nhost: x\r\n{tag}\r\n").as_bytes())
            .unwrap();
    }
    until("all are in the books", async || backend.report().await.results.series.received.total() == 100).await;
    until_complete(&backend).await;
    check_ends(&backend, &[("completed", 100), ("wasted", 100)]).await;
}

#[tokio::test]
async fn a_partial_reset_strikes_its_share_and_answers_the_others() {
    let backend = quick();
    let address = on_a_socket(&backend).await;
    run_with(&backend, 60_000, json!({"type": "reset", "permille": 400})).await;
    let mut cut = 0;
    for serial in 0..200 {
        let mut caller = Caller::to(address).await;
        caller.send_in_run(serial).await;
        match caller.answer().await {
            Ok(200) => {}
            Err(ErrorKind::ConnectionReset) => cut += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(met(&backend).await, (200, cut));
    // Five standard errors of a share of 0.4 in 200 draws.
    assert!(cut.abs_diff(80) <= 35, "{cut} of 200");
}

#[tokio::test]
async fn a_fault_by_hand_cuts_connections_as_well() {
    let backend = small(60_000, 10);
    let address = on_a_socket(&backend).await;
    let mut inside = Caller::to(address).await;
    inside.send("/process", "").await;
    until("it is in service", async || backend.metric("retrylab_backend_in_service ").await == Some(1.0)).await;
    backend.fail(json!({"duration_seconds": 60, "type": "reset"})).await;
    assert_eq!(inside.answer().await, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn with_cancel_on_disconnect_whoever_hangs_up_frees_the_worker_and_the_queue() {
    let config =
        Config { cancel_on_disconnect: true, concurrency: 1, service_time_us: 60_000_000, ..Config::default() };
    let backend = backend(config);
    let address = on_a_socket(&backend).await;
    backend.hand_over(0, 20, json!([])).await;
    let mut callers = Vec::new();
    for serial in 0..3 {
        let mut caller = Caller::to(address).await;
        caller.send_in_run(serial).await;
        callers.push(caller);
    }
    until("two wait", async || backend.metric("retrylab_backend_queue_length ").await == Some(2.0)).await;
    callers.remove(1); // one in the queue
    until("one waits", async || backend.metric("retrylab_backend_queue_length ").await == Some(1.0)).await;
    callers.remove(0); // the one in service
    until("none waits", async || backend.metric("retrylab_backend_queue_length ").await == Some(0.0)).await;
    assert_eq!(backend.metric("retrylab_backend_in_service ").await, Some(1.0));
    callers.clear();
    until_complete(&backend).await;
    check_ends(&backend, &[("cancelled", 3)]).await;
    assert_eq!(backend.metric("retrylab_backend_cancelled_total ").await, Some(3.0));
}
