//! Delay laws: the wait before retry i (i = 0 for the first retry), each with its formula and source.

use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{Rng, wire::FieldError};

/// Longest delay, base or cap that a law may name: one hour.
pub const MAX_DELAY_MS: u64 = 3_600_000;
/// Largest growth factor of an exponential law.
pub const MAX_FACTOR: u32 = 10;

/// The wait before a retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "law", rename_all = "lowercase", deny_unknown_fields)]
pub enum DelayLaw {
    /// 0: retry at once.
    None,
    /// The same delay before every retry.
    Fixed {
        /// The delay in milliseconds.
        delay_ms: u64,
    },
    /// t(i) = min(cap, base · factor^i), with a random part as [`Jitter`] says.
    Exponential {
        /// The delay before the first retry, in milliseconds; at least 1.
        base_ms: u64,
        /// The growth from one retry to the next; at least 1.
        factor: u32,
        /// The most that t(i) grows to, in milliseconds; at least the base.
        cap_ms: u64,
        /// The random part.
        jitter: Jitter,
    },
}

/// The random part of an exponential delay t. Full and equal jitter: AWS Architecture Blog, "Exponential Backoff And
/// Jitter"; additive jitter: the `backon` crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jitter {
    /// t, with no random part.
    None,
    /// t + U(0, t); mean 1.5 t.
    Additive,
    /// U(0, t); mean 0.5 t.
    Full,
    /// t/2 + U(0, t/2); mean 0.75 t.
    Equal,
}

impl DelayLaw {
    /// Draws the delay before retry `i`, with nanosecond grain: whole seconds would be no jitter at all.
    pub fn draw(&self, i: u32, rng: &mut Rng) -> Duration {
        let (low, high) = self.range(i);
        if low == high { low } else { nanos(rng.random_range(low.as_nanos() as u64..high.as_nanos() as u64)) }
    }

    /// The mean delay before retry `i`.
    pub fn mean(&self, i: u32) -> Duration {
        let (low, high) = self.range(i);
        (low + high) / 2
    }

    /// The longest delay possible before retry `i`.
    pub fn longest(&self, i: u32) -> Duration {
        self.range(i).1
    }

    /// The bounds of the uniform distribution that the delay before retry `i` follows: [low, high).
    fn range(&self, i: u32) -> (Duration, Duration) {
        match *self {
            Self::None => (Duration::ZERO, Duration::ZERO),
            Self::Fixed { delay_ms } => (Duration::from_millis(delay_ms), Duration::from_millis(delay_ms)),
            Self::Exponential { base_ms, factor, cap_ms, jitter } => {
                let grown = base_ms.saturating_mul(u64::from(factor).saturating_pow(i));
                let t = Duration::from_millis(grown.min(cap_ms));
                match jitter {
                    Jitter::None => (t, t),
                    Jitter::Additive => (t, t * 2),
                    Jitter::Full => (Duration::ZERO, t),
                    Jitter::Equal => (t / 2, t),
                }
            }
        }
    }

    pub(super) fn validate(&self) -> Result<(), FieldError> {
        let within = |field, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(FieldError::new(field, value, format!("{low} to {high}")))
            }
        };
        match *self {
            Self::None => Ok(()),
            Self::Fixed { delay_ms } => within("delay.delay_ms", delay_ms, 0, MAX_DELAY_MS),
            Self::Exponential { base_ms, factor, cap_ms, .. } => {
                within("delay.base_ms", base_ms, 1, MAX_DELAY_MS)?;
                within("delay.factor", u64::from(factor), 1, u64::from(MAX_FACTOR))?;
                within("delay.cap_ms", cap_ms, base_ms, MAX_DELAY_MS)
            }
        }
    }
}

const fn nanos(n: u64) -> Duration {
    Duration::from_nanos(n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng;

    fn exponential(jitter: Jitter) -> DelayLaw {
        DelayLaw::Exponential { base_ms: 1_000, factor: 2, cap_ms: 5_000, jitter }
    }

    fn delays_s(law: &DelayLaw) -> Vec<f64> {
        (0..4).map(|i| law.mean(i).as_secs_f64()).collect()
    }

    #[test]
    fn exponential_doubles_from_the_base_up_to_the_cap() {
        assert_eq!(delays_s(&exponential(Jitter::None)), [1.0, 2.0, 4.0, 5.0]);
    }

    #[test]
    fn means_of_the_jitters_are_their_share_of_the_exponential_delay() {
        assert_eq!(delays_s(&exponential(Jitter::Additive)), [1.5, 3.0, 6.0, 7.5]);
        assert_eq!(delays_s(&exponential(Jitter::Full)), [0.5, 1.0, 2.0, 2.5]);
        assert_eq!(delays_s(&exponential(Jitter::Equal)), [0.75, 1.5, 3.0, 3.75]);
    }

    #[test]
    fn a_huge_retry_index_stays_at_the_cap() {
        assert_eq!(exponential(Jitter::None).longest(u32::MAX), Duration::from_secs(5));
    }

    #[test]
    fn draws_spread_over_their_range_and_keep_their_mean() {
        for jitter in [Jitter::Additive, Jitter::Full, Jitter::Equal] {
            let law = exponential(jitter);
            let mut rng = rng(7, 0);
            let n = 20_000;
            let drawn: Vec<f64> = (0..n).map(|_| law.draw(0, &mut rng).as_secs_f64()).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(n);
            let width = (law.longest(0).as_secs_f64() - law.mean(0).as_secs_f64()) * 2.0;
            let sigma_of_mean = width / 12f64.sqrt() / f64::from(n).sqrt();
            assert!((mean - law.mean(0).as_secs_f64()).abs() < 4.0 * sigma_of_mean, "{jitter:?}: mean {mean}");
            let fractions = drawn.iter().filter(|d| d.fract() != 0.0).count();
            assert!(fractions > 19_000, "{jitter:?}: whole seconds are no jitter");
        }
    }

    proptest! {
        #[test]
        fn every_draw_lies_within_the_laws_range(seed: u64, i in 0u32..40, base in 1u64..5_000, factor in 1u32..=10, more in 0u64..100_000) {
            for jitter in [Jitter::None, Jitter::Additive, Jitter::Full, Jitter::Equal] {
                let law = DelayLaw::Exponential { base_ms: base, factor, cap_ms: base + more, jitter };
                let t = Duration::from_millis(base.saturating_mul(u64::from(factor).saturating_pow(i)).min(base + more));
                let d = law.draw(i, &mut rng(seed, 0));
                let (low, high) = match jitter {
                    Jitter::None => (t, t),
                    Jitter::Additive => (t, t * 2),
                    Jitter::Full => (Duration::ZERO, t),
                    Jitter::Equal => (t / 2, t),
                };
                prop_assert!(low <= d && d <= high, "{jitter:?}: {d:?} is outside {low:?}..{high:?}");
            }
        }
    }
}
