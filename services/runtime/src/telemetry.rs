//! Logs: JSON lines on standard output, filtered by `RUST_LOG` (`info` when it isn't set).

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// Starts logging; call once, first thing in `main`.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    log_lines(filter, std::io::stdout).init();
}

/// What writes the lines, filtered by `filter` as by `RUST_LOG`.
pub fn log_lines(
    filter: impl Into<EnvFilter>,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(writer).finish()
}
