//! What chance decides about an attempt of a run: whether a partial fault strikes it, and its service time. Both come from
//! the run's seed, the request's number and the attempt's: the same whichever backend it gets to, whenever, and whatever
//! else happens; in the simulator as on a cluster.

use rand::RngExt;

use crate::{Rng, rng};

/// The purpose of a draw is in the upper two bits of its RNG stream: the load generator's are 0, the client's 1.
const FAULTS: u64 = 2 << 62;
/// Service times have a stream of their own, so that a fault changes none of them.
const SERVICE: u64 = 3 << 62;

/// Bits of an attempt's number in its stream.
const ATTEMPT_BITS: u32 = 20;

/// An attempt of a run, as far as its draws go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// The backend's seed of the run.
    pub seed: u64,
    /// The request's number in the run.
    pub serial: u64,
    /// The attempt's number in the request; the first is 1. Below 2^20: four clients in a chain have a digit to base 32 each.
    pub attempt: u32,
}

impl Chance {
    /// A number from 0 to 999: the fault strikes the attempt if it is below the fault's permille.
    pub fn fault(&self) -> u16 {
        self.rng(FAULTS).random_range(0..1_000)
    }

    /// The generator of the attempt's [`Lot`](super::Lot).
    pub fn service(&self) -> Rng {
        self.rng(SERVICE)
    }

    fn rng(&self, purpose: u64) -> Rng {
        let within = self.serial << ATTEMPT_BITS | u64::from(self.attempt) & ((1 << ATTEMPT_BITS) - 1);
        rng(self.seed, purpose | within & !SERVICE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_has_draws_of_its_own_that_are_always_the_same() {
        let all = || -> Vec<u64> {
            let attempts = (0..50).flat_map(|serial| {
                [1, 2, 20, 32_801].into_iter().map(move |attempt| Chance { seed: 7, serial, attempt })
            });
            attempts.flat_map(|chance| [chance.rng(FAULTS).random(), chance.service().random()]).collect()
        };
        let (once, again) = (all(), all());
        assert_eq!(once, again);
        let distinct: std::collections::BTreeSet<_> = once.iter().collect();
        assert_eq!(distinct.len(), 400);
    }
}
