//! Which attempts a partial fault strikes.

use rand::RngExt;

use crate::rng;

/// The purpose of a draw is in the upper bits of its RNG stream: the load generator's are 0, the client's 1.
const STREAM: u64 = 2 << 62;

/// A number from 0 to 999, one for each attempt of a run, all independent: a fault that strikes so many thousandths
/// strikes the attempts whose number is below that. It comes from the run's seed, whichever backend the attempt gets to
/// and whenever.
pub fn roll(seed: u64, serial: u64, attempt: u32) -> u16 {
    let stream = STREAM | (serial << 5) & (STREAM - 1) | u64::from(attempt & 31);
    rng(seed, stream).random_range(0..1_000)
}
