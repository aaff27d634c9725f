//! Adaptive throttling: a client that turns its own attempts away, the more of them the backend fails.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    Outcome,
    budget::{MAX_INTERVAL_MS, MIN_INTERVAL_MS},
    draws::{Draw, Draws},
    window::Window,
    within,
};
use crate::wire::FieldError;

/// Turns attempts away, first ones too, with the chance max(0, (requests − K · accepts)/(requests + 1)) over the interval.
/// Requests are all attempts that were about to start, those turned away included, and those that have not ended; accepts
/// are those that ended with an answer that is no retryable failure. SRE book, "Handling Overload".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// K in thousandths: 1,000 to 100,000. The lower, the sooner it turns attempts away.
    pub k_milli: u32,
    /// How long attempts are remembered, in milliseconds.
    pub interval_ms: u64,
}

impl Throttle {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("k_milli", u64::from(self.k_milli), 1_000, 100_000)?;
        within("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)
    }
}

/// Columns of the window.
const REQUESTS: usize = 0;
const ACCEPTS: usize = 1;

#[derive(Clone, Debug)]
pub(super) struct ThrottleCounts {
    terms: Throttle,
    counts: Window<2>,
}

impl ThrottleCounts {
    pub fn new(terms: Throttle, now_ns: u64) -> Self {
        Self { terms, counts: Window::new(terms.interval_ms, now_ns) }
    }

    /// Whether the attempt of this number gets through; it counts as a request in any case.
    pub fn admits(&mut self, number: u32, draws: Draws, now_ns: u64) -> bool {
        let [requests, accepts] = self.counts.sums(now_ns);
        self.counts.add(REQUESTS, now_ns);
        let excess_milli = (requests * 1_000).saturating_sub(accepts * u64::from(self.terms.k_milli));
        excess_milli == 0 || draws.rng(Draw::Throttle(number)).random_range(0..(requests + 1) * 1_000) >= excess_milli
    }

    pub fn ended(&mut self, outcome: Outcome, now_ns: u64) {
        if !outcome.is_retryable() {
            self.counts.add(ACCEPTS, now_ns);
        }
    }
}
