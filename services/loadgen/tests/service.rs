//! The service as its callers see it.

#[cfg(test)]
mod common;

use axum::{body::Body, http::Request};
use common::{Target, burst, caller::call, open, plan};
use retrylab_core::wire::{LoadgenResults, RunReport, RunRequest, RunState};
use retrylab_loadgen::{Config, app};
use tower::ServiceExt;

#[tokio::test]
async fn it_says_that_it_is_healthy() {
    let app = app(Config::default()).unwrap();
    let (status, body) = call(&app, "GET", "/health", String::new()).await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"healthy","service":"loadgen"}"#));
}

#[tokio::test]
async fn a_run_is_handed_over_reported_and_counted_in_the_metrics() {
    let app = app(Config::default()).unwrap();
    let target = Target::good();
    let plan = plan(open(0, 50, vec![burst(0, 20)]), target.address, 5_000);
    let request = serde_json::to_string(&RunRequest { starts_in_ms: 10, plan }).unwrap();
    assert_eq!(call(&app, "PUT", "/admin/runs/f00-1-naive-1", request).await.0, 201);
    let report = loop {
        let (status, body) = call(&app, "GET", "/admin/runs/f00-1-naive-1", String::new()).await;
        assert_eq!(status, 200);
        let report: RunReport<LoadgenResults> = serde_json::from_str(&body).unwrap();
        assert!(report.elapsed_ms < 20_000, "the run does not end");
        if report.state == RunState::Complete {
            break report;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!((report.results.series.sent.total(), report.results.series.ok.total()), (20, 20));
    let (_, metrics) = call(&app, "GET", "/metrics", String::new()).await;
    for line in [
        "retrylab_loadgen_arrivals_total{arm=\"naive\"} 20",
        "retrylab_loadgen_requests_total{arm=\"naive\",result=\"ok\"} 20",
        "retrylab_loadgen_requests_total{arm=\"naive\",result=\"timeout\"} 0",
        "retrylab_loadgen_dropped_total{arm=\"naive\"} 0",
        "retrylab_window_active{arm=\"naive\",kind=\"burst\",name=\"burst-at-0s\"} 1",
        "retrylab_loadgen_connections 0",
        "retrylab_loadgen_in_flight 0",
        "retrylab_loadgen_lateness_seconds_count 20",
        "http_requests_total{endpoint=\"/admin/runs/{id}\",method=\"PUT\",service=\"loadgen\",status=\"201\"} 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_bad_target_is_refused_by_name() {
    let app = app(Config::default()).unwrap();
    let plan = plan(open(1, 50, vec![]), "nowhere", 5_000);
    let request = serde_json::to_string(&RunRequest { starts_in_ms: 10, plan }).unwrap();
    let (status, body) = call(&app, "PUT", "/admin/runs/a1-0", request).await;
    assert_eq!(status, 400);
    assert!(body.contains(r#""field":"plan.target""#), "{body}");
}

#[tokio::test]
async fn runs_are_closed_to_others() {
    let app = app(Config::default()).unwrap();
    let request = Request::builder().uri("/admin/runs/a1-0").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status().as_u16(), 401);
}
