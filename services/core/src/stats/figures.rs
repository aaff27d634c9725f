//! The figures of a window: what retries did, in numbers, each defined here and nowhere else.

use super::{BUCKET_MS, BackendSeries, ClientSeries, Counts, LoadSeries, Quantiles, Ratio, SparseHistogram, UserTime};
use crate::{policy::Fate, timeline::Window};

/// A second with fewer arrivals says nothing about its amplification.
const PEAK_MIN_ARRIVALS: u64 = 20;
/// Fewer retries say nothing about how they bunch.
const SYNC_MIN_RETRIES: u64 = 20;

/// The counts of one arm, of all its pods together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmCounts {
    /// Of the load generator.
    pub load: LoadSeries,
    /// Of its closed-loop users.
    pub users: UserTime,
    /// Of all clients; of the first one, where several are in a chain.
    pub client: ClientSeries,
    /// Of each inner client of a chain, from the second one on. What one of them receives, the one before it has attempted.
    pub inner: Vec<ClientSeries>,
    /// Of all backends.
    pub backend: BackendSeries,
    /// Microseconds from the intended start of each request to its answer, by the second in which the answer came.
    pub latency_us: Vec<SparseHistogram>,
    /// Microseconds from the intended start of each request to its first byte on the wire.
    pub lateness_us: SparseHistogram,
}

/// How the requests of a window ended; they sum to its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// The first attempt succeeded.
    pub ok: u64,
    /// A later attempt succeeded.
    pub ok_after_retry: u64,
    /// The attempts were used up.
    pub exhausted: u64,
    /// A budget or the throttle denied an attempt.
    pub budget_denied: u64,
    /// A breaker denied an attempt.
    pub breaker_open: u64,
    /// The deadline left no time for an attempt.
    pub deadline: u64,
    /// Failed in a way that is not retried.
    pub not_retryable: u64,
    /// The load generator could not send it.
    pub dropped: u64,
}

impl Fates {
    /// All of them.
    pub const fn sum(&self) -> u64 {
        let Self { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } =
            *self;
        ok + ok_after_retry + exhausted + budget_denied + breaker_open + deadline + not_retryable + dropped
    }
}

/// The figures of one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// R: requests whose intended start lies in the window, the dropped ones included.
    pub requests: u64,
    /// A: attempts of these requests, whenever they were made; with clients in a chain those of the last one, which calls
    /// the backend.
    pub attempts: u64,
    /// With clients in a chain: these attempts of each of them, the first client's first. Empty with a single one.
    pub layer_attempts: Vec<u64>,
    /// Attempts that the clients started in the window, whichever request they belong to.
    pub wire_attempts: u64,
    /// Attempts that the backends received in the window.
    pub backend_requests: u64,
    /// Cohort amplification: attempts ÷ requests.
    pub amplification: Option<Ratio>,
    /// Wire amplification: attempts in the window ÷ requests in the window.
    pub wire_amplification: Option<Ratio>,
    /// Backend amplification: requests received by the backends in the window ÷ requests in the window.
    pub backend_amplification: Option<Ratio>,
    /// The highest wire amplification of a second of the window; seconds with under 20 arrivals don't count.
    pub peak_amplification: Option<Ratio>,
    /// Attempts after a request's first ÷ attempts. That is (attempts − requests sent) ÷ attempts where no request was denied
    /// its first attempt; with clients in a chain it is always that.
    pub retry_share: Option<Ratio>,
    /// Requests that succeeded ÷ requests.
    pub success_rate: Option<Ratio>,
    /// Successful answers in the window ÷ its length in seconds; `None` for the total, which has no fixed length, and where
    /// no request arrived.
    pub goodput: Option<Ratio>,
    /// Requests that the load generator could not send ÷ requests.
    pub dropped_share: Option<Ratio>,
    /// Work that no client was waiting for any more ÷ work, both as the backends completed it in the window.
    pub wasted_work: Option<Ratio>,
    /// Synchronisation index: peak ÷ mean of the retries, of all clients of a chain, in the window's buckets of
    /// 100 ms. `None` with under 20 retries.
    /// Retries that come at random, m in a bucket in the mean, have one of about 1 + 3/√m: an even stream of retries is
    /// near 1, and one in which all of them come at one moment has as many as the window has buckets.
    pub sync_index: Option<Ratio>,
    /// From the intended start of a request to its final outcome, of the outcomes that came in the whole seconds within
    /// the window.
    pub latency: Option<Quantiles>,
    /// How the window's requests ended.
    pub fates: Fates,
}

impl ArmCounts {
    /// Each client of the chain, the first one first.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &ClientSeries> {
        std::iter::once(&self.client).chain(&self.inner)
    }

    /// The client that calls the backend.
    pub(crate) fn last_client(&self) -> &ClientSeries {
        self.inner.last().unwrap_or(&self.client)
    }

    /// The figures of one window.
    pub fn figures(&self, window: &Window) -> Figures {
        let (from, to) = (window.from_ms, window.to_ms);
        let fate = |fate: Fate| self.client.fate(fate).sum(from, to);
        let fates = Fates {
            ok: fate(Fate::Ok),
            ok_after_retry: fate(Fate::OkAfterRetry),
            exhausted: fate(Fate::Exhausted),
            budget_denied: fate(Fate::BudgetDenied),
            breaker_open: fate(Fate::BreakerOpen),
            deadline: fate(Fate::Deadline),
            not_retryable: fate(Fate::NotRetryable),
            dropped: self.load.dropped.sum(from, to),
        };
        let requests = self.load.planned.sum(from, to);
        let attempts = self.last_client().attempts.sum(from, to);
        let wire_attempts = self.last_client().wire_attempts.sum(from, to);
        let backend_requests = self.backend.received.sum(from, to);
        let sent = self.client.requests.sum(from, to);
        let alone = self.inner.is_empty();
        let retries = if alone { self.client.retries.sum(from, to) } else { attempts.saturating_sub(sent) };
        Figures {
            requests,
            attempts,
            layer_attempts: self
                .layers()
                .map(|c| c.attempts.sum(from, to))
                .filter(|_| !self.inner.is_empty())
                .collect(),
            wire_attempts,
            backend_requests,
            amplification: Ratio::new(attempts, requests),
            wire_amplification: Ratio::new(wire_attempts, requests),
            backend_amplification: Ratio::new(backend_requests, requests),
            peak_amplification: self.peak(from, to),
            retry_share: Ratio::new(retries, attempts),
            success_rate: Ratio::new(fates.ok + fates.ok_after_retry, requests),
            goodput: to
                .filter(|_| requests > 0)
                .and_then(|to| Ratio::new(self.load.goodput.sum(from, Some(to)) * 1_000, to - from)),
            dropped_share: Ratio::new(fates.dropped, requests),
            wasted_work: Ratio::new(self.backend.wasted.sum(from, to), self.backend.completed.sum(from, to)),
            sync_index: self.sync_index(from, to),
            latency: self.latency(from, to.unwrap_or(u64::MAX)).quantiles(),
            fates,
        }
    }

    /// The latencies of the answers that came in the whole seconds within [from, to).
    pub fn latency(&self, from_ms: u64, to_ms: u64) -> SparseHistogram {
        let mut merged = SparseHistogram::default();
        let seconds = self.latency_us.iter().take((to_ms / 1_000) as usize).skip(from_ms.div_ceil(1_000) as usize);
        seconds.for_each(|second| merged.merge(second));
        merged
    }

    fn sync_index(&self, from_ms: u64, to_ms: Option<u64>) -> Option<Ratio> {
        let mut retries = Counts::default();
        self.layers().for_each(|client| retries.merge(&client.wire_retries));
        let end_ms = to_ms.unwrap_or_else(|| retries.end_ms().max(self.load.planned.end_ms()));
        let sum = Some(retries.sum(from_ms, Some(end_ms))).filter(|&sum| sum >= SYNC_MIN_RETRIES)?;
        let buckets = (from_ms..end_ms).step_by(BUCKET_MS as usize);
        let peak = buckets.map(|t| retries.sum(t, Some(t + BUCKET_MS))).max()?;
        Ratio::new(peak * ((end_ms - from_ms) / BUCKET_MS), sum)
    }

    /// The highest ratio of attempts to arrivals in a whole second of [from, to).
    fn peak(&self, from_ms: u64, to_ms: Option<u64>) -> Option<Ratio> {
        let end = to_ms.unwrap_or_else(|| self.load.planned.end_ms());
        (from_ms..end.saturating_sub(999))
            .step_by(1_000)
            .filter_map(|t| {
                let arrivals = self.load.planned.sum(t, Some(t + 1_000));
                let attempts = self.last_client().wire_attempts.sum(t, Some(t + 1_000));
                Ratio::new(attempts, arrivals).filter(|_| arrivals >= PEAK_MIN_ARRIVALS)
            })
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from_ms: u64, to_ms: u64) -> Window {
        Window { name: "w".into(), from_ms, to_ms: Some(to_ms) }
    }

    /// Retries in each of these 100 ms from the run's start on.
    fn sync_index(retries: &[u64], to_ms: u64) -> Option<String> {
        let mut counts = ArmCounts::default();
        for (bucket, &n) in retries.iter().enumerate() {
            (0..n).for_each(|_| counts.client.attempt(0, bucket as u64 * 100_000, true));
        }
        counts.figures(&window(0, to_ms)).sync_index.map(|ratio| ratio.to_string())
    }

    #[test]
    fn even_retries_have_an_index_of_1_and_those_of_one_moment_one_of_the_number_of_buckets() {
        assert_eq!(sync_index(&[5; 10], 1_000).as_deref(), Some("1.000"));
        assert_eq!(sync_index(&[0, 0, 50], 1_000).as_deref(), Some("10.000"));
        assert_eq!(sync_index(&[10, 30], 200).as_deref(), Some("1.500"));
        assert_eq!(sync_index(&[10, 9], 1_000), None, "19 retries say nothing");
    }

    #[test]
    fn wasted_work_is_a_share_of_what_was_completed_in_the_window() {
        let mut counts = ArmCounts::default();
        for at_us in [100_000, 200_000, 300_000, 1_000_000] {
            counts.backend.completed.add(at_us);
        }
        counts.backend.wasted.add(300_000);
        assert_eq!(counts.figures(&window(0, 1_000)).wasted_work, Ratio::new(1, 3));
        assert_eq!(counts.figures(&window(2_000, 3_000)).wasted_work, None, "nothing was completed");
    }

    #[test]
    fn a_window_without_arrivals_has_no_goodput_and_one_in_which_all_fail_has_one_of_0() {
        let mut counts = ArmCounts::default();
        counts.load.planned.add(0);
        counts.load.goodput.add(1_500_000);
        assert_eq!(counts.figures(&window(0, 1_000)).goodput, Ratio::new(0, 1));
        assert_eq!(counts.figures(&window(1_000, 2_000)).goodput, None, "an answer to an earlier request");
        assert_eq!(counts.figures(&window(2_000, 3_000)).goodput, None);
    }

    #[test]
    fn a_window_s_latency_is_that_of_the_whole_seconds_within_it() {
        let second = |us: u64| {
            let mut recorder = super::super::LatencyRecorder::default();
            (0..100).for_each(|_| recorder.record(us));
            recorder.take()
        };
        let counts = ArmCounts { latency_us: [1, 2, 3, 4].map(second).to_vec(), ..ArmCounts::default() };
        let p50 = |from, to| counts.figures(&window(from, to)).latency.map(|latency| latency.p50_us);
        assert_eq!(p50(0, 1_000), Some(1));
        assert_eq!(p50(500, 2_500), Some(2), "the halves of two seconds are left out");
        assert_eq!(p50(1_100, 1_900), None, "no whole second");
    }
}
