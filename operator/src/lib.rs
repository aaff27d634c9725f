//! The Retrylab operator: it observes a `RetryExperiment` and its pods, lets `retrylab-plan` decide, and carries out the
//! plan. No decision is made here.

mod backoff;
mod config;
mod controller;
mod error;
mod events;
mod metrics;
mod pods;
mod predictions;
mod reconcile;
mod refusals;
mod resources;
mod server;
mod world;

pub use config::Config;
pub use controller::run;
pub use metrics::{Experiments, Metrics};
