//! An exact ratio of two counts: no figure passes through a float on its way from a count to a status.

use std::{cmp::Ordering, fmt, str::FromStr};

/// A ratio with a denominator above 0.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// n ÷ d; `None` when d is 0: nothing is reported from data that is missing.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// The value as a float, for statistics.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The product; `None` when it is too large to be exact.
    pub fn times(self, other: Self) -> Option<Self> {
        let numerator = self.numerator.checked_mul(other.numerator)?;
        Some(Self { numerator, denominator: self.denominator.checked_mul(other.denominator)? })
    }

    /// What is divided.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// What it is divided by.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The value with `places` decimals, at most 12, rounded half up; but what is neither 0 nor 1 is never shown as 0 or 1,
    /// so that one failure in a million is not read as none.
    pub fn decimal(self, places: u32) -> String {
        let (scale, scaled) = (10u128.pow(places), self.scaled(places));
        if places == 0 {
            return scaled.to_string();
        }
        format!("{}.{:0width$}", scaled / scale, scaled % scale, width = places as usize)
    }

    /// The fewest decimals, `least` or more, with which this figure is seen to be below, at or above each of these bounds,
    /// which are shown with as many, or with [`Self::BOUND_PLACES`].
    pub fn places_apart(self, least: u32, bounds: &[Self]) -> u32 {
        let tells = |places: u32, bound: &Self| {
            let bound_places = places.max(Self::BOUND_PLACES);
            let shown = self.scaled(places).saturating_mul(10u128.pow(bound_places - places));
            shown.cmp(&bound.scaled(bound_places)) == self.cmp(bound)
        };
        let enough = |places: &u32| bounds.iter().all(|bound| tells(*places, bound));
        (least..=Self::PLACES_MAX).find(enough).unwrap_or(Self::PLACES_MAX)
    }

    /// Decimals that a bound may have.
    pub const BOUND_PLACES: u32 = 6;
    /// The most decimals that are ever shown.
    const PLACES_MAX: u32 = 12;

    /// The value times 10 to the power of `places`, rounded as [`Self::decimal`] does.
    fn scaled(self, places: u32) -> u128 {
        let (n, d) = (u128::from(self.numerator), u128::from(self.denominator));
        let one = 10u128.pow(places);
        let rounded = (n * one * 2 + d) / (2 * d);
        match rounded {
            _ if places == 0 => rounded,
            0 if n > 0 => 1,
            _ if rounded == one && n < d => one - 1,
            _ => rounded,
        }
    }
}

/// Three decimals: the form of every ratio in a status. See [`Ratio::decimal`].
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decimal(3))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        let right = u128::from(other.numerator) * u128::from(self.denominator);
        left.cmp(&right)
    }
}

/// The text is no decimal number of at most 9 digits before the point and 6 after it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number such as 3.2")]
pub struct NotADecimal;

impl FromStr for Ratio {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str, most| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 9) || !digits(fraction, 6) {
            return Err(NotADecimal);
        }
        let denominator = 10u64.pow(fraction.len() as u32);
        let number = |s: &str| s.parse::<u64>().map_err(|_| NotADecimal);
        Ok(Self { numerator: number(whole)? * denominator + number(fraction)?, denominator })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(n: u64, d: u64) -> String {
        Ratio::new(n, d).map_or_else(|| "none".into(), |r| r.to_string())
    }

    #[test]
    fn three_decimals_rounded_half_up() {
        assert_eq!(shown(30, 10), "3.000");
        assert_eq!(shown(2, 3), "0.667");
        assert_eq!(shown(1, 2_000), "0.001");
        assert_eq!(shown(10_004, 10_000), "1.000");
        assert_eq!(shown(u64::MAX, u64::MAX), "1.000");
    }

    #[test]
    fn what_is_neither_0_nor_1_is_not_shown_as_0_or_1() {
        assert_eq!([shown(9_999, 10_000), shown(83_960, 84_000)], ["0.999", "0.999"]);
        assert_eq!([shown(1, 10_000), shown(0, 10_000)], ["0.001", "0.000"]);
        assert_eq!(Ratio::new(4, 100).unwrap().decimal(1), "0.1");
        assert_eq!(Ratio::new(4, 100).unwrap().decimal(0), "0");
    }

    #[test]
    fn a_figure_has_as_many_decimals_as_tell_it_from_its_bounds() {
        let places = |n, d, bounds: &[&str]| {
            let bounds: Vec<Ratio> = bounds.iter().map(|bound| bound.parse().unwrap()).collect();
            let figure = Ratio::new(n, d).unwrap();
            figure.decimal(figure.places_apart(3, &bounds))
        };
        assert_eq!(places(83_960, 84_000, &["1"]), "0.999", "below 1 as it is");
        assert_eq!(places(9_504, 10_000, &["0.9504"]), "0.9504");
        assert_eq!(places(95_038, 100_000, &["0.9504"]), "0.950", "below 0.9504, and so is 0.950");
        assert_eq!(places(95_042, 100_000, &["0.9504"]), "0.95042");
        assert_eq!(places(10_004, 10_000, &["1"]), "1.0004");
        assert_eq!(places(10_004, 10_000, &["1", "1.00041"]), "1.0004");
        assert_eq!(places(1, 3, &["0.333333"]), "0.3333333");
        let third = Ratio::new(1, 3).unwrap();
        assert_eq!(third.places_apart(3, &[third]), 6, "they are equal, and are shown so");
        assert_eq!(third.places_apart(3, &[]), 3);
    }

    #[test]
    fn nothing_over_nothing_is_no_number() {
        assert_eq!(shown(0, 0), "none");
    }

    #[test]
    fn comparison_is_exact() {
        let parsed: Ratio = "0.333333".parse().unwrap();
        assert!(Ratio::new(1, 3).unwrap() > parsed);
        assert_eq!("3.20".parse(), Ok(Ratio::new(16, 5).unwrap()));
    }

    #[test]
    fn products_are_exact_or_none() {
        let times = |a: &str, b: &str| a.parse::<Ratio>().unwrap().times(b.parse().unwrap()).map(|r| r.decimal(6));
        assert_eq!(times("3.001", "0.5").as_deref(), Some("1.500500"));
        assert_eq!(times("999999999.999", "999.999").as_deref(), Some("999998999999.000001"));
        assert_eq!(times("999999999.999999", "999999999.999999"), None);
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-1", "1e3", ".5", "1.", "abc", "1.2.3", "9999999999"] {
            assert_eq!(text.parse::<Ratio>(), Err(NotADecimal), "{text}");
        }
    }
}
