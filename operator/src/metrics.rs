//! The operator's own metrics.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// Counts passes and their time.
pub struct Metrics {
    pub registry: Registry,
    /// Passes over an object, by result: ok, conflict, or what went wrong.
    pub reconciles: IntCounterVec,
    /// How long a pass took, in seconds.
    pub seconds: Histogram,
    /// Status writes.
    pub status_writes: prometheus::IntCounter,
}

impl Metrics {
    /// # Errors
    /// Never with a fresh registry.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let reconciles =
            IntCounterVec::new(Opts::new("retrylab_reconciles_total", "Passes over an experiment"), &["result"])?;
        let seconds = Histogram::with_opts(HistogramOpts::new(
            "retrylab_reconcile_duration_seconds",
            "Time of a pass, in seconds",
        ))?;
        let status_writes = prometheus::IntCounter::new("retrylab_status_writes_total", "Statuses written")?;
        registry.register(Box::new(reconciles.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(status_writes.clone()))?;
        Ok(Self { registry, reconciles, seconds, status_writes })
    }
}
