//! The load generator of an experiment: takes a run's whole load by the run protocol and sends it, each request at its
//! intended time, whatever became of the others.
//!
//! * [`app()`] is the service: `/health`, `/metrics`, `/admin/runs/{id}`.
//! * [`Loadgen`] begins runs; each is an engine on a thread of its own, apart from whatever serves the routes.
//! * The counts are those of [`retrylab_core::stats::LoadSeries`]. `planned` is counted at the moment at which a request
//!   turns out sent or dropped, so that these two sum to it at any time.
//! * `sent` means that a byte of it was written; a request of which none was (no connection could be opened, or none was
//!   free) is `dropped`. It is `ok` with an answer of 2xx that was read to its end, else `failed`.
//! * Every request that was sent has one latency, whatever its outcome: from its intended start to its answer's last
//!   byte, or to its end otherwise.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "Retrylab's services and the command `retrylab` need Linux, with whose timerfd the load generator keeps its schedule. On another system build them in a Linux container or virtual machine"
);

mod app;
mod books;
mod config;
mod engine;
mod http;
mod metrics;
mod run;
mod windows;

pub use app::app;
pub use config::Config;
pub use metrics::Metrics;
pub use run::{Loadgen, LoadgenRun};
