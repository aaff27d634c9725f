//! A timeline's columns as rates, and rates as paths.

use std::fmt::Write;

use retrylab_core::stats::ArmSeries;

use crate::figure::count;

/// The curves of an arm.
pub struct Curves {
    pub bucket_ms: u64,
    /// Buckets in a second, for the mean; 1 where a bucket is a second or more.
    pub block: usize,
    pub arrivals: Curve,
    pub attempts: Curve,
    pub goodput: Curve,
}

/// One column, as rates per second.
pub struct Curve {
    pub name: &'static str,
    pub class: &'static str,
    /// By bucket.
    pub raw: Vec<f64>,
    /// By block of buckets.
    pub mean: Vec<f64>,
}

impl Curves {
    pub fn of(series: &ArmSeries) -> Self {
        let bucket_ms = series.bucket_ms.max(1);
        let block = (1_000 / bucket_ms).max(1) as usize;
        let per_second = 1_000.0 / bucket_ms as f64;
        let curve = |name, class, column: &[u64]| Curve {
            name,
            class,
            raw: column.iter().map(|&n| n as f64 * per_second).collect(),
            mean: column.chunks(block).map(|c| c.iter().sum::<u64>() as f64 * per_second / block as f64).collect(),
        };
        Self {
            bucket_ms,
            block,
            arrivals: curve("arrivals", "arrivals", &series.arrivals),
            attempts: curve("attempts", "attempts", &series.attempts),
            goodput: curve("goodput", "goodput", &series.goodput),
        }
    }

    /// In the order in which they are drawn: the later are on top.
    pub const fn all(&self) -> [&Curve; 3] {
        [&self.goodput, &self.attempts, &self.arrivals]
    }

    /// What the picture shows, for those who can't see it.
    pub fn in_words(&self, series: &ArmSeries) -> String {
        let total = |column: &[u64]| count(column.iter().sum());
        let peak = |curve: &Curve| {
            let (at, most) = curve
                .mean
                .iter()
                .enumerate()
                .fold((0, 0.0), |(at, most), (i, &rate)| if rate > most { (i, rate) } else { (at, most) });
            format!("at most {most:.0} a second, at {} s", at as u64 * self.block as u64 * self.bucket_ms / 1_000)
        };
        format!(
            "{} requests arrived, {}. {} attempts were sent, {}. {} requests succeeded, {}. At most {} requests were in the backend.",
            total(&series.arrivals),
            peak(&self.arrivals),
            total(&series.attempts),
            peak(&self.attempts),
            total(&series.goodput),
            peak(&self.goodput),
            count(series.queue.iter().max().copied().unwrap_or(0)),
        )
    }
}

impl Curve {
    /// The class that fills a chip with the curve's colour.
    pub fn fill(&self) -> String {
        format!("bg-{}", self.class)
    }
}

/// A line of steps, each `width` buckets wide, in a picture 1000 high for `most`; equal steps are one.
pub fn steps(values: &[f64], width: usize, most: f64) -> String {
    let mut path = String::new();
    let mut last = None;
    for (i, value) in values.iter().enumerate() {
        let y = height(*value, most);
        if last != Some(y) {
            if last.is_some() {
                write!(path, "H{}V{y}", i * width).ok();
            } else {
                write!(path, "M0 {y}").ok();
            }
            last = Some(y);
        }
    }
    if last.is_some() {
        write!(path, "H{}", values.len() * width).ok();
    }
    path
}

/// The area under the steps.
pub fn area(values: &[f64], width: usize, most: f64) -> String {
    let line = steps(values, width, most);
    if line.is_empty() { line } else { format!("{line}V1000H0Z") }
}

/// What there is above another column's steps: as an area under both, of which what is under only one is filled.
pub fn extra(values: &[f64], above: &[f64], most: f64) -> String {
    let highest: Vec<f64> = values.iter().zip(above).map(|(value, other)| value.max(*other)).collect();
    area(&highest, 1, most) + &area(above, 1, most)
}

fn height(value: f64, most: f64) -> u32 {
    (1_000.0 * (1.0 - value / most)).clamp(0.0, 1_000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_are_one() {
        assert_eq!(steps(&[1.0, 1.0, 0.0, 2.0], 10, 2.0), "M0 500H20V1000H30V0H40");
        assert_eq!(area(&[1.0], 1, 1.0), "M0 0H1V1000H0Z");
        assert_eq!(area(&[], 1, 1.0), "");
        assert_eq!(extra(&[2.0, 0.0], &[1.0, 1.0], 2.0), "M0 0H1V500H2V1000H0ZM0 500H2V1000H0Z");
    }

    #[test]
    fn rates_are_by_bucket_and_by_second() {
        let series = ArmSeries { bucket_ms: 500, attempts: vec![10, 0, 3], ..ArmSeries::default() };
        let curves = Curves::of(&series);
        assert_eq!(curves.attempts.raw, [20.0, 0.0, 6.0]);
        assert_eq!(curves.attempts.mean, [10.0, 3.0], "the last second is not over");
        assert!(curves.in_words(&series).contains("13 attempts were sent, at most 10 a second, at 0 s"));
    }
}
