//! Who gets what: requests and attempts are spread evenly and at random, the same in every repetition.

/// One of `n`, by a seed and the number of what is to be spread.
pub fn spread(n: u32, seed: u64, number: u64) -> u32 {
    if n == 1 { 0 } else { ((u128::from(mixed(seed ^ mixed(number))) * u128::from(n)) >> 64) as u32 }
}

/// The serial number of an attempt when it is the request of a further client: what its random draws, and those of its
/// attempts, come from. Two attempts have the same one as good as never.
pub const fn nested_serial(serial: u64, attempt: u32) -> u64 {
    mixed(serial.wrapping_mul(32).wrapping_add(attempt as u64)) >> 8
}

/// SplitMix64's finaliser (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014): every bit of
/// the result hangs on every bit of the number.
const fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
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

    #[test]
    fn attempts_of_attempts_have_serials_of_their_own() {
        let nested = |serial| (1..=20).map(move |attempt| nested_serial(serial, attempt));
        let all: std::collections::BTreeSet<u64> = (0..1_000).flat_map(nested).collect();
        assert_eq!(all.len(), 20_000);
        assert!(all.iter().all(|&serial| serial < 1 << 56));
    }
}
