//! What a load generator counts, and by which of a request's times.

use std::sync::Arc;

use super::{BUCKET_MS, LatencyRecorder, LoadSeries, SparseHistogram, UserTime};
use crate::wire::LoadgenResults;

/// The counts of one run. All times are microseconds after the run's start; `due_us` is a request's intended start.
#[derive(Debug, Default)]
pub struct LoadLedger {
    series: LoadSeries,
    users: UserTime,
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
        let late_us = at_us.saturating_sub(due_us);
        self.lateness.record(late_us);
        if late_us > BUCKET_MS * 1_000 {
            self.series.late.add(due_us);
        }
    }

    /// A request could not be sent, and was given up at `at_us`; `by_user`: a closed-loop user's.
    pub fn dropped(&mut self, due_us: u64, at_us: u64, by_user: bool) {
        self.series.planned.add(due_us);
        self.series.dropped.add(due_us);
        if by_user {
            self.users.dropped += 1;
            self.users.waited_in_vain_us += at_us.saturating_sub(due_us);
        }
    }

    /// A request that was sent has ended at `at_us`; `ok`: with an answer of success; `by_user`: a closed-loop user waited
    /// for it. Calls come in order of `at_us`.
    pub fn ended(&mut self, due_us: u64, at_us: u64, ok: bool, by_user: bool) {
        self.in_flight -= 1;
        if by_user {
            self.users.ended += 1;
            self.users.waited_us += at_us.saturating_sub(due_us);
        }
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
            users: self.users,
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
    users: UserTime,
    in_flight: u64,
    lateness: SparseHistogram,
    seconds: Vec<Arc<SparseHistogram>>,
    latest: SparseHistogram,
}

impl From<LedgerSnapshot> for LoadgenResults {
    fn from(snapshot: LedgerSnapshot) -> Self {
        let LedgerSnapshot { series, users, in_flight, lateness, seconds, latest } = snapshot;
        let mut latency_us: Vec<_> = seconds.iter().map(|second| SparseHistogram::clone(second)).collect();
        if latest.count() > 0 {
            latency_us.push(latest);
        }
        Self { series, users, in_flight, latency_us, lateness_us: lateness }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_late_when_it_leaves_more_than_100_ms_after_its_intended_start() {
        let mut ledger = LoadLedger::default();
        ledger.sent(50_000, 150_000);
        ledger.sent(250_000, 350_001);
        let results = LoadgenResults::from(ledger.snapshot());
        assert_eq!((results.series.late.sum(200, Some(300)), results.series.late.total()), (1, 1));
    }

    #[test]
    fn only_what_users_wait_for_is_their_time() {
        let mut ledger = LoadLedger::default();
        (0..3).for_each(|_| ledger.sent(0, 0));
        ledger.ended(0, 30_000, true, true);
        ledger.ended(0, 500_000, true, false);
        ledger.ended(0, 600_000, false, true);
        ledger.dropped(700_000, 705_000, true);
        ledger.dropped(700_000, 705_000, false);
        let users = LoadgenResults::from(ledger.snapshot()).users;
        assert_eq!(users, UserTime { ended: 2, dropped: 1, waited_us: 630_000, waited_in_vain_us: 5_000 });
    }
}
