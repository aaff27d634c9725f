//! One backend: its parts, and the routes to them.

use std::{io, sync::Arc};

use axum::{Router, extract::State, middleware::from_fn_with_state, response::Response, routing::get};
use prometheus::Registry;
use retrylab_core::{
    station::BackendModel,
    wire::{FieldError, Health},
};
use retrylab_runtime::{AdminToken, HttpMetrics, Json, Runs, Spans, exposition, guarded, run_routes, with_json_errors};

use crate::{
    admin, books::OpenBooks, config::Config, dice::Dice, faults::Faults, metrics::Metrics, process::process,
    run::BackendWorkload, workers::Workers,
};

/// Why a backend can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system has no timer.
    #[error("cannot create a timer: {0}")]
    Timer(#[from] io::Error),
    /// The settings are not allowed.
    #[error("cannot take the settings: {0}")]
    Settings(#[from] FieldError),
    /// A metric was registered twice.
    #[error("cannot register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// What the handlers share.
#[derive(Debug)]
pub struct Backend {
    /// Where requests are served.
    pub workers: Arc<Workers>,
    /// What is broken.
    pub faults: Arc<Faults>,
    /// Where requests find the books of their run.
    pub open_books: Arc<OpenBooks>,
    /// The backend's own metrics.
    pub metrics: Arc<Metrics>,
    /// What is left to chance.
    pub dice: Arc<Dice>,
    /// What it is like.
    pub model: BackendModel,
    /// Where traces go.
    pub spans: Spans,
    registry: Registry,
}

/// A backend of its own, with its state, as a router; its spans go there. Dropping the router ends its tasks. Needs a tokio
/// runtime.
///
/// # Errors
/// When a setting is not allowed, or the operating system has no timer.
pub fn app(config: Config, spans: Spans) -> Result<Router, StartError> {
    app_of(config.model()?, config.admin_token, spans)
}

/// A backend that is like this, for callers that have no flags to parse.
///
/// # Errors
/// When the model is not allowed, or the operating system has no timer.
pub fn app_of(model: BackendModel, admin_token: AdminToken, spans: Spans) -> Result<Router, StartError> {
    model.validate()?;
    let registry = Registry::new();
    spans.register(&registry)?;
    let http = HttpMetrics::new("backend", &registry)?;
    let metrics = Arc::new(Metrics::new(&registry)?);
    let (workers, dice) = (Arc::new(Workers::new(&model)?), Arc::new(Dice::default()));
    let faults = Arc::new(Faults::new(Arc::clone(&workers), Arc::clone(&dice)));
    let open_books = Arc::new(OpenBooks::default());
    let workload = BackendWorkload { faults: Arc::clone(&faults), open_books: Arc::clone(&open_books) };
    let backend = Arc::new(Backend { workers, faults, open_books, metrics, dice, model, spans, registry });
    let admin = admin::routes().with_state(Arc::clone(&backend)).merge(run_routes(Runs::new(workload)));
    let open = Router::new()
        .route("/process", get(process))
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .with_state(backend);
    let routes = with_json_errors(open.merge(guarded(admin, admin_token)));
    Ok(routes.layer(from_fn_with_state(http, HttpMetrics::count)))
}

async fn health(State(backend): State<Arc<Backend>>) -> Json<Health> {
    let failure_active = Some(backend.faults.met().is_some());
    Json(Health { status: "healthy".into(), service: "backend".into(), failure_active })
}

async fn metrics_text(State(backend): State<Arc<Backend>>) -> Response {
    let (in_service, queued) = backend.workers.load();
    backend.metrics.in_service.set(i64::from(in_service));
    backend.metrics.queue_length.set(queued as i64);
    backend.metrics.failure_active.set(i64::from(backend.faults.met().is_some()));
    if let Some(books) = backend.open_books.latest() {
        backend.metrics.show_windows(&books);
    }
    exposition(&backend.registry)
}
