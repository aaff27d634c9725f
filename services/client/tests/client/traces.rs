//! What client and backend record of a request, held against what was asked for and what was answered.

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::get};
use opentelemetry::{Value as Said, trace::SpanKind};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{InMemorySpanExporter, SpanData, SpanExporter},
};
use retrylab_client::Config;
use retrylab_runtime::Spans;
use serde_json::{Value, json};

use crate::support::{FAR, Server, Service, fixed, of_run, plan, request, serve};

const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Keeps its spans when it is shut down, unlike the one that it has them in.
#[derive(Clone, Debug, Default)]
struct Kept(InMemorySpanExporter);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch).await
    }
}

/// A service's spans, and where they are found.
struct Recorded {
    spans: Spans,
    kept: Kept,
}

impl Recorded {
    fn new(service: &'static str) -> Self {
        let kept = Kept::default();
        Self { spans: Spans::to(kept.clone(), service, 100).unwrap(), kept }
    }

    /// All of them, in the order in which they began.
    fn all(&self) -> Vec<SpanData> {
        self.spans.flush();
        let mut spans = self.kept.0.get_finished_spans().unwrap();
        spans.sort_by_key(|span| span.start_time);
        spans
    }
}

/// A client of whatever this is, with its spans.
async fn client_of(backend: Router, policy: Value) -> (Service, Recorded, Server) {
    let server = serve(backend).await;
    let recorded = Recorded::new("retrylab-client");
    let config = Config::new(format!("http://{}", server.address).parse().unwrap());
    let client = Service(retrylab_client::app(config, recorded.spans.clone()).unwrap());
    client.put_strategy(json!({"strategy": "naive", "policy": policy})).await;
    (client, recorded, server)
}

fn said<'a>(span: &'a SpanData, name: &str) -> Option<&'a Said> {
    span.attributes.iter().find(|said| said.key.as_str() == name).map(|said| &said.value)
}

fn text(span: &SpanData, name: &str) -> String {
    said(span, name).map(ToString::to_string).unwrap_or_default()
}

fn since(later: &SpanData, earlier: &SpanData) -> Duration {
    later.start_time.duration_since(earlier.end_time).unwrap()
}

/// Three attempts with a second between them at a backend in an outage: on either side what was done, one beneath the other.
#[tokio::test]
async fn a_request_has_a_span_each_attempt_one_below_it_and_the_backend_one_below_each_attempt() {
    let at_backend = Recorded::new("retrylab-backend");
    let config = retrylab_backend::Config::default();
    let backend = Service(retrylab_backend::app(config, at_backend.spans.clone()).unwrap());
    assert_eq!(backend.admin("POST", "/admin/fail", json!({"duration_seconds": 60})).await.0, 200);
    let (client, at_client, _server) = client_of(backend.0.clone(), fixed(3, 1_000)).await;

    let (_, answer) = client.process().await;
    let spans = at_client.all();
    let [request, attempts @ ..] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(request.span_context.trace_id().to_string(), answer["trace_id"].as_str().unwrap());
    assert_eq!(request.span_kind, SpanKind::Server);
    let of_request = ["http.response.status_code", "error.type", "retrylab.fate", "retrylab.attempts"];
    assert_eq!(of_request.map(|name| text(request, name)), ["502", "502", "exhausted", "3"]);
    assert_eq!(attempts.len(), 3);
    for (i, attempt) in attempts.iter().enumerate() {
        assert_eq!(attempt.parent_span_id, request.span_context.span_id());
        assert_eq!(attempt.span_kind, SpanKind::Client);
        let numbers = ["retrylab.attempt.number", "http.request.resend_count"].map(|name| text(attempt, name));
        let resends = if i == 0 { String::new() } else { i.to_string() };
        assert_eq!(numbers, [(i + 1).to_string(), resends]);
        let outcome = ["retrylab.attempt.outcome", "http.response.status_code"].map(|name| text(attempt, name));
        assert_eq!(outcome, ["retryable", "503"]);
        let Some(&Said::F64(wait_ms)) = said(attempt, "retrylab.attempt.wait_ms") else { panic!("{attempt:?}") };
        if i > 0 {
            let gap_ms = since(attempt, &attempts[i - 1]).as_secs_f64() * 1_000.0;
            assert!(
                wait_ms >= 1_000.0 && (gap_ms - wait_ms).abs() < 200.0,
                "{wait_ms} ms, and between the spans {gap_ms} ms"
            );
        }
    }

    let served = at_backend.all();
    let parents: Vec<_> = served.iter().map(|span| span.parent_span_id).collect();
    assert_eq!(parents, attempts.iter().map(|attempt| attempt.span_context.span_id()).collect::<Vec<_>>());
    for span in &served {
        assert_eq!(span.span_context.trace_id(), request.span_context.trace_id());
        let what = ["retrylab.fault", "retrylab.end", "http.response.status_code"].map(|name| text(span, name));
        assert_eq!(what, ["Error", "injected", "503"]);
    }
}

#[tokio::test]
async fn a_callers_trace_goes_on_and_its_word_on_sampling_holds() {
    for (given, recorded) in [(GIVEN.to_owned(), 2), (GIVEN.replace("-01", "-00"), 0)] {
        let (client, at_client, _server) = client_of(Router::new(), fixed(1, 1)).await;
        let mut request = request("GET", "/process", FAR, None, "");
        request.headers_mut().insert("traceparent", given.parse().unwrap());
        let (_, answer) = client.send(request).await;
        assert_eq!(answer["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        let spans = at_client.all();
        assert_eq!(spans.len(), recorded, "{given}");
        if let Some(request) = spans.first() {
            assert_eq!(request.parent_span_id.to_string(), "b7ad6b7169203331");
        }
    }
}

#[tokio::test]
async fn what_tracing_systems_add_to_a_trace_reaches_the_backend_whether_or_not_it_is_recorded() {
    for flags in ["-01", "-00"] {
        let echo = get(async |headers: axum::http::HeaderMap| {
            let status = if headers["tracestate"] == "a=1,b=2" { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            (status, "")
        });
        let (client, _, _server) = client_of(Router::new().route("/process", echo), fixed(1, 1)).await;
        let mut request = request("GET", "/process", FAR, None, "");
        request.headers_mut().insert("traceparent", GIVEN.replace("-01", flags).parse().unwrap());
        request.headers_mut().insert("tracestate", "a=1,b=2".parse().unwrap());
        assert_eq!(client.send(request).await.0, 200);
    }
}

#[tokio::test]
async fn a_hedge_that_wins_leaves_a_span_that_was_given_up() {
    let first_is_slow = get(async |request: axum::extract::Request| {
        let pause_ms = if request.headers()["x-retrylab-attempt"] == "1" { 60_000 } else { 0 };
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        StatusCode::OK
    });
    let mut policy = fixed(2, 1);
    policy["hedging"] = json!({"delay_ms": 20, "max_hedges": 1});
    let (client, at_client, _server) = client_of(Router::new().route("/process", first_is_slow), policy).await;
    assert_eq!(client.process().await.0, 200);
    let spans = at_client.all();
    let said = |name| spans[1..].iter().map(|span| text(span, name)).collect::<Vec<_>>();
    assert_eq!(said("retrylab.attempt.outcome"), ["givenUp", "success"]);
    assert_eq!(said("retrylab.attempt.kind"), ["first", "hedge"]);
}

#[tokio::test]
async fn what_is_of_a_run_says_of_which() {
    let (client, at_client, _server) = client_of(Router::new(), fixed(1, 1)).await;
    client.hand_over(plan("naive", &fixed(1, 1), 1_000)).await;
    client.send(of_run("r", 5, 9)).await;
    let spans = at_client.all();
    assert_eq!(["retrylab.run", "retrylab.request"].map(|name| text(&spans[0], name)), ["r", "9"]);
}

#[tokio::test]
async fn spans_that_are_counted_are_among_the_metrics_and_without_traces_there_is_no_such_metric() {
    let (client, at_client, _server) = client_of(Router::new(), fixed(1, 1)).await;
    client.process().await;
    at_client.spans.flush();
    assert_eq!(client.metric(r#"retrylab_spans_total{result="sent"} "#).await, Some(2.0));
    assert_eq!(crate::support::lonely(|_| {}).metric("retrylab_spans_total").await, None);
}
