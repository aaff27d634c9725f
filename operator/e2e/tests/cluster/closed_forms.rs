//! What retries do by theory: the mean and the standard deviation of one request's figure, from which follow the bounds
//! for a mean over any number of requests.

/// A figure of one request, as a random variable.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    pub mean: f64,
    pub deviation: f64,
}

impl Law {
    /// From the mean and the mean of the square.
    fn new(mean: f64, mean_square: f64) -> Self {
        Self { mean, deviation: (mean_square - mean * mean).max(0.0).sqrt() }
    }

    /// Something that happens to a request with this probability.
    pub fn chance(p: f64) -> Self {
        Self::new(p, p)
    }

    /// Checks a mean over so many requests, as the status shows it: within three standard errors, and the thousandth that three
    /// decimals cut off at most, next to 0 and 1.
    pub fn check(self, what: &str, shown: Option<&str>, requests: u64) {
        let observed: f64 = shown.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{what}: {shown:?}"));
        let bound = 3.0 * self.deviation / (requests as f64).sqrt() + 0.001;
        println!("{what}: {observed} of {requests} requests, expected {:.3} ± {bound:.3}", self.mean);
        assert!((observed - self.mean).abs() <= bound, "{what}: {observed}, expected {:.3} ± {bound:.3}", self.mean);
    }
}

/// Attempts of a request each of whose attempts fails with probability p, of which it has at most n.
pub fn independent_failures(p: f64, n: i32) -> Law {
    let probability = |k| if k < n { p.powi(k - 1) * (1.0 - p) } else { p.powi(n - 1) };
    let moment = |power| (1..=n).map(|k| f64::from(k).powi(power) * probability(k)).sum();
    Law::new(moment(1), moment(2))
}

/// A request that arrives anywhere in an outage of `length_s`, under a policy whose attempts come at these mean offsets
/// from the first, all of them possible within the outage.
pub struct Outage<'o> {
    pub length_s: f64,
    pub offsets_s: &'o [f64],
}

impl Outage<'_> {
    /// Its attempts in the outage. Attempt k is one of them with probability 1 − E\[offset\]/length, and then all before
    /// it are: so the mean is the sum of these, and the mean of the square the sum with weights 1, 3, 5 …
    pub fn wire_attempts(&self) -> Law {
        self.attempts_within(self.offsets_s)
    }

    /// All its attempts: the first, and one more for each but the last that fails, which is each in the outage.
    pub fn attempts(&self) -> Law {
        let failing = self.attempts_within(&self.offsets_s[..self.offsets_s.len() - 1]);
        Law { mean: failing.mean + 1.0, ..failing }
    }

    /// Whether it is saved: its last attempt comes after the outage.
    pub fn saved(&self) -> Law {
        Law::chance(self.offsets_s[self.offsets_s.len() - 1] / self.length_s)
    }

    fn attempts_within(&self, offsets_s: &[f64]) -> Law {
        let within = || offsets_s.iter().map(|offset| 1.0 - offset / self.length_s);
        let odd = (0..).map(|k| f64::from(2 * k + 1));
        Law::new(within().sum(), within().zip(odd).map(|(probability, weight)| weight * probability).sum())
    }
}

fn check(law: Law, mean: &str, deviation: &str) {
    assert_eq!((format!("{:.3}", law.mean).as_str(), format!("{:.2}", law.deviation).as_str()), (mean, deviation));
}

#[test]
fn four_attempts_with_independent_failures() {
    check(independent_failures(0.3, 4), "1.417", "0.73");
    check(independent_failures(0.5, 4), "1.875", "1.05");
    check(independent_failures(0.9, 4), "3.439", "1.01");
}

#[test]
fn delays_of_1_2_and_4_s_in_an_outage_of_10_s() {
    let outage = Outage { length_s: 10.0, offsets_s: &[0.0, 1.0, 3.0, 7.0] };
    check(outage.wire_attempts(), "2.900", "0.94");
    check(outage.attempts(), "3.600", "0.66");
    check(outage.saved(), "0.700", "0.46");
}
