//! Latency: an HdrHistogram while recording, a list of (value, count) on the wire, mergeable between load generators.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Two significant digits: every value is off by less than 0.8 %.
const SIGNIFICANT_DIGITS: u8 = 2;
/// Longest latency that is told apart, in microseconds: two hours.
const MAX_US: u64 = 7_200_000_000;

fn empty() -> Histogram<u32> {
    Histogram::new_with_bounds(1, MAX_US, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that HdrHistogram allows")
}

/// Records values in microseconds, in memory that does not grow with their number.
#[derive(Debug)]
pub struct LatencyRecorder(Histogram<u32>);

impl Default for LatencyRecorder {
    fn default() -> Self {
        Self(empty())
    }
}

impl LatencyRecorder {
    /// Records one value.
    pub fn record(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    /// What has been recorded.
    pub fn snapshot(&self) -> SparseHistogram {
        SparseHistogram(
            self.0.iter_recorded().map(|v| (v.value_iterated_to(), u64::from(v.count_at_value()))).collect(),
        )
    }

    /// What has been recorded; starts anew.
    pub fn take(&mut self) -> SparseHistogram {
        let taken = self.snapshot();
        self.0.reset();
        taken
    }
}

/// A histogram as pairs of value (microseconds, the upper end of its bucket) and count, in order of value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SparseHistogram(Vec<(u64, u64)>);

impl SparseHistogram {
    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        let mut sum: std::collections::BTreeMap<u64, u64> = self.0.iter().copied().collect();
        for &(value, count) in &other.0 {
            *sum.entry(value).or_default() += count;
        }
        self.0 = sum.into_iter().collect();
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).sum()
    }

    /// The sum of the values, in microseconds; no less than it was, and at most 0.8 % more.
    pub fn sum_us(&self) -> u64 {
        self.0.iter().map(|&(value, count)| value.saturating_mul(count)).fold(0, u64::saturating_add)
    }

    /// The fewest and the most values that can have been above `us`, which values just above and below are not told apart from.
    pub fn above(&self, us: u64) -> (u64, u64) {
        let above = |us: u64| self.0.iter().filter(|&&(value, _)| value > us).map(|&(_, count)| count).sum();
        (above(us + us / 100), above(us))
    }

    /// Median, p99 and p99.9; `None` when there are no values.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let at = |per_mille| self.quantile_us(per_mille);
        Some(Quantiles { p50_us: at(500)?, p99_us: at(990)?, p999_us: at(999)? })
    }

    /// The value, in microseconds, that `per_mille` thousandths of all values do not exceed; `None` when there are none.
    pub fn quantile_us(&self, per_mille: u64) -> Option<u64> {
        let rank = (self.count() * per_mille).div_ceil(1_000).max(1);
        let mut seen = 0;
        self.0
            .iter()
            .find(|&&(_, count)| {
                seen += count;
                seen >= rank
            })
            .map(|&(value, _)| value)
    }
}

/// The quantiles of a latency that are shown, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// Half of the values are no longer.
    pub p50_us: u64,
    /// 99 % are no longer.
    pub p99_us: u64,
    /// 99.9 % are no longer.
    pub p999_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(values: impl IntoIterator<Item = u64>) -> SparseHistogram {
        let mut recorder = LatencyRecorder::default();
        values.into_iter().for_each(|v| recorder.record(v));
        recorder.take()
    }

    fn check(quantile: Option<u64>, expected_us: u64) {
        let us = quantile.expect("values were recorded") as f64;
        assert!((us / expected_us as f64 - 1.0).abs() < 0.008, "{us} is not {expected_us} within 0.8 %");
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let histogram = recorded(1..=100_000);
        check(histogram.quantile_us(500), 50_000);
        check(histogram.quantile_us(990), 99_000);
        check(histogram.quantile_us(999), 99_900);
        check(histogram.quantile_us(1_000), 100_000);
    }

    #[test]
    fn merging_is_recording_together() {
        let mut merged = recorded(1..=500);
        merged.merge(&recorded(501..=1_000));
        assert_eq!(merged, recorded(1..=1_000));
    }

    #[test]
    fn no_values_have_no_quantile() {
        assert_eq!(SparseHistogram::default().quantile_us(500), None);
    }

    #[test]
    fn the_sum_and_the_number_above_a_value_are_as_near_as_two_digits_are() {
        let histogram = recorded(1..=100_000);
        let sum = 100_000 * 100_001 / 2;
        assert!((sum..=sum + sum / 125).contains(&histogram.sum_us()), "{}", histogram.sum_us());
        let (fewest, most) = histogram.above(50_000);
        assert!((49_000..=50_000).contains(&fewest) && (50_000..51_000).contains(&most), "{fewest} to {most}");
        assert_eq!(histogram.above(200_000), (0, 0));
    }

    #[test]
    fn what_is_longer_than_the_longest_counts_as_the_longest() {
        assert_eq!(recorded([u64::MAX]).count(), 1);
    }
}
