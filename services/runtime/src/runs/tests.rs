//! The protocol over a workload that does nothing but remember.

use std::sync::atomic::AtomicU32;

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    duration_ms: u64,
}

impl RunPlan for Plan {
    fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    fn validate(&self) -> Result<(), FieldError> {
        if self.duration_ms == 0 { Err(FieldError::new("duration_ms", 0, "1 or more")) } else { Ok(()) }
    }
}

#[derive(Default)]
struct Nothing {
    begun: AtomicU32,
}

struct Idle(AtomicBool);

impl Workload for Nothing {
    type Plan = Plan;
    type Run = Idle;

    fn begin(&self, _: &str, _: &Plan, _: RunClock) -> Idle {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Idle(AtomicBool::new(false))
    }
}

impl Run for Idle {
    type Results = bool;

    fn is_idle(&self) -> bool {
        true
    }

    fn results(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn call(runs: &Arc<Runs<Nothing>>, method: &str, id: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("/admin/runs/{id}")).body(Body::from(body.to_string()));
    let response = run_routes(Arc::clone(runs)).oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn hand_over_in(starts_in_ms: i64, duration_ms: u64) -> Value {
    json!({"starts_in_ms": starts_in_ms, "plan": {"duration_ms": duration_ms}})
}

#[tokio::test]
async fn the_same_plan_again_is_the_same_run_and_another_plan_is_a_conflict() {
    let runs = Runs::new(Nothing::default());
    assert_eq!(call(&runs, "PUT", "a", hand_over_in(60_000, 1_000)).await.0, 201);
    assert_eq!(call(&runs, "PUT", "a", hand_over_in(5, 1_000)).await.0, 200);
    assert_eq!(call(&runs, "PUT", "a", hand_over_in(5, 2_000)).await.0, 409);
    assert_eq!(runs.workload.begun.load(Ordering::SeqCst), 1);
    assert_eq!(call(&runs, "GET", "a", Value::Null).await.1["state"], "scheduled");
}

#[tokio::test]
async fn one_run_at_a_time() {
    let runs = Runs::new(Nothing::default());
    call(&runs, "PUT", "a", hand_over_in(0, 60_000)).await;
    assert_eq!(call(&runs, "PUT", "b", hand_over_in(0, 1)).await.0, 409);
    assert_eq!(call(&runs, "DELETE", "a", Value::Null).await.1["state"], "stopped");
    assert_eq!(call(&runs, "PUT", "b", hand_over_in(0, 1)).await.0, 201);
}

#[tokio::test]
async fn a_late_hand_over_says_how_late_it_was() {
    let runs = Runs::new(Nothing::default());
    let (status, report) = call(&runs, "PUT", "a", hand_over_in(-4_000, 60_000)).await;
    assert_eq!((status, &report["joined_at_ms"], &report["state"]), (201, &json!(4_000), &json!("running")));
}

#[tokio::test]
async fn a_run_whose_schedule_has_passed_is_complete_and_deleting_it_changes_nothing() {
    let runs = Runs::new(Nothing::default());
    call(&runs, "PUT", "a", hand_over_in(-2, 1)).await;
    assert_eq!(call(&runs, "GET", "a", Value::Null).await.1["state"], "complete");
    assert_eq!(call(&runs, "DELETE", "a", Value::Null).await.1["results"], false);
}

#[tokio::test]
async fn an_unknown_run_is_404_with_the_time_that_the_process_has_been_up() {
    let (status, body) = call(&Runs::new(Nothing::default()), "GET", "a", Value::Null).await;
    assert_eq!(status, 404);
    assert!(body["uptime_ms"].is_u64(), "{body}");
}

#[tokio::test]
async fn a_bad_hand_over_is_refused_by_field_and_leaves_no_run() {
    let runs = Runs::new(Nothing::default());
    for (id, body, field) in [
        ("a", hand_over_in(0, 0), "plan.duration_ms"),
        ("a", hand_over_in(700_000, 1), "starts_in_ms"),
        ("a_b", hand_over_in(0, 1), "id"),
        ("a", json!({"starts_in_ms": 0}), "plan"),
        ("a", json!({"starts_in_ms": 0, "plan": {"duration_ms": 1, "x": 1}}), "plan.x"),
    ] {
        let (status, answer) = call(&runs, "PUT", id, body).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{answer}");
    }
    assert_eq!(call(&runs, "GET", "a", Value::Null).await.0, 404);
}
