//! The figures of a window: RETRIES in numbers, each defined here and nowhere else.

use super::{BackendSeries, ClientSeries, LoadSeries, Ratio};
use crate::{policy::Fate, timeline::Window};

/// A second with fewer arrivals says nothing about its amplification.
const PEAK_MIN_ARRIVALS: u64 = 20;

/// The counts of one arm, of all its pods together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmCounts {
    /// Of the load generator.
    pub load: LoadSeries,
    /// Of all clients; of the first one, where several are in a chain.
    pub client: ClientSeries,
    /// Of each inner client of a chain, from the second one on. What one of them receives, the one before it has attempted.
    pub inner: Vec<ClientSeries>,
    /// Of all backends.
    pub backend: BackendSeries,
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
    /// (attempts − requests sent) ÷ attempts.
    pub retry_share: Option<Ratio>,
    /// Requests that succeeded ÷ requests.
    pub success_rate: Option<Ratio>,
    /// Successful answers in the window ÷ its length in seconds; `None` for the total, which has no fixed length.
    pub goodput: Option<Ratio>,
    /// How the window's requests ended.
    pub fates: Fates,
}

impl ArmCounts {
    /// Each client of the chain, the first one first.
    fn layers(&self) -> impl Iterator<Item = &ClientSeries> {
        std::iter::once(&self.client).chain(&self.inner)
    }

    /// The client that calls the backend.
    fn last_client(&self) -> &ClientSeries {
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
            retry_share: Ratio::new(attempts.saturating_sub(sent), attempts),
            success_rate: Ratio::new(fates.ok + fates.ok_after_retry, requests),
            goodput: to.and_then(|to| Ratio::new(self.load.goodput.sum(from, Some(to)) * 1_000, to - from)),
            fates,
        }
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
