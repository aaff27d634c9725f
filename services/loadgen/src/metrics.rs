//! The load generator's own metrics, over all of its runs.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::books::{Entry, Outcome};

/// Upper ends of the lateness buckets, in seconds.
const LATENESS_BUCKETS: [f64; 11] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];

/// Counters and gauges; cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// In the order of [`Outcome::ALL`].
    ended: [IntCounter; Outcome::ALL.len()],
    dropped: IntCounter,
    lateness: Histogram,
    connections: IntGauge,
    in_flight: IntGauge,
}

impl Metrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// When the registry has metrics of these names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("retrylab_loadgen_requests_total", "Requests that were sent and have ended, by how"),
            &["result"],
        )?;
        let metrics = Self {
            ended: Outcome::ALL.map(|outcome| requests.with_label_values(&[outcome.as_str()])),
            dropped: IntCounter::new("retrylab_loadgen_dropped_total", "Requests that could not be sent")?,
            lateness: Histogram::with_opts(
                HistogramOpts::new(
                    "retrylab_loadgen_lateness_seconds",
                    "Actual start of sending a request less its intended start, in seconds",
                )
                .buckets(LATENESS_BUCKETS.to_vec()),
            )?,
            connections: IntGauge::new("retrylab_loadgen_connections", "Connections that are open or being opened")?,
            in_flight: IntGauge::new("retrylab_loadgen_in_flight", "Requests that were sent and have not ended")?,
        };
        registry.register(Box::new(requests))?;
        registry.register(Box::new(metrics.dropped.clone()))?;
        registry.register(Box::new(metrics.lateness.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        Ok(metrics)
    }

    /// Counts an event of a request.
    pub fn count(&self, entry: Entry) {
        match entry {
            Entry::Sent { due_us, at_us } => {
                self.lateness.observe(at_us.saturating_sub(due_us) as f64 / 1e6);
                self.in_flight.inc();
            }
            Entry::Dropped { .. } => self.dropped.inc(),
            Entry::Ended { outcome, .. } => {
                self.ended[outcome as usize].inc();
                self.in_flight.dec();
            }
        }
    }

    /// Says how many connections there are.
    pub fn set_connections(&self, open: usize) {
        self.connections.set(open as i64);
    }
}
