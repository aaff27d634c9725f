//! The backend's own metrics; those of every service are in the runtime.

use prometheus::{IntCounter, IntGauge, Registry};

/// Registered in one registry, written by the requests, and the gauges when somebody looks.
#[derive(Debug)]
pub struct Metrics {
    /// Requests to `/process` that arrived.
    pub received: IntCounter,
    /// Requests that arrived while a fault was active.
    pub during_failure: IntCounter,
    /// Requests that a fault answered.
    pub injected: IntCounter,
    /// Requests that the full queue turned away.
    pub rejected: IntCounter,
    /// Requests served for a client that had gone.
    pub wasted: IntCounter,
    /// Whether a fault is active.
    pub failure_active: IntGauge,
    /// Requests in service.
    pub in_service: IntGauge,
    /// Requests that wait for a worker.
    pub queue_length: IntGauge,
}

impl Metrics {
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
            injected: counter("failure_requests_total", "Requests that a fault answered with an error")?,
            rejected: counter("retrylab_backend_rejected_total", "Requests that the full queue turned away")?,
            wasted: counter("retrylab_backend_wasted_total", "Requests served for a client that had gone")?,
            failure_active: gauge("failure_injection_active", "1 while a fault is active, else 0")?,
            in_service: gauge("retrylab_backend_in_service", "Requests in service")?,
            queue_length: gauge("retrylab_backend_queue_length", "Requests that wait for a worker")?,
        })
    }
}
