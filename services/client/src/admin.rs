//! `/admin/strategy`: what is in force, and putting something else in force by hand.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use retrylab_core::wire::{StrategyRequest, StrategySetting};
use retrylab_runtime::{ApiError, Json};

use crate::client::Client;

/// The routes; to be guarded.
pub fn routes() -> Router<Arc<Client>> {
    Router::new().route("/admin/strategy", get(strategy).post(set_strategy))
}

async fn strategy(State(client): State<Arc<Client>>) -> Json<StrategySetting> {
    Json(client.strategy.in_force().setting.clone())
}

async fn set_strategy(
    State(client): State<Arc<Client>>,
    Json(request): Json<StrategyRequest>,
) -> Result<Json<StrategySetting>, ApiError> {
    let setting = StrategySetting::try_from(request)?;
    client.open_books.note_strategy_change();
    client.strategy.put(setting.clone(), None);
    Ok(Json(setting))
}
