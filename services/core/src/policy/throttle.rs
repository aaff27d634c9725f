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
/// are those that ended with an answer that is no retryable failure. SRE book, "Handling Overload", equation 21-1. The book
/// counts the requests of the application layer, and does not say whether retries are among them; here each attempt counts,
/// and is asked for.
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

    /// Whether an attempt gets through; it counts as a request in any case. `question`: how often the request has asked.
    pub fn admits(&mut self, question: u32, draws: Draws, now_ns: u64) -> bool {
        let [requests, accepts] = self.counts.sums(now_ns);
        self.counts.add(REQUESTS, now_ns);
        let excess_milli = (requests * 1_000).saturating_sub(accepts * u64::from(self.terms.k_milli));
        excess_milli == 0 || draws.rng(Draw::Throttle(question)).random_range(0..(requests + 1) * 1_000) >= excess_milli
    }

    pub fn ended(&mut self, outcome: Outcome, now_ns: u64) {
        if !outcome.is_retryable() {
            self.counts.add(ACCEPTS, now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Nothing is turned away as long as K times the accepts make up for the requests; and without any accepts hardly
        /// anything gets through: of n requests 1 + 1/2 + 1/3 … + 1/n on average.
        #[test]
        fn attempts_are_turned_away_only_beyond_k_times_the_accepts(seed: u64, k_milli in 1_000u32..5_000, outcomes in prop::collection::vec(any::<bool>(), 1..300)) {
            let mut throttle = ThrottleCounts::new(Throttle { k_milli, interval_ms: 3_600_000 }, 0);
            let (mut requests, mut accepts) = (0u64, 0u64);
            for (i, accepted) in outcomes.into_iter().enumerate() {
                let admitted = throttle.admits(1, Draws::new(seed, i as u64), 0);
                prop_assert!(admitted || requests * 1_000 > accepts * u64::from(k_milli), "{requests} and {accepts}");
                requests += 1;
                if admitted && accepted {
                    throttle.ended(Outcome::Success, 0);
                    accepts += 1;
                } else if admitted {
                    throttle.ended(Outcome::Retryable, 0);
                }
            }
        }
    }

    /// The chance is max(0, (requests − K · accepts)/(requests + 1)), within three standard errors.
    #[test]
    fn the_chance_to_be_turned_away_is_the_formula_s() {
        for (requests, accepts, chance) in [(9, 0, 0.9), (99, 20, 0.59), (99, 49, 0.01), (99, 50, 0.0)] {
            let mut throttle = ThrottleCounts::new(Throttle { k_milli: 2_000, interval_ms: 3_600_000 }, 0);
            (0..requests).for_each(|_| throttle.counts.add(REQUESTS, 0));
            (0..accepts).for_each(|_| throttle.counts.add(ACCEPTS, 0));
            let n = 20_000;
            let away = (0..n).filter(|i| !throttle.clone().admits(1, Draws::new(3, *i), 0)).count() as f64 / n as f64;
            let band = 3.0 * f64::sqrt(chance * (1.0 - chance) / n as f64) + 1e-9;
            assert!((away - chance).abs() <= band, "{accepts} of {requests}: {away}, expected {chance} ± {band}");
        }
    }
}
