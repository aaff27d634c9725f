//! What stops attempts when too many of them fail: the circuit breaker, and the retry breaker.

use serde::{Deserialize, Serialize};

use super::{
    budget::{MAX_INTERVAL_MS, MIN_INTERVAL_MS},
    window::Window,
    within,
};
use crate::wire::FieldError;

/// A circuit breaker. Closed: all attempts pass; when of at least `min_calls` attempts that ended in the interval
/// `failure_percent` failed, it opens. Open: no attempt passes for `open_ms`. Half-open: `probes` attempts pass; when the last
/// of them has ended, it opens again if `failure_percent` of them failed, and closes otherwise. resilience4j's breaker, with a
/// window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Failures per hundred attempts at which it opens: 1 to 100.
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stays closed: from 1 on.
    pub min_calls: u32,
    /// How long attempts are remembered, in milliseconds.
    pub interval_ms: u64,
    /// How long it stays open, in milliseconds.
    pub open_ms: u64,
    /// Attempts that pass when it is half-open: from 1 on.
    pub probes: u32,
}

/// Stops retries and hedges, never first attempts, while more than `failure_percent` of the interval's attempts failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryBreaker {
    /// Failures per hundred attempts beyond which there are no retries: 1 to 100.
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stops nothing: from 1 on.
    pub min_calls: u32,
    /// How long attempts are remembered, in milliseconds.
    pub interval_ms: u64,
}

impl Breaker {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("failure_percent", u64::from(self.failure_percent), 1, 100)?;
        within("min_calls", u64::from(self.min_calls), 1, 1_000_000)?;
        within("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)?;
        within("open_ms", self.open_ms, 1, MAX_INTERVAL_MS)?;
        within("probes", u64::from(self.probes), 1, 1_000_000)
    }
}

impl RetryBreaker {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("failure_percent", u64::from(self.failure_percent), 1, 100)?;
        within("min_calls", u64::from(self.min_calls), 1, 1_000_000)?;
        within("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)
    }
}

/// Where a circuit breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Attempts pass.
    Closed,
    /// A few attempts pass, to see how they end.
    HalfOpen,
    /// No attempt passes.
    Open,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// The state as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "halfOpen",
            Self::Open => "open",
        }
    }
}

/// How an attempt passed a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Closed,
    Probe,
}

/// Columns of the windows.
const CALLS: usize = 0;
const FAILURES: usize = 1;

#[derive(Clone, Debug)]
pub(super) struct BreakerCounts {
    terms: Breaker,
    phase: Phase,
    counts: Window<2>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { until_ns: u64 },
    HalfOpen { out: u32, ended: u32, failed: u32 },
}

impl BreakerCounts {
    pub fn new(terms: Breaker, now_ns: u64) -> Self {
        Self { terms, phase: Phase::Closed, counts: Window::new(terms.interval_ms, now_ns) }
    }

    pub const fn state(&self, now_ns: u64) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until_ns } if now_ns < until_ns => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks for an attempt's passage.
    pub const fn pass(&mut self, now_ns: u64) -> Option<Passage> {
        match self.phase {
            Phase::Closed => return Some(Passage::Closed),
            Phase::Open { until_ns } if now_ns < until_ns => return None,
            Phase::Open { .. } => self.phase = Phase::HalfOpen { out: 0, ended: 0, failed: 0 },
            Phase::HalfOpen { .. } => {}
        }
        match &mut self.phase {
            Phase::HalfOpen { out, ended, .. } if *out + *ended < self.terms.probes => {
                *out += 1;
                Some(Passage::Probe)
            }
            _ => None,
        }
    }

    /// An attempt that had passed ended. One that passed a closed breaker says nothing to one that has opened since.
    pub fn ended(&mut self, passage: Passage, failed: bool, now_ns: u64) {
        match (passage, self.phase) {
            (Passage::Closed, Phase::Closed) => {
                self.counts.add(CALLS, now_ns);
                if failed {
                    self.counts.add(FAILURES, now_ns);
                    let [calls, failures] = self.counts.sums(now_ns);
                    if calls >= u64::from(self.terms.min_calls) && self.is_reached(failures, calls) {
                        self.open(now_ns);
                    }
                }
            }
            (Passage::Probe, Phase::HalfOpen { out, ended, failed: failures }) => {
                let (ended, failures) = (ended + 1, failures + u32::from(failed));
                self.phase = Phase::HalfOpen { out: out - 1, ended, failed: failures };
                if ended == self.terms.probes {
                    if self.is_reached(u64::from(failures), u64::from(ended)) {
                        self.open(now_ns);
                    } else {
                        self.counts.clear();
                        self.phase = Phase::Closed;
                    }
                }
            }
            _ => {}
        }
    }

    /// A probe was given up: another may take its place.
    pub const fn give_up(&mut self, passage: Passage) {
        if let (Passage::Probe, Phase::HalfOpen { out, .. }) = (passage, &mut self.phase) {
            *out -= 1;
        }
    }

    const fn is_reached(&self, failures: u64, calls: u64) -> bool {
        failures * 100 >= calls * self.terms.failure_percent as u64
    }

    fn open(&mut self, now_ns: u64) {
        self.counts.clear();
        self.phase = Phase::Open { until_ns: now_ns + self.terms.open_ms * 1_000_000 };
    }
}

#[derive(Clone, Debug)]
pub(super) struct RetryBreakerCounts {
    terms: RetryBreaker,
    counts: Window<2>,
}

impl RetryBreakerCounts {
    pub fn new(terms: RetryBreaker, now_ns: u64) -> Self {
        Self { terms, counts: Window::new(terms.interval_ms, now_ns) }
    }

    pub fn admits(&mut self, now_ns: u64) -> bool {
        let [calls, failures] = self.counts.sums(now_ns);
        calls < u64::from(self.terms.min_calls) || failures * 100 <= calls * u64::from(self.terms.failure_percent)
    }

    pub fn ended(&mut self, failed: bool, now_ns: u64) {
        self.counts.add(CALLS, now_ns);
        if failed {
            self.counts.add(FAILURES, now_ns);
        }
    }
}
