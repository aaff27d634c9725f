//! Faults by hand.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{quick, small, until};

#[tokio::test]
async fn an_injected_failure_says_so_and_reaches_no_worker() {
    let backend = small(1_000, 0);
    backend.fail(json!({"duration_seconds": 60, "status": 429})).await;
    let (status, answer) = backend.process().await;
    assert_eq!((status, &answer["failure_injected"], &answer["processing_ms"]), (429, &json!(true), &json!(0.0)));
    assert_eq!(answer["error"], "injected failure");
}

#[tokio::test]
async fn the_status_tells_what_is_active_and_until_when() {
    let backend = quick();
    let nothing =
        json!({"failure_active": false, "failure_rate": 0.0, "remaining_seconds": 0.0, "failure_end_time": null});
    assert_eq!(backend.get("/admin/status").await, nothing);
    let (status, answer) =
        backend.admin("POST", "/admin/fail", r#"{"duration_seconds": 10, "failure_rate": 0.5}"#).await;
    assert_eq!((status, &answer["failure_active"], &answer["failure_rate"]), (200, &json!(true), &json!(0.5)));
    let remaining = answer["remaining_seconds"].as_f64().unwrap();
    assert!((9.0..=10.0).contains(&remaining), "{answer}");
    assert!(answer["failure_end_time"].as_str().is_some_and(|t| t.len() == 24), "{answer}");
    assert_eq!(backend.admin("POST", "/admin/recover", "").await, (200, nothing.clone()));
    assert_eq!(backend.get("/admin/status").await, nothing);
    assert_eq!(backend.process().await.0, 200);
}

#[tokio::test]
async fn a_fault_ends_by_itself() {
    let backend = quick();
    backend.fail(json!({"duration_seconds": 0.03})).await;
    assert_eq!(backend.process().await.0, 503);
    until("the fault is over", async || backend.get("/health").await["failure_active"] == false).await;
    assert_eq!(backend.process().await.0, 200);
}

#[tokio::test]
async fn a_later_fault_replaces_the_earlier_one_and_has_its_own_end() {
    let backend = quick();
    backend.fail(json!({"duration_seconds": 0.01, "status": 500})).await;
    backend.fail(json!({"duration_seconds": 60, "status": 502})).await;
    tokio::time::sleep(Duration::from_millis(25)).await;
    assert_eq!(backend.process().await.0, 502);
}

#[tokio::test]
async fn added_latency_is_no_time_in_service() {
    let backend = small(2, 0);
    backend.fail(json!({"duration_seconds": 60, "type": "latency", "latency_ms": 25})).await;
    let (status, answer) = backend.process().await;
    assert_eq!(status, 200);
    let ms = |field: &str| answer[field].as_f64().unwrap();
    assert!(ms("processing_ms") >= 2.0 && ms("total_duration_ms") - ms("processing_ms") >= 25.0, "{answer}");
}

#[tokio::test]
async fn a_freeze_holds_a_request_in_mid_service_and_recovery_lets_it_go_on() {
    let backend = small(200, 0);
    let begun = Instant::now();
    let held = tokio::spawn({
        let backend = backend.clone();
        async move { backend.process().await }
    });
    until("it is in service", async || backend.metric("retrylab_backend_in_service ").await == Some(1.0)).await;
    backend.fail(json!({"duration_seconds": 60, "type": "freeze"})).await;
    let frozen = Instant::now();
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(!held.is_finished(), "served in a freeze");
    let frozen_for = frozen.elapsed();
    backend.admin("POST", "/admin/recover", "").await;
    assert_eq!(held.await.unwrap().0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200) + frozen_for, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_partial_fault_strikes_its_share() {
    let backend = quick();
    backend.fail(json!({"duration_seconds": 60, "failure_rate": 0.3})).await;
    let mut struck = 0.0;
    for _ in 0..2_000 {
        struck += f64::from(u8::from(backend.process().await.0 == 503));
    }
    // Five standard errors of a share of 0.3 in 2,000 draws: one failure in two million.
    assert!((struck / 2_000.0_f64 - 0.3).abs() < 0.052, "{struck} of 2000");
}
