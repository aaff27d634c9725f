//! What every Retrylab service shares, so that each of them is only its own idea: serving and shutting down, the guard
//! of `/admin`, JSON bodies and errors, the run protocol, metrics and logs.

mod clock;
mod guard;
mod json;
mod metrics;
mod runs;
mod serve;
mod telemetry;

pub use clock::RunClock;
pub use guard::{AdminToken, guarded};
pub use json::{ApiError, Json};
pub use metrics::{HttpMetrics, exposition};
pub use runs::{Run, Runs, Workload, run_routes};
pub use serve::serve;
pub use telemetry::init_logs;
