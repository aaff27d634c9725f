//! `GET /process`: a request meets the fault in force, waits for a worker, is served.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use rand::RngExt;
use retrylab_core::{
    fault::{self, FaultKind},
    wire::BackendAnswer,
};
use retrylab_runtime::{Json, TraceContext, attempt_number, run_tag};

use crate::{
    backend::Backend,
    books::Books,
    faults::Met,
    job::{Done, Job},
};

/// A request on its way through the backend.
struct Arrival {
    at: Instant,
    trace: TraceContext,
    /// Of the run that the request belongs to.
    books: Option<Arc<Books>>,
    /// The request's number in the run and the attempt's number in the request.
    attempt: Option<(u64, u32)>,
}

/// Serves one request.
pub async fn process(State(backend): State<Arc<Backend>>, request: Request) -> Response {
    let arrival = Arrival::of(&backend, request.headers());
    drop(request); // its buffers are not held while it waits
    backend.metrics.received.inc();
    if let Some(books) = &arrival.books {
        books.received();
    }
    let delay = match arrival.struck_by(&backend) {
        Some(FaultKind::Error { status, .. }) => return arrival.injected(&backend, status),
        Some(FaultKind::Latency { delay_ms, .. }) => Duration::from_millis(delay_ms),
        Some(FaultKind::Freeze) | None => Duration::ZERO,
    };
    let (job, news) = Job::new(Arc::clone(&backend.metrics), arrival.books.clone());
    backend.workers.take(job, delay);
    match news.await {
        Ok(Done::Served { processing }) => arrival.answer(StatusCode::OK, processing, false, None),
        Ok(Done::Rejected) => arrival.unavailable("queue full"),
        Err(_) => arrival.unavailable("ending"),
    }
}

impl Arrival {
    fn of(backend: &Backend, headers: &HeaderMap) -> Self {
        let tag = run_tag(headers);
        Self {
            at: Instant::now(),
            trace: TraceContext::of(headers, || backend.unforeseen.trace_id()),
            books: tag.as_ref().and_then(|tag| backend.open_books.of(tag)),
            attempt: tag.and_then(|tag| Some((tag.serial, attempt_number(headers)?))),
        }
    }

    /// The fault that strikes the request, if one does. If a window of its run is in effect, it counts as exposed.
    fn struck_by(&self, backend: &Backend) -> Option<FaultKind> {
        let Met { kind, window, is_the_windows } = backend.faults.met()?;
        backend.metrics.during_failure.inc();
        let struck = kind.permille() >= 1_000 || self.draw(backend) < kind.permille();
        if let (Some(window), Some(_)) = (window, &self.books) {
            window.expose(struck && is_the_windows);
        }
        struck.then_some(kind)
    }

    /// A number from 0 to 999: an attempt of a run rolls its own, anything else one that nobody can foresee.
    fn draw(&self, backend: &Backend) -> u16 {
        match (&self.books, self.attempt) {
            (Some(books), Some((serial, attempt))) => fault::roll(books.seed, serial, attempt),
            _ => backend.unforeseen.draw(|rng| rng.random_range(0..1_000)),
        }
    }

    fn injected(&self, backend: &Backend, status: u16) -> Response {
        backend.metrics.injected.inc();
        if let Some(books) = &self.books {
            books.injected();
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        self.answer(status, Duration::ZERO, true, Some("injected failure"))
    }

    fn unavailable(&self, why: &str) -> Response {
        self.answer(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO, false, Some(why))
    }

    fn answer(
        &self,
        status: StatusCode,
        processing: Duration,
        failure_injected: bool,
        error: Option<&str>,
    ) -> Response {
        let answer = BackendAnswer {
            service: "backend".into(),
            trace_id: self.trace.trace_id(),
            processing_ms: millis(processing),
            total_duration_ms: millis(self.at.elapsed()),
            timestamp: crate::timestamp::rfc3339(SystemTime::now()),
            failure_injected,
            error: error.map(str::to_owned),
        };
        (status, Json(answer)).into_response()
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}
