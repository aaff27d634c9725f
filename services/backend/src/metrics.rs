//! The backend's own metrics; those of every service are in the runtime.

use prometheus::{IntCounter, IntGauge, Registry};
use retrylab_core::station::End;
use retrylab_runtime::{WindowGauge, WindowKind};

use crate::books::Books;

/// Registered in one registry, written by the requests, and the gauges when somebody looks.
#[derive(Debug)]
pub struct Metrics {
    /// Requests to `/process` that arrived.
    pub received: IntCounter,
    /// Requests that arrived while a fault was active.
    pub during_failure: IntCounter,
    /// Requests that a fault ended.
    pub injected: IntCounter,
    /// Requests that the full queue turned away.
    pub rejected: IntCounter,
    /// Requests that the queue's discipline dropped.
    pub dropped: IntCounter,
    /// Requests whose deadline had passed when they would have been served.
    pub expired: IntCounter,
    /// Requests given up because their client had gone.
    pub cancelled: IntCounter,
    /// Requests served.
    pub completed: IntCounter,
    /// Requests served for a client that had gone.
    pub wasted: IntCounter,
    /// Whether a fault is active.
    pub failure_active: IntGauge,
    /// Requests in service.
    pub in_service: IntGauge,
    /// Requests that wait for a worker.
    pub queue_length: IntGauge,
    /// The fault windows of the latest run.
    pub windows: WindowGauge,
}

impl Metrics {
    /// A request left the station; `wasted`: served for a client that had gone.
    pub fn left(&self, end: End, wasted: bool) {
        match end {
            End::Served { .. } => {
                self.completed.inc();
                self.wasted.inc_by(u64::from(wasted));
            }
            End::Rejected => self.rejected.inc(),
            End::Dropped => self.dropped.inc(),
            End::Expired => self.expired.inc(),
            End::Cancelled => self.cancelled.inc(),
        }
    }

    /// Shows which of a run's fault windows is on, right before the metrics are read.
    pub fn show_windows(&self, books: &Books) {
        self.windows.clear();
        for window in &books.windows {
            self.windows.set(books.arm(), WindowKind::Fault, &window.plan.name, window.is_on());
        }
    }

    /// Registers them all.
    ///
    /// # Errors
    /// When the registry has a metric of one of these names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name, help| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        Ok(Self {
            received: counter("retrylab_backend_received_total", "Requests to /process that arrived")?,
            during_failure: counter("requests_during_failure_total", "Requests that arrived while a fault was active")?,
            injected: counter(
                "failure_requests_total",
                "Requests that a fault ended, with an error or without an answer",
            )?,
            rejected: counter("retrylab_backend_rejected_total", "Requests that the full queue turned away")?,
            dropped: counter("retrylab_backend_dropped_total", "Requests that the queue's discipline dropped")?,
            expired: counter("retrylab_backend_expired_total", "Requests not served since their deadline had passed")?,
            cancelled: counter("retrylab_backend_cancelled_total", "Requests given up because their client had gone")?,
            completed: counter("retrylab_backend_completed_total", "Requests served")?,
            wasted: counter("retrylab_backend_wasted_total", "Requests served for a client that had gone")?,
            failure_active: gauge("failure_injection_active", "1 while a fault is active, else 0")?,
            in_service: gauge("retrylab_backend_in_service", "Requests in service")?,
            queue_length: gauge("retrylab_backend_queue_length", "Requests that wait for a worker")?,
            windows: WindowGauge::new(registry)?,
        })
    }
}
