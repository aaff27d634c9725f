//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use kube::runtime::watcher;
use prometheus::Registry;
use retrylab_runtime::exposition;

/// What must have been seen once before the operator is ready.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// All experiments.
    Experiments = 1,
    /// All their Deployments.
    Deployments = 2,
    /// All their pods.
    Pods = 4,
}

const ALL_GATES: u8 = Gate::Experiments as u8 | Gate::Deployments as u8 | Gate::Pods as u8;

/// The gates that are open: the one truth behind `/readyz`.
#[derive(Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// For every event of a watch: opens the gate when it has listed everything. (Not by waiting for the store: a store wakes only one waiter, and
    /// that is the controller.)
    pub fn opens<K>(&self, gate: Gate) -> impl Fn(&watcher::Result<watcher::Event<K>>) + use<K> {
        let gates = Arc::clone(&self.0);
        move |event| {
            if matches!(event, Ok(watcher::Event::InitDone)) {
                gates.fetch_or(gate as u8, Ordering::Release);
            }
        }
    }

    fn status(&self) -> StatusCode {
        if self.0.load(Ordering::Acquire) == ALL_GATES { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// The operator's routes.
pub fn app(readiness: Readiness, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(move || async move { readiness.status() }))
        .route("/metrics", get(move || async move { exposition(&registry) }))
}
