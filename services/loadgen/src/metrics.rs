//! The load generator's own metrics, by the arm whose run they count.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use retrylab_core::wire::arm_of;

use crate::{
    books::{Entry, Outcome},
    windows::LoadWindows,
};

/// Upper ends of the lateness buckets, in seconds.
const LATENESS_BUCKETS: [f64; 11] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];

/// Counters and gauges; cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    arrivals: IntCounterVec,
    requests: IntCounterVec,
    dropped: IntCounterVec,
    lateness: Histogram,
    connections: IntGauge,
    in_flight: IntGauge,
    /// Bursts and stretches of shed load of the run that was handed over last.
    pub windows: LoadWindows,
}

impl Metrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// When the registry has metrics of these names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let lateness = "Actual start of sending a request less its intended start, in seconds";
        let lateness = HistogramOpts::new("retrylab_loadgen_lateness_seconds", lateness);
        let lateness = Histogram::with_opts(lateness.buckets(LATENESS_BUCKETS.to_vec()))?;
        registry.register(Box::new(lateness.clone()))?;
        let arrivals =
            "Requests that were due, those that could not be sent included: what an amplification is a ratio to";
        let requests = "Requests that were sent and have ended, by how";
        let dropped = "Requests that were due and could not be sent";
        Ok(Self {
            arrivals: counter("retrylab_loadgen_arrivals_total", arrivals, &["arm"])?,
            requests: counter("retrylab_loadgen_requests_total", requests, &["arm", "result"])?,
            dropped: counter("retrylab_loadgen_dropped_total", dropped, &["arm"])?,
            lateness,
            connections: gauge("retrylab_loadgen_connections", "Connections that are open or being opened")?,
            in_flight: gauge("retrylab_loadgen_in_flight", "Requests that were sent and have not ended")?,
            windows: LoadWindows::new(registry)?,
        })
    }

    /// The metrics of one run, all of them there from its beginning on: a counter that appears with a value has no rate.
    pub fn of_run(&self, id: &str) -> RunMetrics {
        let arm = arm_of(id);
        RunMetrics {
            arrivals: self.arrivals.with_label_values(&[arm]),
            ended: Outcome::ALL.map(|outcome| self.requests.with_label_values(&[arm, outcome.as_str()])),
            dropped: self.dropped.with_label_values(&[arm]),
            lateness: self.lateness.clone(),
            in_flight: self.in_flight.clone(),
        }
    }

    /// Says how many connections there are.
    pub fn set_connections(&self, open: usize) {
        self.connections.set(open as i64);
    }
}

/// What the requests of one run are counted in.
#[derive(Clone, Debug)]
pub struct RunMetrics {
    arrivals: IntCounter,
    /// In the order of [`Outcome::ALL`].
    ended: [IntCounter; Outcome::ALL.len()],
    dropped: IntCounter,
    lateness: Histogram,
    in_flight: IntGauge,
}

impl RunMetrics {
    /// Counts an event of a request.
    pub fn count(&self, entry: Entry) {
        match entry {
            Entry::Sent { due_us, at_us } => {
                self.arrivals.inc();
                self.lateness.observe(at_us.saturating_sub(due_us) as f64 / 1e6);
                self.in_flight.inc();
            }
            Entry::Dropped { .. } => {
                self.arrivals.inc();
                self.dropped.inc();
            }
            Entry::Ended { outcome, .. } => {
                self.ended[outcome as usize].inc();
                self.in_flight.dec();
            }
        }
    }
}
