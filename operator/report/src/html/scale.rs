//! Scales of plots. All arms share them, so that what looks higher is higher.

use retrylab_core::stats::ArmSeries;

use super::timeline::{Curve, Curves};
use crate::{Report, figure::number};

/// The scales that the plots of all arms share.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    /// The end of the time axis, in milliseconds.
    pub end_ms: u64,
    /// The highest rate of a bucket, per second.
    pub rate: f64,
    /// The highest mean rate of a second, per second.
    pub mean_rate: f64,
    /// The most requests in the backends, and at least ten: fewer are no queue to speak of.
    pub queue: f64,
    /// The shortest and the longest latency, in milliseconds.
    pub latency_ms: (f64, f64),
}

impl Scales {
    /// The scales of a report.
    pub fn of(report: &Report) -> Self {
        let series = || report.series.iter();
        let end = |series: &ArmSeries| series.arrivals.len() as u64 * series.bucket_ms;
        let highest = |of: fn(&Curve) -> &[f64]| {
            let curves: Vec<_> = series().map(Curves::of).collect();
            curves.iter().flat_map(Curves::all).flat_map(of).copied().fold(1.0, f64::max)
        };
        let latencies = report.status.arms.iter().flat_map(|arm| arm.windows.iter().filter_map(|w| w.latency.as_ref()));
        let latencies = latencies.flat_map(|l| [&l.p50, &l.p99, &l.p999]);
        let latencies: Vec<f64> = latencies.filter_map(|ms| number(Some(ms))).filter(|ms| *ms > 0.0).collect();
        let (short, long) = latencies.iter().fold((f64::MAX, 0.0), |(s, l), &ms| (f64::min(s, ms), f64::max(l, ms)));
        let decade = |ms: f64, to: fn(f64) -> f64| 10f64.powf(to(ms.log10()));
        Self {
            end_ms: series().map(end).chain([report.spec.duration.as_millis(), 1]).max().unwrap_or(1),
            rate: highest(|curve| &curve.raw),
            mean_rate: highest(|curve| &curve.mean),
            queue: series().flat_map(|series| &series.queue).max().copied().unwrap_or(0).max(10) as f64,
            latency_ms: if long > 0.0 { (decade(short, f64::floor), decade(long, f64::ceil)) } else { (1.0, 10.0) },
        }
    }

    /// Where a moment lies on the time axis, in percent.
    pub fn x(&self, ms: u64) -> f64 {
        (ms as f64 / self.end_ms as f64 * 100.0).clamp(0.0, 100.0)
    }

    /// What the logarithmic axis of latencies spans, in words.
    pub fn latency_range(&self) -> String {
        let shown = |ms: f64| if ms >= 1_000.0 { format!("{} s", ms / 1_000.0) } else { format!("{ms} ms") };
        format!("{} to {}, log scale", shown(self.latency_ms.0), shown(self.latency_ms.1))
    }

    /// Where a latency lies on its logarithmic axis, in percent.
    pub fn log_x(&self, ms: f64) -> f64 {
        let (short, long) = self.latency_ms;
        let decades = (long / short).log10().max(1.0);
        ((ms.max(short) / short).log10() / decades * 100.0).clamp(0.0, 100.0)
    }
}

/// Round steps of an axis from 0 to `most`, about `steps` of them: 1, 2 or 5 times a power of ten.
pub fn ticks(most: f64, steps: f64) -> Vec<f64> {
    let rough = (most / steps).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough * 0.999).unwrap_or(rough);
    let count = (most / step * 1.000_001).floor().min(20.0) as u32;
    (0..=count).map(|i| f64::from(i) * step).collect()
}

/// A percentage as an attribute: two decimals are finer than a pixel.
pub fn pct(value: f64) -> String {
    let text = format!("{value:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps() {
        assert_eq!(ticks(162.0, 4.0), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(ticks(1.0, 4.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(4_000.0, 4.0), [0.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0]);
        assert_eq!(ticks(0.0, 4.0).len(), 1);
    }

    #[test]
    fn a_percentage_is_short() {
        assert_eq!([pct(0.0), pct(12.5), pct(33.333_3), pct(100.0)], ["0%", "12.5%", "33.33%", "100%"]);
    }
}
