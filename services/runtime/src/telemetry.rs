//! Logs: JSON lines on standard output, filtered by `RUST_LOG` (`info` when it isn't set).

use tracing_subscriber::EnvFilter;

/// Starts logging; call once, first thing in `main`.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
}
