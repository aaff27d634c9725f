//! `GET /process`: a request meets the fault in force, waits for a worker, is served.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use retrylab_core::{
    fault::FaultKind,
    station::{Chance, End, Ticket},
    wire::BackendAnswer,
};
use retrylab_runtime::{Json, Peer, TraceContext, attempt_number, patience, run_tag};

use crate::{
    backend::Backend,
    faults::Met,
    job::{Job, News, OfRun},
    spans::RequestSpan,
    workers::Workers,
};

/// How long a blackhole holds a connection at most: as long as any client of an experiment may wait for an answer.
const HELD_MAX: Duration = Duration::from_secs(600);

/// A request on its way through the backend.
struct Arrival {
    at: Instant,
    trace: TraceContext,
    span: RequestSpan,
    of_run: OfRun,
    /// How long its client waits, if it has said so.
    patience: Option<Duration>,
    /// Whose connection can be cut.
    peer: Option<Peer>,
}

/// Serves one request.
pub async fn process(State(backend): State<Arc<Backend>>, request: Request) -> Response {
    let mut arrival = Arrival::of(&backend, &request);
    drop(request); // its buffers are not held while it waits
    backend.metrics.received.inc();
    if let Some(books) = &arrival.of_run.books {
        books.received();
    }
    let delay = match arrival.struck_by(&backend) {
        Some(FaultKind::Error { status, retry_after_s, .. }) => {
            return arrival.injected(&backend, status, retry_after_s);
        }
        Some(FaultKind::Blackhole { .. }) => return arrival.swallowed(&backend).await,
        Some(FaultKind::Reset { .. } | FaultKind::Refuse { .. }) => return arrival.turned_out(&backend).await,
        Some(FaultKind::Latency { delay_ms, .. }) => Duration::from_millis(delay_ms),
        Some(FaultKind::Freeze | FaultKind::Capacity { .. }) | None => Duration::ZERO,
    };
    let (job, news) = Job::new(Arc::clone(&backend.metrics), arrival.of_run.clone());
    let lot = backend.dice.lot(&backend.model, arrival.of_run.chance);
    let ticket = backend.workers.take(job, delay, arrival.patience, lot);
    let mut presence = Presence { workers: &backend.workers, ticket, ends: backend.model.cancel_on_disconnect };
    match news.await {
        Ok(News::Left { end, processing }) => {
            presence.ends = false;
            arrival.left(end, processing)
        }
        Ok(News::CutOff) => {
            arrival.span.cut_off();
            arrival.cut().await
        }
        Err(_) => arrival.answer(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO, false, Some("ending")),
    }
}

/// That somebody waits for a request. When the connection ends, the handler is dropped and this with it.
struct Presence<'a> {
    workers: &'a Workers,
    ticket: Ticket,
    /// Whether the station is to be told.
    ends: bool,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if self.ends {
            self.workers.disconnect(self.ticket);
        }
    }
}

impl Arrival {
    fn of(backend: &Backend, request: &Request) -> Self {
        let (headers, at) = (request.headers(), Instant::now());
        let tag = run_tag(headers);
        let books = tag.as_ref().and_then(|tag| backend.open_books.of(tag));
        let attempt = attempt_number(headers);
        let chance = match (&books, &tag, attempt) {
            (Some(books), Some(tag), Some(attempt)) => Some(Chance { seed: books.seed, serial: tag.serial, attempt }),
            _ => None,
        };
        let (trace, span) = backend.spans.arrive(headers, || backend.dice.trace_id());
        let of_run = books.as_deref().and_then(|books| Some((books.arm(), tag.as_ref()?)));
        Self {
            at,
            trace,
            span: RequestSpan::new(span, attempt, of_run),
            of_run: OfRun { books, chance },
            patience: patience(headers),
            peer: request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.clone()),
        }
    }

    /// The fault that strikes the request, if one does. If a window of its run is in effect, it counts as exposed.
    fn struck_by(&mut self, backend: &Backend) -> Option<FaultKind> {
        let Met { kind, window, is_the_windows, workers_follow } = backend.faults.met()?;
        backend.metrics.during_failure.inc();
        let struck = workers_follow && backend.dice.strikes(kind.permille(), self.of_run.chance);
        if let (Some(window), Some(_)) = (window, &self.of_run.books) {
            window.expose(struck && is_the_windows);
        }
        if !struck {
            return None;
        }
        self.span.struck(&kind);
        Some(kind)
    }

    fn injected(&mut self, backend: &Backend, status: u16, retry_after_s: Option<u32>) -> Response {
        self.ended_by_fault(backend);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let mut response = self.answer(status, Duration::ZERO, true, Some("injected failure"));
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    /// For the backend it is over; the client will have to find out by itself.
    async fn swallowed(&mut self, backend: &Backend) -> Response {
        self.ended_by_fault(backend);
        tokio::time::sleep(HELD_MAX).await;
        self.cut().await
    }

    async fn turned_out(&mut self, backend: &Backend) -> Response {
        self.ended_by_fault(backend);
        self.cut().await
    }

    fn ended_by_fault(&mut self, backend: &Backend) {
        self.span.injected();
        backend.metrics.injected.inc();
        if let Some(books) = &self.of_run.books {
            books.injected();
        }
    }

    /// Cuts the connection, with which this ends; without a connection, until whoever called gives up.
    async fn cut(&self) -> Response {
        match &self.peer {
            Some(peer) => match peer.cut().await {},
            None => pending().await,
        }
    }

    fn left(&mut self, end: End, processing: Duration) -> Response {
        self.span.left(end, processing);
        let why = match end {
            End::Served { .. } => None,
            End::Rejected => Some("queue full"),
            End::Dropped => Some("waited too long"),
            End::Expired => Some("deadline passed"),
            End::Cancelled => Some("cancelled"),
        };
        let status = StatusCode::from_u16(end.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        self.answer(status, processing, false, why)
    }

    fn answer(
        &mut self,
        status: StatusCode,
        processing: Duration,
        failure_injected: bool,
        error: Option<&str>,
    ) -> Response {
        self.span.answered(status.as_u16());
        self.log(status);
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

    /// Of a run's requests, which are many, the log tells only where it is asked for more.
    fn log(&self, status: StatusCode) {
        let (trace_id, status) = (&self.trace, status.as_u16());
        if self.span.is_recorded() && self.of_run.books.is_none() {
            tracing::info!(%trace_id, status, "request answered");
        } else {
            tracing::debug!(%trace_id, status, "request answered");
        }
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}
