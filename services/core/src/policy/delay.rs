//! Delay laws: the wait before retry i (i = 0 for the first retry), each with its formula and source.

use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::within;
use crate::{Rng, wire::FieldError};

/// Longest delay, base or cap that a law may name: one hour.
pub const MAX_DELAY_MS: u64 = 3_600_000;
/// Largest growth factor of an exponential law.
pub const MAX_FACTOR: u32 = 10;

const NS_PER_MS: u64 = 1_000_000;

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
    /// Decorrelated jitter: s(i) = min(cap, U(base, 3 · s(i − 1))), from s(−1) = base on. AWS Architecture Blog,
    /// "Exponential Backoff And Jitter" (2015), and its simulator (aws-samples/aws-arch-backoff-simulator, `ExpoBackoffDecorr`).
    Decorrelated {
        /// The least delay, in milliseconds; at least 1.
        base_ms: u64,
        /// The most, in milliseconds; at least the base.
        cap_ms: u64,
    },
    /// U[0, min(cap, (2^(i+1) − 1) · base)): what Envoy's documentation says of its router, "Router", `x-envoy-max-retries`; base 25 ms,
    /// cap ten times that. Envoy itself (`source/common/common/backoff_strategy.cc`) has drawn from
    /// [0, min(cap, 2^i · base)) since its pull request 10417 (2020), which is full jitter. The first wait is the same.
    Envoy {
        /// What grows, in milliseconds; at least 1.
        base_ms: u64,
        /// The most that the range grows to, in milliseconds; at least the base.
        cap_ms: u64,
    },
}

/// The random part of an exponential delay t. Full and equal jitter: AWS Architecture Blog, "Exponential Backoff And
/// Jitter" (2015), and its simulator; additive jitter: the `backon` crate since its pull request 184 (2025; before, it added
/// U(0, base) to each delay); symmetric jitter: gRPC's gRFC A6 as amended in 2024.
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
    /// t · U(1 − f, 1 + f); mean t.
    Symmetric {
        /// f in thousandths: 0 to 1,000. gRPC's is 200.
        permille: u32,
    },
}

impl DelayLaw {
    /// Draws the delay before retry `i`, after the delay `previous` before the one before it (0 before the first), with
    /// nanosecond grain: whole seconds would be no jitter at all.
    pub fn draw(&self, i: u32, previous: Duration, rng: &mut Rng) -> Duration {
        let (low, high) = self.range_ns(i, previous.as_nanos() as u64);
        Duration::from_nanos(self.draw_ns(low, high, rng))
    }

    /// The longest delay possible before retry `i`.
    pub fn longest(&self, i: u32) -> Duration {
        let ns = match *self {
            Self::Decorrelated { base_ms, cap_ms } => grown_ns(base_ms, 3, i.saturating_add(1), cap_ms),
            _ => self.range_ns(i, 0).1,
        };
        Duration::from_nanos(ns)
    }

    /// Draws from a range of [`Self::range_ns`]; where the two ends are one, nothing is drawn.
    pub(super) fn draw_ns(&self, low: u64, high: u64, rng: &mut Rng) -> u64 {
        let drawn = if low == high { low } else { rng.random_range(low..high) };
        match *self {
            Self::Decorrelated { cap_ms, .. } => drawn.min(cap_ms * NS_PER_MS),
            _ => drawn,
        }
    }

    /// The bounds, in nanoseconds, of the uniform distribution that the delay before retry `i` follows: [low, high).
    pub(super) fn range_ns(&self, i: u32, previous_ns: u64) -> (u64, u64) {
        match *self {
            Self::None => (0, 0),
            Self::Fixed { delay_ms } => (delay_ms * NS_PER_MS, delay_ms * NS_PER_MS),
            Self::Exponential { base_ms, factor, cap_ms, jitter } => {
                let t = grown_ns(base_ms, factor, i, cap_ms);
                match jitter {
                    Jitter::None => (t, t),
                    Jitter::Additive => (t, t * 2),
                    Jitter::Full => (0, t),
                    Jitter::Equal => (t / 2, t),
                    Jitter::Symmetric { permille } => {
                        let f = t / 1_000 * u64::from(permille);
                        (t - f, t + f)
                    }
                }
            }
            Self::Decorrelated { base_ms, .. } => {
                let base = base_ms * NS_PER_MS;
                (base, 3 * previous_ns.max(base))
            }
            Self::Envoy { base_ms, cap_ms } => {
                let factor = 2u64.saturating_pow(i.saturating_add(1)) - 1;
                (0, base_ms.saturating_mul(factor).min(cap_ms) * NS_PER_MS)
            }
        }
    }

    pub(super) fn validate(&self) -> Result<(), FieldError> {
        match *self {
            Self::None => Ok(()),
            Self::Fixed { delay_ms } => within("delay_ms", delay_ms, 0, MAX_DELAY_MS),
            Self::Exponential { base_ms, factor, cap_ms, jitter } => {
                within("base_ms", base_ms, 1, MAX_DELAY_MS)?;
                within("factor", u64::from(factor), 1, u64::from(MAX_FACTOR))?;
                within("cap_ms", cap_ms, base_ms, MAX_DELAY_MS)?;
                match jitter {
                    Jitter::Symmetric { permille } => within("jitter.permille", u64::from(permille), 0, 1_000),
                    _ => Ok(()),
                }
            }
            Self::Decorrelated { base_ms, cap_ms } | Self::Envoy { base_ms, cap_ms } => {
                within("base_ms", base_ms, 1, MAX_DELAY_MS)?;
                within("cap_ms", cap_ms, base_ms, MAX_DELAY_MS)
            }
        }
    }
}

/// min(cap, base · factor^i).
fn grown_ns(base_ms: u64, factor: u32, i: u32, cap_ms: u64) -> u64 {
    base_ms.saturating_mul(u64::from(factor).saturating_pow(i)).min(cap_ms) * NS_PER_MS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng;

    const MS: u64 = NS_PER_MS;

    fn exponential(jitter: Jitter) -> DelayLaw {
        DelayLaw::Exponential { base_ms: 1_000, factor: 2, cap_ms: 5_000, jitter }
    }

    /// The bounds of the first four delays, in seconds.
    fn ranges(law: &DelayLaw) -> Vec<(f64, f64)> {
        let seconds = |ns: u64| ns as f64 / 1e9;
        (0..4).map(|i| law.range_ns(i, 0)).map(|(low, high)| (seconds(low), seconds(high))).collect()
    }

    #[test]
    fn exponential_doubles_from_the_base_up_to_the_cap() {
        assert_eq!(ranges(&exponential(Jitter::None)), [(1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (5.0, 5.0)]);
    }

    #[test]
    fn each_jitter_has_its_range_around_the_exponential_delay() {
        let check = |jitter, expected: [(f64, f64); 4]| assert_eq!(ranges(&exponential(jitter)), expected);
        check(Jitter::Additive, [(1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (5.0, 10.0)]);
        check(Jitter::Full, [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 5.0)]);
        check(Jitter::Equal, [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (2.5, 5.0)]);
        check(Jitter::Symmetric { permille: 200 }, [(0.8, 1.2), (1.6, 2.4), (3.2, 4.8), (4.0, 6.0)]);
    }

    /// Envoy's documentation: 0–24 ms, 0–74 ms, 0–174 ms, then up to the cap.
    #[test]
    fn envoy_grows_as_its_documentation_says() {
        let law = DelayLaw::Envoy { base_ms: 25, cap_ms: 250 };
        assert_eq!(ranges(&law), [(0.0, 0.025), (0.0, 0.075), (0.0, 0.175), (0.0, 0.25)]);
    }

    #[test]
    fn a_huge_retry_index_stays_at_the_cap() {
        let longest = |law: DelayLaw| law.longest(u32::MAX).as_secs();
        assert_eq!(longest(exponential(Jitter::None)), 5);
        assert_eq!(longest(DelayLaw::Decorrelated { base_ms: 1_000, cap_ms: 5_000 }), 5);
        assert_eq!(longest(DelayLaw::Envoy { base_ms: 1_000, cap_ms: 5_000 }), 5);
    }

    /// The mean of `n` draws of the first delay, and three standard errors of a uniform distribution of this width.
    fn mean_of_first(law: &DelayLaw, n: u32, width: f64) -> (f64, f64) {
        let mut rng = rng(7, 0);
        let draws = || law.draw(0, Duration::ZERO, &mut rng).as_secs_f64();
        let sum: f64 = std::iter::repeat_with(draws).take(n as usize).sum();
        (sum / f64::from(n), 3.0 * width / 12f64.sqrt() / f64::from(n).sqrt())
    }

    #[test]
    fn draws_keep_the_mean_that_their_law_is_known_for() {
        let decorrelated = DelayLaw::Decorrelated { base_ms: 1_000, cap_ms: 60_000 };
        let envoy = DelayLaw::Envoy { base_ms: 1_000, cap_ms: 60_000 };
        for (law, mean, width) in [
            (exponential(Jitter::Additive), 1.5, 1.0),
            (exponential(Jitter::Full), 0.5, 1.0),
            (exponential(Jitter::Equal), 0.75, 0.5),
            (exponential(Jitter::Symmetric { permille: 200 }), 1.0, 0.4),
            (decorrelated, 2.0, 2.0),
            (envoy, 0.5, 1.0),
        ] {
            let (drawn, band) = mean_of_first(&law, 20_000, width);
            assert!((drawn - mean).abs() < band, "{law:?}: mean {drawn}, expected {mean} ± {band}");
        }
    }

    #[test]
    fn draws_have_a_grain_finer_than_a_second() {
        for jitter in [Jitter::Additive, Jitter::Full, Jitter::Equal] {
            let (law, mut rng) = (exponential(jitter), rng(7, 0));
            let whole = (0..1_000).filter(|_| law.draw(0, Duration::ZERO, &mut rng).subsec_nanos() == 0).count();
            assert!(whole < 5, "{jitter:?}: whole seconds are no jitter");
        }
    }

    /// Without a cap in reach E[s(i)] = (base + 3 · E[s(i − 1)])/2: 2, 3.5, 5.75 times the base. Three standard errors
    /// from Var[s(i)] = E[(3 s(i−1) − base)²]/12 + Var[(base + 3 s(i−1))/2].
    #[test]
    fn decorrelated_jitter_grows_with_what_was_drawn_before() {
        let law = DelayLaw::Decorrelated { base_ms: 1_000, cap_ms: 3_600_000 };
        let (n, mut sums, mut rng) = (40_000, [0.0; 3], rng(3, 0));
        for _ in 0..n {
            let mut previous = Duration::ZERO;
            for (i, sum) in sums.iter_mut().enumerate() {
                previous = law.draw(i as u32, previous, &mut rng);
                *sum += previous.as_secs_f64();
            }
        }
        let (mut mean, mut variance) = (1.0f64, 0.0f64);
        for sum in sums {
            let spread = (9.0 * (variance + mean * mean) - 6.0 * mean + 1.0) / 12.0;
            (mean, variance) = (f64::midpoint(1.0, 3.0 * mean), spread + 2.25 * variance);
            let band = 3.0 * (variance / f64::from(n)).sqrt();
            assert!((sum / f64::from(n) - mean).abs() < band, "{} is not {mean} ± {band}", sum / f64::from(n));
        }
        assert!((mean - 5.75).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn every_draw_lies_within_the_formulas_range(seed: u64, i in 0u32..40, base in 1u64..5_000, factor in 1u32..=10, more in 0u64..100_000, f in 0u32..=1_000) {
            let cap = base + more;
            let t = Duration::from_millis(base.saturating_mul(u64::from(factor).saturating_pow(i)).min(cap));
            let symmetric = Jitter::Symmetric { permille: f };
            for (jitter, low, high) in [
                (Jitter::None, t, t),
                (Jitter::Additive, t, t * 2),
                (Jitter::Full, Duration::ZERO, t),
                (Jitter::Equal, t / 2, t),
                (symmetric, t * (1_000 - f) / 1_000, t * (1_000 + f) / 1_000),
            ] {
                let law = DelayLaw::Exponential { base_ms: base, factor, cap_ms: cap, jitter };
                let d = law.draw(i, Duration::ZERO, &mut rng(seed, 0));
                prop_assert!(low <= d && d <= high, "{jitter:?}: {d:?} is outside {low:?}..{high:?}");
                prop_assert!(d <= law.longest(i));
            }
        }

        #[test]
        fn decorrelated_draws_lie_between_the_base_and_three_times_the_previous_one_and_under_the_cap(seed: u64, base in 1u64..5_000, more in 0u64..100_000) {
            let law = DelayLaw::Decorrelated { base_ms: base, cap_ms: base + more };
            let (mut rng, mut previous) = (rng(seed, 0), Duration::from_millis(base));
            for i in 0..20 {
                let d = law.draw(i, previous, &mut rng);
                prop_assert!(Duration::from_millis(base) <= d && d <= Duration::from_millis(base + more));
                prop_assert!(d <= previous * 3 && d <= law.longest(i));
                previous = d;
            }
        }

        #[test]
        fn envoys_draws_lie_below_its_growing_bound(seed: u64, n in 1u32..40, base in 1u64..5_000, more in 0u64..100_000) {
            let law = DelayLaw::Envoy { base_ms: base, cap_ms: base + more };
            let bound = base.saturating_mul((1u64 << n) - 1).min(base + more) * MS;
            let d = law.draw(n - 1, Duration::ZERO, &mut rng(seed, 0)).as_nanos() as u64;
            prop_assert!(d < bound, "retry {n}: {d} is not below {bound}");
        }
    }
}
