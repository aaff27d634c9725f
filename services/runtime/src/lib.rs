//! What every Retrylab service shares, so that each of them is only its own idea: serving and shutting down, the guard
//! of `/admin`, JSON bodies and errors, the run protocol, metrics, logs and traces.

mod clock;
mod descriptors;
mod guard;
mod headers;
mod json;
mod listen;
mod metrics;
mod peer;
mod reach;
mod runs;
mod serve;
mod telemetry;
mod traces;
mod unforeseen;
mod windows;

pub use clock::RunClock;
pub use descriptors::raised_descriptor_limit;
pub use guard::{AdminToken, guarded};
pub use headers::{
    ATTEMPT_HEADER, TRACE_HEADER, TRACE_STATE_HEADER, TraceContext, attempt_number, patience, run_tag, time_left,
};
pub use json::{ApiError, Json, with_json_errors};
pub use listen::listen;
pub use metrics::{HttpMetrics, exposition};
pub use peer::Peer;
pub use reach::ready_route;
pub use runs::{Run, Runs, Workload, run_routes};
pub use serve::{serve, serve_on};
pub use telemetry::{init_logs, log_lines};
pub use traces::{NoTraces, Span, Spans, attribute};
pub use unforeseen::Unforeseen;
pub use windows::{WindowGauge, WindowKind};
