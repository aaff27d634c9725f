//! One client: its parts, and the routes to them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::Registry;
use retrylab_core::wire::{Health, StrategySetting};
use retrylab_runtime::{
    HttpMetrics, Json, Runs, Spans, Unforeseen, exposition, guarded, ready_route, run_routes, with_json_errors,
};

use crate::{
    admin,
    books::OpenBooks,
    call::Call,
    config::Config,
    metrics::Metrics,
    run::ClientWorkload,
    strategy::{InForce, Strategy},
    to_the_end::ToTheEnd,
    upstream::Upstream,
};

/// What the handlers share.
#[derive(Debug)]
pub struct Client {
    /// What is in force.
    pub strategy: Arc<Strategy>,
    /// The backend.
    pub upstream: Upstream,
    /// Where requests find the books of their run.
    pub open_books: Arc<OpenBooks>,
    /// The client's own metrics.
    pub metrics: Arc<Metrics>,
    /// For what belongs to no run.
    pub unforeseen: Unforeseen,
    /// Where traces go.
    pub spans: Spans,
    registry: Registry,
}

/// A client of its own, with its state, as a router; its spans go there.
///
/// # Errors
/// When a metric is registered twice.
pub fn app(config: Config, spans: Spans) -> prometheus::Result<Router> {
    let client = Arc::new(Client::new(&config, spans)?);
    let http = HttpMetrics::new("client", &client.registry)?;
    let (strategy, open_books) = (Arc::clone(&client.strategy), Arc::clone(&client.open_books));
    let metrics = Arc::clone(&client.metrics);
    let runs = Runs::new(ClientWorkload { strategy, open_books, metrics });
    let admin = admin::routes().with_state(Arc::clone(&client)).merge(run_routes(runs));
    let open = Router::new()
        .route("/process", get(process))
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .with_state(client)
        .merge(ready_route(Some(config.backend_url.address)));
    let routes = with_json_errors(open.merge(guarded(admin, config.admin_token)));
    Ok(routes.layer(from_fn_with_state(http, HttpMetrics::count)))
}

impl Client {
    /// A client that has served nothing.
    ///
    /// # Errors
    /// When a metric is registered twice.
    pub fn new(config: &Config, spans: Spans) -> prometheus::Result<Self> {
        let registry = Registry::new();
        spans.register(&registry)?;
        let in_force = InForce::new(StrategySetting::preset(config.strategy), config.timeout());
        Ok(Self {
            strategy: Arc::new(Strategy::new(in_force, &registry)?),
            upstream: Upstream::new(config.backend_url.clone()),
            open_books: Arc::default(),
            metrics: Arc::new(Metrics::new(&registry)?),
            unforeseen: Unforeseen::new(),
            spans,
            registry,
        })
    }
}

/// Every request is carried through, so that it has one fate, even when whoever asked has gone.
async fn process(State(client): State<Arc<Client>>, request: Request) -> Response {
    let call = Call::arrive(&client, request.headers());
    drop(request); // its buffers are not held while it waits
    let answer = ToTheEnd::new(call.carry_through()).await;
    (status(answer.success), Json(answer)).into_response()
}

/// The answer to a request that got one, or got none.
pub const fn status(success: bool) -> StatusCode {
    if success { StatusCode::OK } else { StatusCode::BAD_GATEWAY }
}

async fn health() -> Json<Health> {
    Json(Health { status: "healthy".into(), service: "client".into(), failure_active: None })
}

async fn metrics_text(State(client): State<Arc<Client>>) -> Response {
    client.metrics.observe(&client.strategy.in_force());
    exposition(&client.registry)
}
