//! What a load generator counts, and by which of a request's times.

use std::sync::Arc;

use super::{LatencyRecorder, LoadSeries, SparseHistogram};
use crate::wire::LoadgenResults;

/// The counts of one run. All times are microseconds after the run's start; `due_us` is a request's intended start.
#[derive(Debug, Default)]
pub struct LoadLedger {
    series: LoadSeries,
    in_flight: u64,
    lateness: LatencyRecorder,
    /// Latencies of the second under way …
    latency: LatencyRecorder,
    /// … and of those before it. They don't change any more, so a reader takes them without a copy.
    seconds: Vec<Arc<SparseHistogram>>,
}

impl LoadLedger {
    /// A request was sent at `at_us`.
    pub fn sent(&mut self, due_us: u64, at_us: u64) {
        self.series.planned.add(due_us);
        self.series.sent.add(due_us);
        self.in_flight += 1;
        self.lateness.record(at_us.saturating_sub(due_us));
    }

    /// A request could not be sent.
    pub fn dropped(&mut self, due_us: u64) {
        self.series.planned.add(due_us);
        self.series.dropped.add(due_us);
    }

    /// A request that was sent has ended at `at_us`; `ok`: with an answer of success. Calls come in order of `at_us`.
    pub fn ended(&mut self, due_us: u64, at_us: u64, ok: bool) {
        self.in_flight -= 1;
        if ok {
            self.series.ok.add(due_us);
            self.series.goodput.add(at_us);
        } else {
            self.series.failed.add(due_us);
        }
        self.turn_to((at_us / 1_000_000) as usize);
        self.latency.record(at_us.saturating_sub(due_us));
    }

    /// The counts so far, in parts, so that a caller that holds a lock needn't hold it for the whole copy.
    pub fn snapshot(&self) -> LedgerSnapshot {
        LedgerSnapshot {
            series: self.series.clone(),
            in_flight: self.in_flight,
            lateness: self.lateness.snapshot(),
            seconds: self.seconds.clone(),
            latest: self.latency.snapshot(),
        }
    }

    /// Closes the seconds before `second`; one that had no answer is empty.
    fn turn_to(&mut self, second: usize) {
        while self.seconds.len() < second {
            // The copy is as small as can be; the original has grown pair by pair and has room for more.
            let second = SparseHistogram::clone(&self.latency.take());
            self.seconds.push(Arc::new(second));
        }
    }
}

/// A ledger's counts at one moment.
#[derive(Debug)]
pub struct LedgerSnapshot {
    series: LoadSeries,
    in_flight: u64,
    lateness: SparseHistogram,
    seconds: Vec<Arc<SparseHistogram>>,
    latest: SparseHistogram,
}

impl From<LedgerSnapshot> for LoadgenResults {
    fn from(snapshot: LedgerSnapshot) -> Self {
        let LedgerSnapshot { series, in_flight, lateness, seconds, latest } = snapshot;
        let mut latency_us: Vec<_> = seconds.iter().map(|second| SparseHistogram::clone(second)).collect();
        if latest.count() > 0 {
            latency_us.push(latest);
        }
        Self { series, in_flight, latency_us, lateness_us: lateness }
    }
}
