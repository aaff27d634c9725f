//! What each component says at `/metrics` when it has met everything that has a metric: a run with windows of all kinds, a
//! budget, a breaker, traces, an experiment that is over.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use http_body_util::BodyExt;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use prometheus::TextEncoder;
use retrylab_api::RetryExperiment;
use retrylab_operator::{Experiments, Metrics};
use retrylab_runtime::{Peer, Spans};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A run that has not begun when the metrics are read, of the arm `naive`.
const RUN: &str = "/admin/runs/0f8b6c1e1d2a-1-naive-1";

/// Each component by name, with its exposition. Needs a tokio runtime.
pub async fn expositions() -> [(&'static str, String); 4] {
    let [client, backend, loadgen] = services().await;
    let exposed = async |(name, app)| (name, exposed(&app).await);
    [("operator", operator()), exposed(client).await, exposed(backend).await, exposed(loadgen).await]
}

/// Each service by name, with a run that has not begun.
pub async fn services() -> [(&'static str, Router); 3] {
    let client = retrylab_client::Config::new("http://127.0.0.1:1".parse().unwrap());
    let client = retrylab_client::app(client, spans()).unwrap();
    let backend = retrylab_backend::app(retrylab_backend::Config::default(), spans()).unwrap();
    let loadgen = retrylab_loadgen::app(retrylab_loadgen::Config::default()).unwrap();
    hand_over(&client, client_plan()).await;
    hand_over(&backend, backend_plan()).await;
    hand_over(&loadgen, loadgen_plan()).await;
    [("client", client), ("backend", backend), ("loadgen", loadgen)]
}

/// What a service says at `/metrics`.
pub async fn exposed(app: &Router) -> String {
    call(app, "GET", "/metrics", String::new()).await.1
}

/// Traces on, so that what is counted of them is there.
fn spans() -> Spans {
    Spans::to(InMemorySpanExporter::default(), "test", 1).unwrap()
}

fn operator() -> String {
    let metrics = Metrics::new().unwrap();
    let experiments = vec![Arc::new(experiment(true)), Arc::new(experiment(false))];
    metrics.registry.register(Box::new(Experiments::new(move || experiments.clone()).unwrap())).unwrap();
    TextEncoder::new().encode_to_string(&metrics.registry.gather()).unwrap()
}

async fn hand_over(app: &Router, plan: Value) {
    let body = json!({"starts_in_ms": 600_000, "plan": plan}).to_string();
    let (status, answer) = call(app, "PUT", RUN, body).await;
    assert_eq!(status, 201, "{answer}");
}

async fn call(app: &Router, method: &str, path: &str, body: String) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(Peer::at(SocketAddr::from(([127, 0, 0, 1], 1)))));
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The plan that the services of an experiment with everything are handed.
fn experiment(over: bool) -> RetryExperiment {
    let mut experiment = json!({
        "apiVersion": "retrylab.dev/v1alpha1",
        "kind": "RetryExperiment",
        "metadata": {"name": "x", "namespace": "lab", "creationTimestamp": "2026-01-01T12:00:00Z"},
        "spec": {
            "arms": [{"name": "naive", "strategy": {"type": "Sre", "breaker": {}}}],
            "load": {
                "rate": 10,
                "bursts": [{"name": "spike", "at": "1s", "requests": 1}],
                "shed": [{"name": "shed", "at": "4s", "for": "1s", "percent": 0}],
            },
            "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
            "duration": "10s",
        },
    });
    if over {
        let fates = json!({"ok": 1, "okAfterRetry": 0, "exhausted": 0, "notRetryable": 0, "dropped": 0});
        let time = "2026-01-01T12:00:00.000000Z";
        experiment["status"] = json!({
            "phase": "Complete", "verdict": "Passed", "finishedAt": "2026-01-01T12:00:00Z",
            "arms": [{
                "name": "naive", "phase": "Complete",
                "run": {"id": "r", "handover": 1, "settledAt": time, "startsAt": time, "target": "t:1"},
                "recovery": {"timeToRecovery": "1s", "verdict": "Recovered", "message": ""},
                "windows": [{
                    "name": "total", "requests": 1, "attempts": 1, "wireAttempts": 1, "backendRequests": 1,
                    "amplification": "1.000", "wireAmplification": "1.000", "peakAmplification": "1.000",
                    "successRate": "1.000", "fates": fates,
                }],
            }],
        });
    }
    serde_json::from_value(experiment).unwrap()
}

fn plans() -> retrylab_api::ArmPlan {
    let experiment = experiment(false);
    retrylab_api::arm_plan(&experiment.spec, &experiment.spec.arms[0], "127.0.0.1:1")
}

fn client_plan() -> Value {
    serde_json::to_value(plans().client).unwrap()
}

fn backend_plan() -> Value {
    serde_json::to_value(plans().backend).unwrap()
}

fn loadgen_plan() -> Value {
    serde_json::to_value(plans().loadgen).unwrap()
}
