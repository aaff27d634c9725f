//! Who gets what: requests and attempts are spread evenly and at random, the same in every repetition.

use crate::mixed;

/// One of `n`, by a seed and the number of what is to be spread.
pub fn spread(n: u32, seed: u64, number: u64) -> u32 {
    if n == 1 { 0 } else { ((u128::from(mixed(seed ^ mixed(number))) * u128::from(n)) >> 64) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of n gets N/n of N, with a variance of N/n · (1 − 1/n).
    #[test]
    fn everybody_gets_an_even_share() {
        let (n, all) = (7, 70_000);
        let mut shares = [0u32; 7];
        (0..all).for_each(|number| shares[spread(n, 3, number) as usize] += 1);
        let (mean, variance) = (10_000.0, 10_000.0 * (1.0 - 1.0 / 7.0));
        for share in shares {
            assert!((f64::from(share) - mean).abs() < 4.0 * f64::sqrt(variance), "{shares:?}");
        }
    }
}
