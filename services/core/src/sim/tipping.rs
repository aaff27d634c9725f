//! Where a system tips: the smallest load, burst or window after which it stays down although what pushed it is gone.

use super::Outcome;
use crate::stats::Ratio;

/// Over so much of a run's end it is judged whether service is down, in milliseconds.
pub const JUDGED_MS: u64 = 10_000;

/// Answers of success ÷ arrivals over [from, to) in milliseconds, all of them at most: answers to what came before make no
/// share above 1. `None`: there were no arrivals.
pub fn served_share(outcome: &Outcome, from_ms: u64, to_ms: u64) -> Option<Ratio> {
    let series = &outcome.load.series;
    let arrivals = series.planned.sum(from_ms, Some(to_ms));
    Ratio::new(series.goodput.sum(from_ms, Some(to_ms)).min(arrivals), arrivals)
}

/// Whether service is down at the end of a schedule: of its last [`JUDGED_MS`], fewer than half as many answers of success
/// as arrivals. `None`: there were no arrivals.
///
/// Whether that is *for good* is the caller's to see to: the end must lie further behind the last fault or burst than the
/// backlog needs to drain, or a slow recovery is taken for none. And whether it is what pushed the system that holds it down: it may
/// be the load alone.
pub fn is_down(outcome: &Outcome, duration_ms: u64) -> Option<bool> {
    let share = served_share(outcome, duration_ms.saturating_sub(JUDGED_MS), duration_ms)?;
    Some(share.to_f64() < 0.5)
}

/// Where between two values a system tips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TippingPoint {
    /// Up to `stays` it comes back, from `tips` on it does not: more is worse.
    Above {
        /// The greatest value looked at at which it comes back.
        stays: u64,
        /// The smallest at which it does not.
        tips: u64,
    },
    /// Down to `stays` it comes back, from `tips` down it does not: less is worse, as with capacity.
    Below {
        /// The smallest value looked at at which it comes back.
        stays: u64,
        /// The greatest at which it does not.
        tips: u64,
    },
    /// It comes back at both ends, and wherever it was looked between.
    Never,
    /// It comes back at neither end, nor anywhere between.
    Always,
}

/// Where both ends agree, so many values between them are looked at as well.
const INNER: u64 = 9;

/// Bisects between `low` and `high`, both included, in whole steps of `grain` from `low` on, the last of which may be shorter; `tips` says whether the system stays down at a
/// value. Exact if there is one point at which that changes; if there are several, the first that is seen from `low` on. Where both
/// ends agree, [`INNER`] values at equal distances between them are looked at before it is never, or always.
///
/// # Errors
/// What `tips` fails with.
pub fn tipping_point<E>(
    low: u64,
    high: u64,
    grain: u64,
    mut tips: impl FnMut(u64) -> Result<bool, E>,
) -> Result<TippingPoint, E> {
    let at = |step: u64| (low + step * grain).min(high);
    let last = (high - low).div_ceil(grain);
    let (mut below, tips_low) = (0, tips(at(0))?);
    let mut above = (tips(at(last))? != tips_low).then_some(last);
    let mut inner: Vec<u64> = (1..=INNER).map(|i| last * i / (INNER + 1)).collect();
    inner.dedup();
    for step in inner.into_iter().filter(|step| (1..last).contains(step)) {
        if above.is_some() {
            break;
        }
        if tips(at(step))? == tips_low {
            below = step;
        } else {
            above = Some(step);
        }
    }
    let Some(mut above) = above else {
        return Ok(if tips_low { TippingPoint::Always } else { TippingPoint::Never });
    };
    while above - below > 1 {
        let middle = below.midpoint(above);
        if tips(at(middle))? == tips_low {
            below = middle;
        } else {
            above = middle;
        }
    }
    let (below, above) = (at(below), at(above));
    Ok(if tips_low {
        TippingPoint::Below { stays: above, tips: below }
    } else {
        TippingPoint::Above { stays: below, tips: above }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(low: u64, high: u64, grain: u64, tips: impl Fn(u64) -> bool) -> (TippingPoint, u32) {
        let mut asked = 0;
        let count = |value| {
            asked += 1;
            Ok::<_, ()>(tips(value))
        };
        let found = tipping_point(low, high, grain, count).expect("nothing fails");
        (found, asked)
    }

    proptest! {
        #[test]
        fn the_point_is_found_to_the_grain_in_few_steps(low in 0u64..1_000, length in 1u64..100_000, point in 0u64..101_000) {
            let high = low + length;
            let (found, asked) = search(low, high, 1, |value| value >= point);
            let expected = match point {
                _ if point <= low => TippingPoint::Always,
                _ if point > high => TippingPoint::Never,
                tips => TippingPoint::Above { stays: tips - 1, tips },
            };
            prop_assert_eq!(found, expected);
            prop_assert!(asked <= 2 + 17);
            let is_above = matches!(found, TippingPoint::Above { .. });
            prop_assert!(is_above || u64::from(asked) == 2 + INNER.min(length - 1));
        }
    }

    #[test]
    fn what_lies_between_two_ends_that_agree_is_looked_at() {
        let (found, _) = search(0, 1_000, 1, |value| (250..=450).contains(&value));
        assert_eq!(found, TippingPoint::Above { stays: 249, tips: 250 });
        let (found, _) = search(0, 1_000, 1, |value| !(250..=450).contains(&value));
        assert_eq!(found, TippingPoint::Below { stays: 250, tips: 249 });
        assert_eq!(search(0, 1_000, 1, |_| false), (TippingPoint::Never, 11));
        assert_eq!(search(0, 3, 1, |_| true), (TippingPoint::Always, 4), "all there are");
        assert_eq!(search(0, 1, 1, |_| true), (TippingPoint::Always, 2));
    }

    #[test]
    fn where_less_is_worse_the_greatest_that_tips_is_found() {
        assert_eq!(search(1, 64, 1, |value| value <= 12).0, TippingPoint::Below { stays: 13, tips: 12 });
    }

    #[test]
    fn only_whole_steps_of_the_grain_are_looked_at() {
        let found = search(1_000, 10_050, 100, |value| value >= 4_321).0;
        assert_eq!(found, TippingPoint::Above { stays: 4_300, tips: 4_400 });
    }

    #[test]
    fn the_high_end_is_looked_at_although_it_is_off_the_grain() {
        let found = search(1_000, 1_050, 100, |value| value >= 1_050).0;
        assert_eq!(found, TippingPoint::Above { stays: 1_000, tips: 1_050 });
        assert_eq!(
            search(1_000, 1_250, 100, |value| value >= 1_210).0,
            TippingPoint::Above { stays: 1_200, tips: 1_250 }
        );
    }
}
