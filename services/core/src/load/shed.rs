//! Load shedding: stretches of a run in which the steady load is thinned, as an operator does who wants a service back.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{ArrivalLaw, within};
use crate::{Rng, rng, wire::FieldError};

/// The RNG stream that thinning draws from, beyond those of the arrivals.
const STREAM: u64 = 1_000;

/// A stretch with a part of the steady load: [at, at + for).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shed {
    /// Its name, unique in the run.
    pub name: String,
    /// When it begins: milliseconds after the run's start.
    pub at_ms: u64,
    /// How long it lasts, in milliseconds; at least 1.
    pub for_ms: u64,
    /// How much of the steady load is left, in percent: 0 to 99.
    pub percent: u32,
}

impl Shed {
    /// When it ends: milliseconds after the run's start.
    pub const fn end_ms(&self) -> u64 {
        self.at_ms + self.for_ms
    }
}

/// Checks a schedule: each stretch within its bounds, in order of time, none overlapping another, none beyond the end.
pub(super) fn validate(shed: &[Shed], duration_ms: u64) -> Result<(), FieldError> {
    let mut free_from = 0;
    for (i, stretch) in shed.iter().enumerate() {
        let place = format!("shed[{i}]");
        within("percent", u64::from(stretch.percent), 0, 99).map_err(|e| e.within(&place))?;
        within("for_ms", stretch.for_ms, 1, duration_ms).map_err(|e| e.within(&place))?;
        within("at_ms", stretch.at_ms, free_from, duration_ms - stretch.for_ms).map_err(|e| e.within(&place))?;
        free_from = stretch.end_ms();
    }
    Ok(())
}

/// Decides which of the steady load's arrivals are left.
///
/// Each law stays what it is: of a Poisson process each arrival is kept by itself, so that what is left is one of the
/// smaller rate; of equal gaps every so manieth is kept, so that the rate is exact.
#[derive(Debug)]
pub(super) struct Thinning {
    stretches: Vec<Shed>,
    law: ArrivalLaw,
    rng: Rng,
    /// Arrivals met in the stretch that is first in the list.
    met: u64,
}

impl Thinning {
    pub(super) fn new(stretches: &[Shed], law: ArrivalLaw, seed: u64) -> Self {
        Self { stretches: stretches.to_vec(), law, rng: rng(seed, STREAM), met: 0 }
    }

    /// Whether the arrival at `at_ns` is sent. Asked once for each arrival, in order of time.
    pub(super) fn keeps(&mut self, at_ns: u64) -> bool {
        let now_ms = at_ns / 1_000_000;
        while self.stretches.first().is_some_and(|shed| now_ms >= shed.end_ms()) {
            self.stretches.remove(0);
            self.met = 0;
        }
        let Some(shed) = self.stretches.first().filter(|shed| now_ms >= shed.at_ms) else { return true };
        let percent = u64::from(shed.percent);
        match self.law {
            ArrivalLaw::Uniform => {
                self.met += 1;
                self.met * percent / 100 > (self.met - 1) * percent / 100
            }
            ArrivalLaw::Poisson => self.rng.random_range(0..100) < percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Burst, BurstSize, LoadPlan, LoadShape};

    fn load(arrivals: ArrivalLaw, percent: u32) -> LoadPlan {
        let shape = LoadShape::Open { rate: 500, arrivals };
        let shed = vec![Shed { name: "shed".into(), at_ms: 20_000, for_ms: 20_000, percent }];
        LoadPlan { seed: 7, duration_ms: 60_000, shape, bursts: vec![], shed }
    }

    fn within_shed(plan: &LoadPlan) -> (Vec<u64>, Vec<u64>) {
        let all = plan.arrivals().map(|at| at.as_nanos() as u64);
        all.partition(|ns| (20_000_000_000..40_000_000_000).contains(ns))
    }

    /// 500/s for 20 s, of which so many percent are left.
    #[test]
    fn equal_gaps_are_thinned_to_exactly_the_percentage() {
        for percent in 0..100 {
            let (left, others) = within_shed(&load(ArrivalLaw::Uniform, percent));
            assert_eq!((left.len(), others.len()), (percent as usize * 100, 20_000));
        }
        let (half, _) = within_shed(&load(ArrivalLaw::Uniform, 50));
        assert!(half.windows(2).all(|w| w[1] - w[0] == 4_000_000), "every other one");
    }

    /// A Poisson count of mean m is within 3 √m of it; what is left of a Poisson process has gaps with sd = mean.
    #[test]
    fn a_thinned_poisson_process_is_one_of_the_smaller_rate() {
        for percent in [10u32, 40, 90] {
            let (shed, _) = within_shed(&load(ArrivalLaw::Poisson, percent));
            let mean = f64::from(percent) * 100.0;
            assert!((shed.len() as f64 - mean).abs() < 3.0 * mean.sqrt(), "{} of {mean}", shed.len());
            let gaps: Vec<f64> = shed.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
            let m = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let sd = (gaps.iter().map(|g| (g - m).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
            // The coefficient of variation of n exponential gaps has a standard error of about 1/√n.
            assert!((sd / m - 1.0).abs() < 3.0 / (gaps.len() as f64).sqrt(), "{}", sd / m);
        }
        assert_eq!(within_shed(&load(ArrivalLaw::Poisson, 0)).0.len(), 0);
    }

    #[test]
    fn the_load_outside_the_stretch_and_the_bursts_are_as_without_it() {
        let burst = Burst { at_ms: 25_000, size: BurstSize::Requests(10) };
        for law in [ArrivalLaw::Uniform, ArrivalLaw::Poisson] {
            let shed = LoadPlan { bursts: vec![burst.clone()], ..load(law, 0) };
            let whole = LoadPlan { shed: vec![], ..shed.clone() };
            assert_eq!(within_shed(&shed).1, within_shed(&whole).1);
            assert_eq!(within_shed(&shed).0, [25_000_000_000; 10]);
            assert!(shed.arrivals().eq(shed.arrivals()), "the same seed gives the same load");
        }
    }

    #[test]
    fn overlapping_endless_and_full_stretches_are_refused() {
        let field = |stretches: &[(u64, u64, u32)]| {
            let shed = |&(at_ms, for_ms, percent): &_| Shed { name: "s".into(), at_ms, for_ms, percent };
            let shed: Vec<_> = stretches.iter().map(shed).collect();
            LoadPlan { shed, ..load(ArrivalLaw::Uniform, 0) }.validate().err().map(|e| e.field)
        };
        assert_eq!(field(&[(0, 10_000, 0), (10_000, 50_000, 99)]), None);
        assert_eq!(field(&[(0, 10_000, 0), (9_900, 100, 0)]).as_deref(), Some("shed[1].at_ms"));
        assert_eq!(field(&[(1_000, 60_000, 0)]).as_deref(), Some("shed[0].at_ms"));
        assert_eq!(field(&[(1_000, 0, 0)]).as_deref(), Some("shed[0].for_ms"));
        assert_eq!(field(&[(1_000, 1_000, 100)]).as_deref(), Some("shed[0].percent"));
    }

    #[test]
    fn a_closed_loop_has_no_arrivals_that_could_be_shed() {
        let shape = LoadShape::Closed { stages: vec![crate::load::Stage { for_ms: 0, users: 1 }], think_ms: 0 };
        let refused = LoadPlan { shape, ..load(ArrivalLaw::Uniform, 0) }.validate().unwrap_err();
        assert_eq!(refused.field, "shed");
    }
}
