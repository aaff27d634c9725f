//! The pure heart of Retrylab: what a retry policy does, what a load is, what a fault is, and what the numbers mean.
//!
//! Nothing here performs I/O, reads a clock or draws from a global RNG: time is a parameter, randomness is a seeded
//! `ChaCha8Rng` that the caller owns. The client, the backend, the load generator, the operator and the tests all use
//! these same definitions; there is no second one.

pub mod evidence;
pub mod fault;
pub mod load;
pub mod policy;
pub mod sim;
pub mod station;
pub mod stats;
pub mod timeline;
pub mod wire;

/// The seeded generator that every random draw in Retrylab comes from.
pub type Rng = rand::rngs::ChaCha8Rng;

/// A number in which every bit hangs on every bit of the given one: `SplitMix64`'s finaliser (Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", 2014).
const fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The generator of one purpose (`stream`) of one seed: two purposes never share a sequence.
pub fn rng(seed: u64, stream: u64) -> Rng {
    use rand::SeedableRng;
    let mut rng = Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
