//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use kube::runtime::watcher;
use prometheus::Registry;
use retrylab_runtime::exposition;

/// The watches that have not listed everything yet: the one truth behind `/readyz`. All gates are made before it is served.
#[derive(Clone, Default)]
pub struct Readiness {
    closed: Arc<AtomicUsize>,
}

impl Readiness {
    /// For every event of a watch: a gate that opens when the watch has listed everything. (Not by waiting for its store: a
    /// store wakes only one waiter, and that is the controller.)
    pub fn gate<K>(&self) -> impl Fn(&watcher::Result<watcher::Event<K>>) + use<K> {
        self.closed.fetch_add(1, Ordering::AcqRel);
        let (closed, is_open) = (Arc::clone(&self.closed), AtomicBool::new(false));
        move |event| {
            if matches!(event, Ok(watcher::Event::InitDone)) && !is_open.swap(true, Ordering::AcqRel) {
                closed.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    fn status(&self) -> StatusCode {
        if self.closed.load(Ordering::Acquire) == 0 { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// The operator's routes.
pub fn app(readiness: Readiness, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(move || async move { readiness.status() }))
        .route("/metrics", get(move || async move { exposition(&registry) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_ready_when_every_watch_has_listed_everything_however_often_some_begin_anew() {
        let readiness = Readiness::default();
        let (one, other) = (readiness.gate::<()>(), readiness.gate::<()>());
        for event in [watcher::Event::Init, watcher::Event::InitDone, watcher::Event::InitDone] {
            assert_eq!(readiness.status(), StatusCode::SERVICE_UNAVAILABLE);
            one(&Ok(event));
        }
        assert_eq!(readiness.status(), StatusCode::SERVICE_UNAVAILABLE);
        other(&Ok(watcher::Event::InitDone));
        assert_eq!(readiness.status(), StatusCode::OK);
    }
}
