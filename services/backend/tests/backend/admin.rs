//! Who gets into `/admin`, and what is refused there.

use axum::http::header::RETRY_AFTER;
use retrylab_backend::Config;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Backend, FAR, NEAR, backend, quick, request};

const RUN: &str = r#"{"starts_in_ms": 60000, "plan": {"seed": 1, "duration_ms": 1000, "faults": []}}"#;

const ADMIN: [(&str, &str, &str); 5] = [
    ("PUT", "/admin/runs/r", RUN),
    ("GET", "/admin/runs/r", ""),
    ("POST", "/admin/fail", r#"{"duration_seconds": 60}"#),
    ("GET", "/admin/status", ""),
    ("POST", "/admin/recover", ""),
];

fn guarded_by(token: &str) -> Config {
    Config { admin_token: token.to_owned().into(), ..Config::default() }
}

#[tokio::test]
async fn callers_from_elsewhere_need_the_token_and_change_nothing_without_it() {
    let closed = backend(guarded_by("secret"));
    for (method, path, body) in ADMIN {
        for token in [None, Some(""), Some("Secret"), Some("secret2")] {
            let (status, answer) = closed.send(request(method, path, FAR, token, body)).await;
            assert_eq!((status, answer["error"].is_string()), (401, true), "{method} {path} {token:?}: {answer}");
        }
    }
    assert_eq!(closed.get("/admin/status").await["failure_active"], false);
    assert_eq!(closed.admin("GET", "/admin/runs/r", "").await.0, 404);
}

#[tokio::test]
async fn the_token_and_a_port_forward_both_open_admin() {
    for (peer, token) in [(FAR, Some("secret")), (NEAR, None), ("[::1]:4000", None), ("[::ffff:127.0.0.1]:4000", None)]
    {
        let open = backend(guarded_by("secret"));
        for (method, path, body) in ADMIN {
            let (status, answer) = open.send(request(method, path, peer, token, body)).await;
            assert!([200, 201].contains(&status), "{method} {path} {peer}: {answer}");
        }
    }
}

#[tokio::test]
async fn with_no_token_set_an_empty_one_opens_nothing() {
    let (status, _) = backend(Config::default()).send(request("GET", "/admin/status", FAR, Some(""), "")).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_bad_fault_is_refused_by_field_and_changes_nothing() {
    let backend = quick();
    backend.fail(json!({"duration_seconds": 60, "failure_rate": 0.25})).await;
    let before = backend.get("/admin/status").await;
    for (body, field) in [
        (r#"{"duration_seconds": 0}"#, "duration_seconds"),
        (r#"{"duration_seconds": -1}"#, "duration_seconds"),
        (r#"{"duration_seconds": 3601}"#, "duration_seconds"),
        (r#"{"duration_seconds": "ten"}"#, "duration_seconds"),
        (r"{}", "duration_seconds"),
        (r#"{"duration_seconds": 1, "failure_rate": 1.5}"#, "failure_rate"),
        (r#"{"duration_seconds": 1, "failure_rate": 0}"#, "failure_rate"),
        (r#"{"duration_seconds": 1, "type": "storm"}"#, "type"),
        (r#"{"duration_seconds": 1, "status": 200}"#, "status"),
        (r#"{"duration_seconds": 1, "retry_after_seconds": 0}"#, "retry_after_seconds"),
        (r#"{"duration_seconds": 1, "status": 500, "retry_after_seconds": 1}"#, "retry_after_seconds"),
        (r#"{"duration_seconds": 1, "type": "reset", "retry_after_seconds": 1}"#, "retry_after_seconds"),
        (r#"{"duration_seconds": 1, "type": "latency"}"#, "latency_ms"),
        (r#"{"duration_seconds": 1, "type": "latency", "latency_ms": 0}"#, "latency_ms"),
        (r#"{"duration_seconds": 1, "latency_ms": 5}"#, "latency_ms"),
        (r#"{"duration_seconds": 1, "type": "freeze", "failure_rate": 0.5}"#, "failure_rate"),
        (r#"{"duration_seconds": 1, "type": "capacity"}"#, "capacity_percent"),
        (r#"{"duration_seconds": 1, "type": "capacity", "capacity_percent": 100}"#, "capacity_percent"),
        (r#"{"duration_seconds": 1, "type": "capacity", "capacity_percent": 5, "failure_rate": 0.5}"#, "failure_rate"),
        (r#"{"duration_seconds": 1, "type": "reset", "capacity_percent": 5}"#, "capacity_percent"),
        (r#"{"duration_seconds": 1, "type": "blackhole", "status": 500}"#, "status"),
        (r#"{"duration_seconds": 1, "type": "refuse", "latency_ms": 5}"#, "latency_ms"),
        (r#"{"duration_seconds": 1, "seconds": 2}"#, "seconds"),
        ("{", ""),
        ("", ""),
        ("[]", ""),
        ("null", ""),
    ] {
        let (status, answer) = backend.admin("POST", "/admin/fail", body).await;
        assert_eq!((status, answer["field"].as_str().unwrap_or_default()), (400, field), "{body}: {answer}");
        assert!(answer["error"].is_string(), "{body}: {answer}");
        let after = backend.get("/admin/status").await;
        for same in ["failure_active", "failure_rate"] {
            assert_eq!(after[same], before[same], "{body}");
        }
        assert!(after["remaining_seconds"].as_f64() > Some(50.0), "{body}: {after}");
    }
}

#[tokio::test]
async fn a_bad_run_is_refused_by_field_and_there_is_no_run() {
    let backend = quick();
    let outage =
        json!({"name": "o", "at_ms": 0, "for_ms": 500, "kind": {"type": "error", "status": 503, "permille": 1000}});
    let mut wrong_status = outage.clone();
    wrong_status["kind"]["status"] = json!(200);
    let mut too_late = outage.clone();
    too_late["at_ms"] = json!(900);
    for (plan, field) in [
        (json!({"seed": 1, "duration_ms": 0, "faults": []}), "plan.duration_ms"),
        (json!({"seed": -1, "duration_ms": 1, "faults": []}), "plan.seed"),
        (json!({"seed": 1, "duration_ms": 1000}), "plan.faults"),
        (json!({"seed": 1, "duration_ms": 1000, "faults": [wrong_status]}), "plan.faults[0].status"),
        (json!({"seed": 1, "duration_ms": 1000, "faults": [too_late]}), "plan.faults[0].at_ms"),
        (json!({"seed": 1, "duration_ms": 1000, "faults": [outage, outage]}), "plan.faults[1].at_ms"),
    ] {
        let body = json!({"starts_in_ms": 0, "plan": plan});
        let (status, answer) = backend.admin("PUT", "/admin/runs/r", &body).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{body}: {answer}");
        assert_eq!(backend.admin("GET", "/admin/runs/r", "").await.0, 404);
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_json_errors() {
    let backend = quick();
    for (method, path, expected) in [
        ("GET", "/admin", 404),
        ("POST", "/admin/restart", 404),
        ("GET", "/nothing", 404),
        ("GET", "/admin/fail", 405),
        ("POST", "/admin/status", 405),
        ("POST", "/admin/runs/r", 405),
        ("POST", "/process", 405),
    ] {
        let (status, answer) = backend.admin(method, path, "{}").await;
        assert_eq!((status, answer["error"].is_string()), (expected, true), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn the_metrics_have_the_names_and_labels_that_queries_use() {
    let backend = quick();
    backend.process().await;
    backend.fail(json!({"duration_seconds": 60})).await;
    backend.process().await;
    for (line, value) in [
        (r#"http_requests_total{endpoint="/process",method="GET",service="backend",status="200"} "#, 1.0),
        (r#"http_requests_total{endpoint="/process",method="GET",service="backend",status="503"} "#, 1.0),
        (r#"http_request_duration_seconds_count{endpoint="/process",method="GET",service="backend"} "#, 2.0),
        ("failure_injection_active ", 1.0),
        ("failure_requests_total ", 1.0),
        ("requests_during_failure_total ", 1.0),
        ("retrylab_backend_received_total ", 2.0),
        ("retrylab_backend_rejected_total ", 0.0),
        ("retrylab_backend_dropped_total ", 0.0),
        ("retrylab_backend_expired_total ", 0.0),
        ("retrylab_backend_cancelled_total ", 0.0),
        ("retrylab_backend_wasted_total ", 0.0),
        ("retrylab_backend_in_service ", 0.0),
        ("retrylab_backend_queue_length ", 0.0),
    ] {
        assert_eq!(backend.metric(line).await, Some(value), "{line}");
    }
}

#[tokio::test]
async fn an_injected_failure_says_when_to_come_back_if_it_is_to() {
    let backend = backend(Config::default());
    let said = async |backend: &Backend| {
        let answer = backend.0.clone().oneshot(request("GET", "/process", FAR, None, "")).await.unwrap();
        answer.headers().get(RETRY_AFTER).map(|seconds| seconds.to_str().unwrap().to_owned())
    };
    backend.fail(json!({"duration_seconds": 60})).await;
    assert_eq!(said(&backend).await, None);
    backend.fail(json!({"duration_seconds": 60, "status": 429, "retry_after_seconds": 30})).await;
    assert_eq!(said(&backend).await.as_deref(), Some("30"));
}
