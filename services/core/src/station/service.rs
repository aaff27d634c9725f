//! How long a request is in service: S(C) = b·X + s·C.
//!
//! b is the mean service time of a request alone; X has the mean 1 and follows the law; C is the number of requests that
//! are in service when this one starts, itself not among them, and s what each of them adds. So a backend of c workers
//! that are all busy serves c ÷ (b + s·(c − 1)) requests a second, at most 1/s however many workers it has.
//!
//! Constant: X = 1. Exponential: X = −ln U. Lognormal: X = exp(σ·Z − σ²/2), Z standard normal by Box and Muller ("A Note
//! on the Generation of Random Normal Deviates", 1958), so that the mean is 1 and the variance e^(σ²) − 1.

use std::{f64::consts::TAU, time::Duration};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::model;
use crate::{
    Rng,
    wire::{FieldError, within},
};

/// The law of the random part of a service time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum ServiceLaw {
    /// Every request takes the same.
    #[default]
    Constant,
    /// Memoryless: the standard deviation is the mean.
    Exponential,
    /// A long tail.
    Lognormal {
        /// σ of the logarithm, in thousandths: 1 to 2000.
        sigma_permille: u32,
    },
}

impl ServiceLaw {
    /// Its name, as settings have it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Exponential => "exponential",
            Self::Lognormal { .. } => "lognormal",
        }
    }

    /// X: mean 1.
    fn draw(self, rng: &mut Rng) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Exponential => -uniform(rng).ln(),
            Self::Lognormal { sigma_permille } => {
                let sigma = f64::from(sigma_permille) / 1_000.0;
                let normal = (-2.0 * uniform(rng).ln()).sqrt() * (TAU * uniform(rng)).cos();
                (sigma * normal - sigma * sigma / 2.0).exp()
            }
        }
    }

    /// The standard deviation of X.
    pub(crate) fn deviation(self) -> f64 {
        match self {
            Self::Constant => 0.0,
            Self::Exponential => 1.0,
            Self::Lognormal { sigma_permille } => (f64::from(sigma_permille) / 1_000.0).powi(2).exp_m1().sqrt(),
        }
    }

    /// A bound of X that one draw in 10^13 passes.
    pub(super) fn longest(self) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Exponential => 30.0,
            Self::Lognormal { sigma_permille } => {
                let sigma = f64::from(sigma_permille) / 1_000.0;
                (7.4 * sigma - sigma * sigma / 2.0).exp()
            }
        }
    }
}

/// Uniform in (0, 1]: its logarithm is finite.
fn uniform(rng: &mut Rng) -> f64 {
    1.0 - rng.random::<f64>()
}

/// How long requests are in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTime {
    /// b: the mean of a request alone, in microseconds, at most ten minutes; 0: it is answered at once.
    pub mean_us: u64,
    /// The law of X.
    pub law: ServiceLaw,
    /// s: what each other request in service adds, in microseconds, at most ten minutes.
    pub contention_us: u64,
}

impl ServiceTime {
    /// The same for every request.
    pub const fn constant(mean_us: u64) -> Self {
        Self { mean_us, law: ServiceLaw::Constant, contention_us: 0 }
    }

    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("mean_us", self.mean_us, 0, model::MAX_SERVICE_TIME_US)?;
        within("contention_us", self.contention_us, 0, model::MAX_SERVICE_TIME_US)?;
        match self.law {
            ServiceLaw::Lognormal { sigma_permille } => within("sigma_permille", sigma_permille, 1, 2_000),
            ServiceLaw::Constant | ServiceLaw::Exponential => Ok(()),
        }
    }

    /// b·X, to the nanosecond.
    pub(super) fn draw(&self, rng: &mut Rng) -> Duration {
        Duration::from_nanos((self.mean_us as f64 * 1_000.0 * self.law.draw(rng)).round() as u64)
    }

    /// s·C, with `others` in service.
    pub(super) fn contention(&self, others: usize) -> Duration {
        Duration::from_micros(self.contention_us.saturating_mul(others as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean and the variance of X against the law's, over draws with the given kurtosis (fourth central moment over
    /// the squared variance): the standard error of a variance is its size times √((kurtosis − 1)/n).
    fn check(law: ServiceLaw, variance: f64, kurtosis: f64) {
        let n = 300_000_u32;
        let time = ServiceTime { mean_us: 1_000_000, law, contention_us: 0 };
        let mut rng = crate::rng(5, 0);
        let draws: Vec<f64> = (0..n).map(|_| time.draw(&mut rng).as_secs_f64()).collect();
        let n = f64::from(n);
        let mean = draws.iter().sum::<f64>() / n;
        let seen = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let (of_mean, of_variance) = (4.0 * (variance / n).sqrt(), 4.0 * variance * ((kurtosis - 1.0) / n).sqrt());
        assert!((mean - 1.0).abs() <= of_mean, "{law:?}: mean {mean}, expected 1 ± {of_mean}");
        assert!(
            (seen - variance).abs() <= of_variance,
            "{law:?}: variance {seen}, expected {variance} ± {of_variance}"
        );
        assert!((law.deviation().powi(2) - variance).abs() < 1e-9);
        assert!(draws.iter().all(|&x| x <= law.longest()));
    }

    #[test]
    fn exponential_times_have_the_mean_asked_for_and_its_square_as_variance() {
        check(ServiceLaw::Exponential, 1.0, 9.0);
    }

    #[test]
    fn lognormal_times_have_the_mean_asked_for_and_the_variance_of_their_sigma() {
        // e^(σ²) − 1 with σ = 0.5, and the lognormal's kurtosis e^(4σ²) + 2e^(3σ²) + 3e^(2σ²) − 3.
        let square = 0.25f64;
        let kurtosis = (4.0 * square).exp() + 2.0 * (3.0 * square).exp() + 3.0 * (2.0 * square).exp() - 3.0;
        check(ServiceLaw::Lognormal { sigma_permille: 500 }, 0.284_025_416_687_741_5, kurtosis);
    }

    #[test]
    fn each_other_request_in_service_adds_its_part() {
        let time = ServiceTime { contention_us: 250, ..ServiceTime::constant(1_000) };
        assert_eq!(time.contention(0), Duration::ZERO);
        assert_eq!(time.contention(7), Duration::from_micros(1_750));
    }
}
