//! Counts by 100 ms: what client, backend and load generator record and hand over at the end of a run.
//!
//! Two clocks matter. **Cohort** columns count by the request's intended arrival, wherever the event fell; **wire**
//! columns count by when the event happened.

use serde::{Deserialize, Serialize};

use crate::{policy::Fate, station::End};

/// The grain of every series. Windows begin and end on it.
pub const BUCKET_MS: u64 = 100;

const BUCKET_US: u64 = BUCKET_MS * 1_000;

/// One column: counts by bucket; buckets beyond the last are 0. What happens later than [`Counts::LAST_MS`] is kept apart, in
/// one more place behind the last bucket: it is in the sum to the end, and in no window and no bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(Vec<u32>);

impl Counts {
    /// Most buckets that a column holds: two hours, which is an hour more than the longest schedule. Requests may take longer:
    /// twenty attempts of ten minutes, and an hour before each.
    const MAX_BUCKETS: usize = 72_000;
    /// Where they end, in milliseconds.
    const LAST_MS: u64 = Self::MAX_BUCKETS as u64 * BUCKET_MS;

    /// Counts one event at `at_us` microseconds after the run's start.
    pub fn add(&mut self, at_us: u64) {
        let bucket = ((at_us / BUCKET_US) as usize).min(Self::MAX_BUCKETS);
        if bucket >= self.0.len() {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += 1;
    }

    /// Adds another column, bucket by bucket.
    pub fn merge(&mut self, other: &Self) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// The sum over [from, to) in milliseconds; `None`: to the end. Both lie on the grain.
    pub fn sum(&self, from_ms: u64, to_ms: Option<u64>) -> u64 {
        self.slice(from_ms, to_ms).iter().map(|&n| u64::from(n)).sum()
    }

    /// All of them together.
    pub fn sum_of(columns: &[&Self]) -> Self {
        let mut sum = Self::default();
        for column in columns {
            sum.merge(column);
        }
        sum
    }

    /// The sum of the differences of all buckets.
    pub fn distance(&self, other: &Self) -> u64 {
        let at = |counts: &Self, i| counts.0.get(i).copied().unwrap_or(0);
        (0..self.0.len().max(other.0.len())).map(|i| u64::from(at(self, i).abs_diff(at(other, i)))).sum()
    }

    /// By how many the events of one bucket exceed those of the other column, summed up over the buckets where they do.
    pub fn excess_over(&self, other: &Self) -> u64 {
        let at = |i| other.0.get(i).copied().unwrap_or(0);
        self.0.iter().enumerate().map(|(i, &n)| u64::from(n.saturating_sub(at(i)))).sum()
    }

    /// How many more events than in the other column there have been at most by the end of any bucket.
    pub fn lead_over(&self, other: &Self) -> u64 {
        let (mut mine, mut theirs, mut most) = (0u64, 0u64, 0);
        for (i, &n) in self.0.iter().enumerate() {
            mine += u64::from(n);
            theirs += u64::from(other.0.get(i).copied().unwrap_or(0));
            most = most.max(mine.saturating_sub(theirs));
        }
        most
    }

    /// The sum over everything.
    pub fn total(&self) -> u64 {
        self.sum(0, None)
    }

    /// Where the last bucket with an event ends, in milliseconds.
    pub fn end_ms(&self) -> u64 {
        (self.0.len() as u64 * BUCKET_MS).min(Self::LAST_MS)
    }

    /// The buckets of [from, to), without the zeros after the last event.
    fn slice(&self, from_ms: u64, to_ms: Option<u64>) -> &[u32] {
        let index = |ms: u64| ((ms / BUCKET_MS) as usize).min(self.0.len()).min(Self::MAX_BUCKETS);
        &self.0[index(from_ms)..to_ms.map_or(self.0.len(), index).max(index(from_ms))]
    }
}

/// What the client counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSeries {
    /// Requests, by cohort.
    pub requests: Counts,
    /// Attempts of these requests, by cohort.
    pub attempts: Counts,
    /// Those of them that were not a request's first, by cohort.
    pub retries: Counts,
    /// Attempts, by when they started.
    pub wire_attempts: Counts,
    /// Attempts after a request's first, by when they started.
    pub wire_retries: Counts,
    /// Requests whose first attempt succeeded, by cohort.
    pub ok: Counts,
    /// Requests that a later attempt saved, by cohort.
    pub ok_after_retry: Counts,
    /// Requests that used up their attempts, by cohort.
    pub exhausted: Counts,
    /// Requests that a budget or the throttle denied an attempt, by cohort.
    pub budget_denied: Counts,
    /// Requests that a breaker denied an attempt, by cohort.
    pub breaker_open: Counts,
    /// Requests that ran out of time, by cohort.
    pub deadline: Counts,
    /// Requests that failed in a way that is not retried, by cohort.
    pub not_retryable: Counts,
}

impl ClientSeries {
    /// A request of the cohort arrived.
    pub fn request(&mut self, cohort_us: u64) {
        self.requests.add(cohort_us);
    }

    /// An attempt started at `now_us`; `retry`: it is not the request's first. No attempt comes before its request: where
    /// this clock is a moment behind the load generator's, that shows as an attempt in the bucket before its arrival's, and as
    /// a second with more attempts per arrival than the policy has.
    pub fn attempt(&mut self, cohort_us: u64, now_us: u64, retry: bool) {
        let now_us = now_us.max(cohort_us);
        self.attempts.add(cohort_us);
        self.wire_attempts.add(now_us);
        if retry {
            self.retries.add(cohort_us);
            self.wire_retries.add(now_us);
        }
    }

    /// A request of the cohort ended.
    pub fn end(&mut self, cohort_us: u64, fate: Fate) {
        self.fate_mut(fate).add(cohort_us);
    }

    /// The column of a fate.
    pub const fn fate(&self, fate: Fate) -> &Counts {
        match fate {
            Fate::Ok => &self.ok,
            Fate::OkAfterRetry => &self.ok_after_retry,
            Fate::Exhausted => &self.exhausted,
            Fate::BudgetDenied => &self.budget_denied,
            Fate::BreakerOpen => &self.breaker_open,
            Fate::Deadline => &self.deadline,
            Fate::NotRetryable => &self.not_retryable,
        }
    }

    const fn fate_mut(&mut self, fate: Fate) -> &mut Counts {
        match fate {
            Fate::Ok => &mut self.ok,
            Fate::OkAfterRetry => &mut self.ok_after_retry,
            Fate::Exhausted => &mut self.exhausted,
            Fate::BudgetDenied => &mut self.budget_denied,
            Fate::BreakerOpen => &mut self.breaker_open,
            Fate::Deadline => &mut self.deadline,
            Fate::NotRetryable => &mut self.not_retryable,
        }
    }

    /// Adds another client's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self { requests, attempts, retries, wire_attempts, wire_retries, .. } = self;
        requests.merge(&other.requests);
        attempts.merge(&other.attempts);
        retries.merge(&other.retries);
        wire_attempts.merge(&other.wire_attempts);
        wire_retries.merge(&other.wire_retries);
        for fate in Fate::ALL {
            self.fate_mut(fate).merge(other.fate(fate));
        }
    }
}

/// What the backend counts, all by when it happened there. Every request received has one end: injected, rejected,
/// dropped, expired, cancelled or completed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSeries {
    /// Requests received.
    pub received: Counts,
    /// Requests that a fault ended as they arrived: with an error, by cutting the connection, or by taking them and never
    /// answering.
    pub injected: Counts,
    /// Requests that the full queue turned away.
    pub rejected: Counts,
    /// Requests that the queue's discipline dropped.
    pub dropped: Counts,
    /// Requests whose deadline had passed when they would have been served.
    pub expired: Counts,
    /// Requests given up because their client had gone.
    pub cancelled: Counts,
    /// Requests served, the wasted ones included.
    pub completed: Counts,
    /// Requests served for a client that had gone.
    pub wasted: Counts,
}

impl BackendSeries {
    /// A request left the backend's station at `at_us`; `wasted`: served for a client that had gone.
    pub fn left(&mut self, at_us: u64, end: End, wasted: bool) {
        let column = match end {
            End::Served { .. } => &mut self.completed,
            End::Rejected => &mut self.rejected,
            End::Dropped => &mut self.dropped,
            End::Expired => &mut self.expired,
            End::Cancelled => &mut self.cancelled,
        };
        column.add(at_us);
        if wasted {
            self.wasted.add(at_us);
        }
    }

    /// Requests that have ended.
    pub fn ended(&self) -> u64 {
        self.ends().total()
    }

    /// Requests that have ended, by when.
    pub fn ends(&self) -> Counts {
        let Self { received: _, injected, rejected, dropped, expired, cancelled, completed, wasted: _ } = self;
        Counts::sum_of(&[injected, rejected, dropped, expired, cancelled, completed])
    }

    /// Adds another backend's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self { received, injected, rejected, dropped, expired, cancelled, completed, wasted } = self;
        received.merge(&other.received);
        injected.merge(&other.injected);
        rejected.merge(&other.rejected);
        dropped.merge(&other.dropped);
        expired.merge(&other.expired);
        cancelled.merge(&other.cancelled);
        completed.merge(&other.completed);
        wasted.merge(&other.wasted);
    }
}

/// What the load generator counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadSeries {
    /// Requests planned, by intended start. Sent and dropped ones sum to it.
    pub planned: Counts,
    /// Requests sent, by intended start.
    pub sent: Counts,
    /// Requests that could not be sent, by intended start.
    pub dropped: Counts,
    /// Requests that were sent more than [`BUCKET_MS`] after their intended start, by it.
    #[serde(default)]
    pub late: Counts,
    /// Requests that were answered with success, by intended start.
    pub ok: Counts,
    /// Requests that were sent and not answered with success, by intended start.
    pub failed: Counts,
    /// Requests that were answered with success, by when the answer came.
    pub goodput: Counts,
}

impl LoadSeries {
    /// Adds another load generator's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self { planned, sent, dropped, late, ok, failed, goodput } = self;
        planned.merge(&other.planned);
        sent.merge(&other.sent);
        dropped.merge(&other.dropped);
        late.merge(&other.late);
        ok.merge(&other.ok);
        failed.merge(&other.failed);
        goodput.merge(&other.goodput);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_falls_into_the_bucket_that_its_time_begins_in() {
        let mut counts = Counts::default();
        for at_us in [0, 99_999, 100_000, 1_000_000] {
            counts.add(at_us);
        }
        assert_eq!(counts.sum(0, Some(100)), 2);
        assert_eq!(counts.sum(100, Some(200)), 1);
        assert_eq!(counts.sum(1_000, None), 1);
        assert_eq!(counts.sum(1_100, Some(9_000)), 0);
        assert_eq!(counts.total(), 4);
    }

    #[test]
    fn what_happens_after_more_than_two_hours_is_counted_and_is_no_peak() {
        let mut counts = Counts::default();
        let (hour_us, two_h) = (3_600_000_000, 7_200_000);
        for at_us in [2 * hour_us - 1, 2 * hour_us, 3 * hour_us, 30 * hour_us] {
            counts.add(at_us);
        }
        assert_eq!((counts.total(), counts.end_ms()), (4, two_h));
        assert_eq!(counts.sum(0, Some(two_h)), 1);
        assert_eq!(counts.sum(two_h - 100, Some(two_h)), 1);
        assert_eq!(counts.sum(0, Some(40 * two_h)), 1, "a window knows only its buckets");
    }

    #[test]
    fn no_attempt_is_counted_before_its_request() {
        let mut series = ClientSeries::default();
        series.attempt(100_000, 99_800, false);
        series.attempt(100_000, 100_300, true);
        assert_eq!((series.wire_attempts.sum(0, Some(100)), series.wire_attempts.sum(100, None)), (0, 2));
    }

    #[test]
    fn merged_counts_are_the_sum_of_both() {
        let (mut a, mut b) = (Counts::default(), Counts::default());
        a.add(0);
        b.add(0);
        b.add(500_000);
        a.merge(&b);
        assert_eq!((a.sum(0, Some(100)), a.total()), (2, 3));
    }

    #[test]
    fn counts_that_have_slipped_to_another_bucket_differ_in_both() {
        let (mut a, mut b) = (Counts::default(), Counts::default());
        a.add(0);
        b.add(700_000);
        assert_eq!((a.distance(&b), b.distance(&a), a.distance(&a)), (2, 2, 0));
        assert_eq!((a.excess_over(&b), a.excess_over(&a)), (1, 0));
        assert_eq!((a.lead_over(&b), b.lead_over(&a)), (1, 0), "the one comes before the other");
    }
}
