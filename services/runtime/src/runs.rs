//! The run protocol: `PUT`, `GET` and `DELETE /admin/runs/{id}` over whatever the service does in a run.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use retrylab_core::{
    timeline::MAX_DURATION_MS,
    wire::{FieldError, NoSuchRun, RunPlan, RunReport, RunRequest, RunState},
};
use serde::Serialize;

use crate::{
    clock::RunClock,
    json::{ApiError, Json},
};

/// Runs that are kept, the latest ones; an experiment has at most eight arms.
const KEPT_RUNS: usize = 16;
/// Longest time until a run's start.
const MAX_LEAD_MS: i64 = 600_000;

/// A service's side of the protocol: it knows how to begin a run.
pub trait Workload: Send + Sync + 'static {
    /// The service's part of a run.
    type Plan: RunPlan;
    /// A run under way.
    type Run: Run;

    /// Takes up a run; returns at once. From here on the run follows `clock`, and nobody needs to speak to it again.
    fn begin(&self, id: &str, plan: &Self::Plan, clock: RunClock) -> Self::Run;
}

/// A run under way.
pub trait Run: Send + Sync + 'static {
    /// What it counts.
    type Results: Serialize + Send;

    /// Whether nothing of it is under way or still to come, once its schedule has passed.
    fn is_idle(&self) -> bool;

    /// The counts so far.
    fn results(&self) -> Self::Results;

    /// Ends it now: nothing more is sent, no fault goes on.
    fn stop(&self);
}

/// The runs that a process has been handed.
pub struct Runs<W: Workload> {
    workload: W,
    up_since: Instant,
    entries: Mutex<Vec<Arc<Entry<W>>>>,
}

struct Entry<W: Workload> {
    id: String,
    plan: W::Plan,
    clock: RunClock,
    run: W::Run,
    stopped: AtomicBool,
}

impl<W: Workload> Entry<W> {
    fn state(&self) -> RunState {
        let scheduled_until_us = self.plan.duration_ms() * 1_000;
        if self.stopped.load(Ordering::Acquire) {
            RunState::Stopped
        } else if !self.clock.has_started() {
            RunState::Scheduled
        } else if self.clock.now_us() >= scheduled_until_us && self.run.is_idle() {
            RunState::Complete
        } else {
            RunState::Running
        }
    }

    fn report(&self) -> RunReport<<W::Run as Run>::Results> {
        // The state first: counts that are read after "complete" was seen are final.
        let state = self.state();
        RunReport {
            id: self.id.clone(),
            state,
            elapsed_ms: self.clock.now_us() / 1_000,
            joined_at_ms: self.clock.joined_at_us() / 1_000,
            results: self.run.results(),
        }
    }
}

impl<W: Workload> Runs<W> {
    /// No runs yet.
    pub fn new(workload: W) -> Arc<Self> {
        Arc::new(Self { workload, up_since: Instant::now(), entries: Mutex::default() })
    }

    /// Hands over a run: takes it up, or finds that it is the one that is there already.
    fn put(&self, id: &str, request: &RunRequest<W::Plan>) -> Result<(StatusCode, Arc<Entry<W>>), ApiError> {
        validate(id, request)?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().find(|e| e.id == id) {
            return if entry.plan == request.plan {
                Ok((StatusCode::OK, Arc::clone(entry)))
            } else {
                Err(ApiError::new(StatusCode::CONFLICT, format!("run {id} was handed over with another plan")))
            };
        }
        if let Some(busy) = entries.iter().find(|e| matches!(e.state(), RunState::Scheduled | RunState::Running)) {
            return Err(ApiError::new(StatusCode::CONFLICT, format!("run {} is still under way", busy.id)));
        }
        let clock = RunClock::starting_in(request.starts_in_ms);
        let run = self.workload.begin(id, &request.plan, clock);
        let entry = Arc::new(Entry {
            id: id.to_owned(),
            plan: request.plan.clone(),
            clock,
            run,
            stopped: AtomicBool::new(false),
        });
        if entries.len() == KEPT_RUNS {
            entries.remove(0);
        }
        entries.push(Arc::clone(&entry));
        tracing::info!(run = id, starts_in_ms = request.starts_in_ms, "run handed over");
        Ok((StatusCode::CREATED, entry))
    }

    fn find(&self, id: &str) -> Result<Arc<Entry<W>>, NotHere> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|e| e.id == id).cloned().ok_or_else(|| {
            let uptime_ms = self.up_since.elapsed().as_millis() as u64;
            NotHere(NoSuchRun { error: format!("there is no run {id} here"), uptime_ms })
        })
    }
}

fn validate<P: RunPlan>(id: &str, request: &RunRequest<P>) -> Result<(), FieldError> {
    let allowed_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if id.is_empty() || id.len() > 63 || !id.chars().all(allowed_id) {
        return Err(FieldError::new("id", id, "1 to 63 letters, digits and hyphens"));
    }
    let earliest = -(MAX_DURATION_MS as i64);
    if !(earliest..=MAX_LEAD_MS).contains(&request.starts_in_ms) {
        return Err(FieldError::new("starts_in_ms", request.starts_in_ms, format!("{earliest} to {MAX_LEAD_MS}")));
    }
    request.plan.validate().map_err(|e| e.within("plan"))
}

/// The routes of the run protocol; to be [guarded](crate::guarded).
pub fn run_routes<W: Workload>(runs: Arc<Runs<W>>) -> Router {
    Router::new().route("/admin/runs/{id}", get(report::<W>).put(hand_over::<W>).delete(stop::<W>)).with_state(runs)
}

async fn hand_over<W: Workload>(
    State(runs): State<Arc<Runs<W>>>,
    Path(id): Path<String>,
    Json(request): Json<RunRequest<W::Plan>>,
) -> Result<Response, ApiError> {
    let (status, entry) = runs.put(&id, &request)?;
    Ok((status, Json(entry.report())).into_response())
}

async fn report<W: Workload>(
    State(runs): State<Arc<Runs<W>>>,
    Path(id): Path<String>,
) -> Result<Json<RunReport<<W::Run as Run>::Results>>, NotHere> {
    runs.find(&id).map(|entry| Json(entry.report()))
}

async fn stop<W: Workload>(
    State(runs): State<Arc<Runs<W>>>,
    Path(id): Path<String>,
) -> Result<Json<RunReport<<W::Run as Run>::Results>>, NotHere> {
    let entry = runs.find(&id)?;
    if entry.state() != RunState::Complete && !entry.stopped.swap(true, Ordering::AcqRel) {
        entry.run.stop();
        tracing::info!(run = id, "run stopped");
    }
    Ok(Json(entry.report()))
}

/// The answer about a run that this process has never had.
struct NotHere(NoSuchRun);

impl IntoResponse for NotHere {
    fn into_response(self) -> Response {
        (StatusCode::NOT_FOUND, Json(self.0)).into_response()
    }
}

#[cfg(test)]
mod tests;
