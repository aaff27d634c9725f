//! The metrics that every service has, under the names that existing queries use, and their exposition.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

/// `http_requests_total` and `http_request_duration_seconds` of one service.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    service: &'static str,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// Registers both metrics.
    ///
    /// # Errors
    /// When the registry has metrics of these names.
    pub fn new(service: &'static str, registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "HTTP requests answered"),
            &["service", "method", "endpoint", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time to answer an HTTP request, in seconds")
                .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            &["service", "method", "endpoint"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { service, requests, seconds })
    }

    /// Middleware that counts every request of a route; for `axum::middleware::from_fn_with_state`.
    pub async fn count(State(metrics): State<Self>, request: Request, next: Next) -> Response {
        let begun = Instant::now();
        let method = known(request.method());
        // The route, not the path: labels must stay few whatever is asked for.
        let endpoint =
            request.extensions().get::<MatchedPath>().map_or_else(|| "other".into(), |p| p.as_str().to_owned());
        let response = next.run(request).await;
        let status = response.status();
        let labels = [metrics.service, method, &endpoint, status.as_str()];
        metrics.requests.with_label_values(&labels).inc();
        metrics.seconds.with_label_values(&labels[..3]).observe(begun.elapsed().as_secs_f64());
        response
    }
}

/// The method as a label: anybody can make up others.
fn known(method: &Method) -> &'static str {
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::PATCH]
        .iter()
        .zip(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
        .find_map(|(known, label)| (known == method).then_some(label))
        .unwrap_or("other")
}

/// The registry's metrics in Prometheus' text format.
pub fn exposition(registry: &Registry) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(e) => crate::ApiError::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}
