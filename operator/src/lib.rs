//! The Retrylab operator: it observes a `RetryExperiment` and its pods, lets `retrylab-plan` decide, and carries out the
//! plan. No decision is made here.

mod backoff;
mod caches;
mod config;
mod controller;
mod error;
mod events;
mod metrics;
mod outcome;
mod reconcile;
mod refusals;
mod reports;
mod resources;
mod server;
mod settings;
mod watch;
mod world;

pub use config::Config;
pub use controller::run;
pub use metrics::{Experiments, Metrics};
pub use outcome::{Awaited, outcome};
