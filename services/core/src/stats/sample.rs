//! What a few repetitions say: intervals for a mean, for a fraction, and for the next value.

/// Three standard deviations of the normal distribution: its two-sided quantile of 99.73 %.
const Z9973: f64 = 3.0;
/// The two-sided 95 % quantile of the normal distribution.
const Z95: f64 = 1.959_964;
/// That of Student's t with 1 to 30 degrees of freedom.
const T95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// That of Student's t for 99.73 %, three standard deviations of the normal distribution, with 1 to 20 degrees of freedom: GUM
/// (JCGM 100:2008), table G.2.
const T9973: [f64; 20] = [
    235.78, 19.21, 9.22, 6.62, 5.51, 4.90, 4.53, 4.28, 4.09, 3.96, 3.85, 3.76, 3.69, 3.64, 3.59, 3.54, 3.51, 3.48,
    3.45, 3.42,
];

/// A mean with its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many values there are: at least 1.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n − 1 in the denominator; 0 for one value, of which nothing is known.
    pub sd: f64,
}

impl Sample {
    /// The sample of some values; `None` when there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { n, mean, sd: if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 } })
    }

    /// Half the width of the 95 % confidence interval of the mean: t·sd/√n, Student's; `None` for one value.
    pub fn mean_within(&self) -> Option<f64> {
        let t = student(&T95, Z95, self.n.checked_sub(2)?);
        Some(t * self.sd / (self.n as f64).sqrt())
    }

    /// By how much another value of the same law differs from the mean at most, in 99.73 of 100 cases: t·sd·√(1 + 1/n), that of
    /// the value and that of the mean together. t is Student's, since the sd is itself known from n values only; it tends to the 3
    /// of three standard deviations.
    pub fn next_within(&self) -> f64 {
        let t = student(&T9973, Z9973, self.n.saturating_sub(2));
        t * self.sd * (1.0 + 1.0 / self.n as f64).sqrt()
    }
}

/// A quantile of Student's t with `i` + 1 degrees of freedom, from a table that begins with one; beyond it from z, that of the
/// normal distribution, to two terms: R. A. Fisher and E. A. Cornish, "The Percentile Points of Distributions Having Known
/// Cumulants" (1960).
fn student(table: &[f64], z: f64, i: usize) -> f64 {
    let df = (i + 1) as f64;
    let first = (z.powi(3) + z) / (4.0 * df);
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * df * df);
    table.get(i).copied().unwrap_or(z + first + second)
}

/// Wilson's 95 % interval for a fraction of which `hits` of `n` were seen; `None` for none of none. E. B. Wilson, "Probable
/// Inference, the Law of Succession, and Statistical Inference" (1927).
pub fn wilson(hits: usize, n: usize) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let (count, share, z2) = (n as f64, hits as f64 / n as f64, Z95 * Z95);
    let centre = (share + z2 / (2.0 * count)) / (1.0 + z2 / count);
    let half = Z95 / (1.0 + z2 / count) * (share * (1.0 - share) / count + z2 / (4.0 * count * count)).sqrt();
    // At 0 and n the bounds are 0 and 1 but for the rounding of floats.
    let low = if hits == 0 { 0.0 } else { centre - half };
    Some((low, if hits == n { 1.0 } else { centre + half }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 5e-4, "{value} is not {expected}");
    }

    #[test]
    fn a_sample_s_mean_spread_and_intervals_are_those_of_the_textbook() {
        let sample = Sample::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        close(sample.mean, 5.0);
        close(sample.sd, (32.0f64 / 7.0).sqrt());
        close(sample.mean_within().unwrap(), 2.365 * sample.sd / 8f64.sqrt());
        close(sample.next_within(), 4.53 * sample.sd * 1.125f64.sqrt());
    }

    /// The textbook's t for 31, 40, 60 and 120 degrees of freedom, and 99.73 % for 25, 50 and 100 (GUM, table G.2).
    #[test]
    fn beyond_the_table_t_goes_on_falling_to_that_of_the_normal_distribution() {
        let sample = |n| Sample { n, mean: 0.0, sd: 1.0 };
        let t95 = |df: usize| sample(df + 1).mean_within().unwrap() * ((df + 1) as f64).sqrt();
        for (df, expected) in [(31, 2.040), (40, 2.021), (60, 2.000), (120, 1.980)] {
            assert!((t95(df) - expected).abs() < 1e-3, "{} is not {expected}", t95(df));
        }
        let t9973 = |df: usize| sample(df + 1).next_within() / (1.0 + 1.0 / (df + 1) as f64).sqrt();
        for (df, expected) in [(25, 3.33), (50, 3.16), (100, 3.077)] {
            assert!((t9973(df) - expected).abs() < 6e-3, "{} is not {expected}", t9973(df));
        }
        assert!((2..200).all(|df| t95(df) < t95(df - 1) && t9973(df) < t9973(df - 1)));
    }

    #[test]
    fn one_value_has_no_interval_and_none_no_mean() {
        assert_eq!(Sample::of(&[3.0]).unwrap().mean_within(), None);
        assert_eq!(Sample::of(&[]), None);
        assert_eq!(wilson(0, 0), None);
    }

    /// Wilson's interval for 0 of n ends at z²/(n + z²); the other figures are those of Newcombe (1998), table I, method 3.
    #[test]
    fn wilson_s_interval_is_the_published_one() {
        let check = |hits, n, low, high| {
            let interval = wilson(hits, n).unwrap();
            close(interval.0, low);
            close(interval.1, high);
        };
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(20, 20, 1.0 - 0.1611, 1.0);
    }
}
