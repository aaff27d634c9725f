//! The operator's own metrics: what it does is counted as it does it; what its experiments are is read when somebody asks.

mod experiments;

pub use experiments::Experiments;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use retrylab_api::LAYERS_MAX;
use retrylab_conduct::{Outcome, Said, Told};
use retrylab_plan::Role;

use crate::error::Error;

/// What becomes of a pass besides an error.
const OK: &str = "ok";
const CONFLICT: &str = "conflict";

/// Counts passes, their time, and what they did.
pub struct Metrics {
    /// Where they are registered.
    pub registry: Registry,
    reconciles: IntCounterVec,
    seconds: Histogram,
    /// Status writes.
    pub status_writes: IntCounter,
    acts: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// Never with a fresh registry.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let passes =
            "Passes over an experiment by result: ok, conflict (somebody wrote in between), or what went wrong";
        let reconciles = counter("retrylab_reconciles_total", passes, &["result"])?;
        let acts = "What pods were told, by what became of it: ok, late (a new start is settled) or failed";
        let acts = counter("retrylab_pod_acts_total", acts, &["act", "role", "result"])?;
        let seconds = HistogramOpts::new("retrylab_reconcile_duration_seconds", "Time of a pass, in seconds");
        let seconds = Histogram::with_opts(seconds)?;
        let status_writes = IntCounter::new("retrylab_status_writes_total", "Statuses written")?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(status_writes.clone()))?;
        // There from the beginning: a counter that appears with a value has no rate.
        for result in [OK, CONFLICT].into_iter().chain(Error::LABELS) {
            reconciles.with_label_values(&[result]);
        }
        for role in Role::all(LAYERS_MAX) {
            for (told, outcome) in Told::ALL.into_iter().flat_map(|told| Outcome::ALL.map(|outcome| (told, outcome))) {
                acts.with_label_values(&[told.as_str(), role.as_str(), outcome.as_str()]);
            }
        }
        Ok(Self { registry, reconciles, seconds, status_writes, acts })
    }

    /// A pass is over; `Err`: what went wrong, `Ok(false)`: somebody wrote in between.
    pub fn pass(&self, result: Result<bool, &Error>, seconds: f64) {
        let label = match result {
            Ok(true) => OK,
            Ok(false) => CONFLICT,
            Err(error) => error.label(),
        };
        self.reconciles.with_label_values(&[label]).inc();
        self.seconds.observe(seconds);
    }

    /// Pods were told something, or not.
    pub fn told(&self, all: &[Said]) {
        for Said { told, role, outcome } in all {
            self.acts.with_label_values(&[told.as_str(), role.as_str(), outcome.as_str()]).inc();
        }
    }
}
