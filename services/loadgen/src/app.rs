//! The load generator's routes.

use axum::{Router, middleware::from_fn_with_state, routing::get};
use prometheus::Registry;
use retrylab_core::wire::Health;
use retrylab_runtime::{HttpMetrics, Json, Runs, exposition, guarded, ready_route, run_routes, with_json_errors};

use crate::{config::Config, metrics::Metrics, run::Loadgen};

const SERVICE: &str = "loadgen";

/// The load generator as a service, with a registry of its own.
///
/// # Errors
/// When two metrics have the same name, which a test rules out.
pub fn app(config: Config) -> prometheus::Result<Router> {
    let registry = Registry::new();
    let http = HttpMetrics::new(SERVICE, &registry)?;
    let metrics = Metrics::new(&registry)?;
    let windows = metrics.windows.clone();
    let runs = Runs::new(Loadgen::new(metrics).with_max_connections(config.max_connections as usize));
    let metrics_text = move || {
        windows.show();
        std::future::ready(exposition(&registry))
    };
    let routes = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .merge(ready_route(config.target))
        .merge(guarded(run_routes(runs), config.admin_token));
    Ok(with_json_errors(routes).layer(from_fn_with_state(http, HttpMetrics::count)))
}

async fn health() -> Json<Health> {
    Json(Health { status: "healthy".into(), service: SERVICE.into(), failure_active: None })
}
