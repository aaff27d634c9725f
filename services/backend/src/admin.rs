//! `/admin/fail`, `/admin/recover` and `/admin/status`: a fault by hand.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use retrylab_core::wire::{FailRequest, FailureStatus};
use retrylab_runtime::{ApiError, Json};

use crate::backend::Backend;

/// The routes; to be guarded.
pub fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route("/admin/fail", post(fail))
        .route("/admin/recover", post(recover))
        .route("/admin/status", get(status))
}

async fn fail(
    State(backend): State<Arc<Backend>>,
    Json(request): Json<FailRequest>,
) -> Result<Json<FailureStatus>, ApiError> {
    let (kind, length_ms) = request.fault()?;
    backend.open_books.note_foreign_fault();
    backend.faults.begin_by_hand(kind, request.restart, Duration::from_millis(length_ms));
    Ok(Json(backend.faults.status()))
}

async fn recover(State(backend): State<Arc<Backend>>) -> Json<FailureStatus> {
    backend.open_books.note_foreign_fault();
    backend.faults.recover();
    Json(backend.faults.status())
}

async fn status(State(backend): State<Arc<Backend>>) -> Json<FailureStatus> {
    Json(backend.faults.status())
}
