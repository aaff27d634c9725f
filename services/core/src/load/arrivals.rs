//! Open-loop arrivals as an iterator of offsets: the steady load and each burst, merged in order of time.

use std::time::Duration;

use rand::RngExt;

use super::{ArrivalLaw, BurstSize, LoadPlan, LoadShape, shed::Thinning};
use crate::{Rng, rng};

const NANOS: u128 = 1_000_000_000;
/// The RNG stream of the steady load; burst i draws from the stream after it.
const STREAM: u64 = 1;

/// Iterates over the intended starts of a load's open-loop requests, as offsets from the run's start.
#[derive(Debug)]
pub struct Arrivals {
    sources: Vec<Source>,
}

/// One process of arrivals, with its next one.
#[derive(Debug)]
struct Source {
    next: Option<u64>,
    law: Law,
    end: u64,
    /// Which of its arrivals are left where the load is shed.
    thinning: Option<Box<Thinning>>,
}

#[derive(Debug)]
enum Law {
    /// Arrival k is at start + k/rate exactly, so that no rounding adds up.
    Uniform {
        start: u64,
        rate: u32,
        count: u64,
    },
    Poisson {
        mean_gap: f64,
        rng: Box<Rng>,
    },
    Instant {
        at: u64,
        left: u32,
    },
}

impl Arrivals {
    pub(super) fn new(plan: &LoadPlan) -> Self {
        let end = plan.duration_ms * 1_000_000;
        let (rate, law) = match plan.shape {
            LoadShape::Open { rate, arrivals } => (rate, arrivals),
            LoadShape::Closed { .. } => (0, ArrivalLaw::Uniform),
        };
        let mut sources = Vec::new();
        if rate > 0 {
            let thinning = Thinning::new(&plan.shed, law, plan.seed);
            let thinning = (!plan.shed.is_empty()).then(|| Box::new(thinning));
            sources.push(Source { thinning, ..Source::steady(law, rate, 0, end, rng(plan.seed, STREAM)) }.thinned());
        }
        for (burst, stream) in plan.bursts.iter().zip(STREAM + 1..) {
            let at = burst.at_ms * 1_000_000;
            sources.push(match burst.size {
                BurstSize::Requests(n) => {
                    Source { next: Some(at), law: Law::Instant { at, left: n - 1 }, end, thinning: None }
                }
                BurstSize::Rate { rate, for_ms } => {
                    Source::steady(law, rate, at, end.min(at + for_ms * 1_000_000), rng(plan.seed, stream))
                }
            });
        }
        Self { sources }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let soonest = self.sources.iter_mut().filter(|s| s.next.is_some()).min_by_key(|s| s.next)?;
        let at = soonest.next?;
        soonest.advance(at);
        soonest.skip_what_is_shed();
        Some(Duration::from_nanos(at))
    }
}

impl Source {
    fn steady(law: ArrivalLaw, rate: u32, start: u64, end: u64, rng: Rng) -> Self {
        let mut source = match law {
            ArrivalLaw::Uniform => {
                Self { next: Some(start), law: Law::Uniform { start, rate, count: 0 }, end, thinning: None }
            }
            ArrivalLaw::Poisson => {
                let mean_gap = NANOS as f64 / f64::from(rate);
                Self { next: Some(start), law: Law::Poisson { mean_gap, rng: Box::new(rng) }, end, thinning: None }
            }
        };
        if law == ArrivalLaw::Poisson {
            source.advance(start); // the first arrival, too, comes after a random gap
        }
        source
    }

    /// From the first arrival on that is left.
    fn thinned(mut self) -> Self {
        self.skip_what_is_shed();
        self
    }

    fn skip_what_is_shed(&mut self) {
        while let (Some(at), Some(thinning)) = (self.next, &mut self.thinning)
            && !thinning.keeps(at)
        {
            self.advance(at);
        }
    }

    /// Moves on from the arrival at `at`.
    fn advance(&mut self, at: u64) {
        let next = match &mut self.law {
            Law::Uniform { start, rate, count } => {
                *count += 1;
                *start + (u128::from(*count) * NANOS / u128::from(*rate)) as u64
            }
            Law::Poisson { mean_gap, rng } => {
                let open: f64 = 1.0 - rng.random::<f64>(); // in (0, 1], where ln is finite
                at.saturating_add((-open.ln() * *mean_gap) as u64)
            }
            Law::Instant { at, left } => {
                let more = left.checked_sub(1);
                *left = more.unwrap_or(0);
                more.map_or(u64::MAX, |_| *at)
            }
        };
        self.next = (next < self.end).then_some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Burst;

    fn open(rate: u32, arrivals: ArrivalLaw, bursts: Vec<Burst>) -> LoadPlan {
        LoadPlan { seed: 42, duration_ms: 60_000, shape: LoadShape::Open { rate, arrivals }, bursts, shed: vec![] }
    }

    #[test]
    fn uniform_arrivals_are_exactly_the_rate_and_never_drift() {
        for rate in [1, 3, 7, 50, 9_999] {
            let arrivals: Vec<_> = open(rate, ArrivalLaw::Uniform, vec![]).arrivals().collect();
            assert_eq!(arrivals.len(), rate as usize * 60);
            let k = arrivals.len() - 1;
            let exact = k as f64 / f64::from(rate);
            assert!((arrivals[k].as_secs_f64() - exact).abs() < 1e-6);
        }
    }

    /// A Poisson process of rate λ over T has λT arrivals with sd √(λT); gaps have sd = mean.
    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_the_law() {
        let arrivals: Vec<f64> = open(500, ArrivalLaw::Poisson, vec![]).arrivals().map(|d| d.as_secs_f64()).collect();
        let n = arrivals.len() as f64;
        assert!((n - 30_000.0).abs() < 3.0 * 30_000f64.sqrt(), "{n} arrivals");
        let gaps: Vec<f64> = arrivals.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let sd = (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((sd / mean - 1.0).abs() < 0.03, "coefficient of variation {}", sd / mean);
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_seed_others() {
        let plan = open(50, ArrivalLaw::Poisson, vec![]);
        assert!(plan.arrivals().eq(plan.arrivals()));
        assert!(plan.arrivals().ne(LoadPlan { seed: 43, ..plan.clone() }.arrivals()));
    }

    #[test]
    fn a_burst_of_n_requests_is_n_arrivals_at_one_instant() {
        let burst = Burst { at_ms: 8_000, size: BurstSize::Requests(10) };
        let plan = open(0, ArrivalLaw::Poisson, vec![burst]);
        assert_eq!(plan.arrivals().collect::<Vec<_>>(), vec![Duration::from_secs(8); 10]);
    }

    #[test]
    fn a_rate_burst_adds_its_rate_for_its_while_and_the_order_of_time_holds() {
        let burst = Burst { at_ms: 10_000, size: BurstSize::Rate { rate: 100, for_ms: 5_000 } };
        let plan = open(10, ArrivalLaw::Uniform, vec![burst]);
        let arrivals: Vec<_> = plan.arrivals().collect();
        assert_eq!(arrivals.len(), 600 + 500);
        assert!(arrivals.is_sorted());
    }

    #[test]
    fn nothing_arrives_at_or_after_the_end() {
        let burst = Burst { at_ms: 59_000, size: BurstSize::Rate { rate: 10, for_ms: 1_000 } };
        let last = open(50, ArrivalLaw::Poisson, vec![burst]).arrivals().last();
        assert!(last.is_some_and(|d| d < Duration::from_secs(60)));
    }
}
