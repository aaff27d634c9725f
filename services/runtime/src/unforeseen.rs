//! Randomness for what belongs to no run: trace ids, a person's `curl`. Whatever is a run's draws from its seed instead.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use rand::RngExt;
use retrylab_core::Rng;

/// A generator that nobody can foresee, to be shared: seeded from the operating system.
#[derive(Debug)]
pub struct Unforeseen(Mutex<Rng>);

impl Unforeseen {
    /// A generator of its own.
    pub fn new() -> Self {
        // The standard library takes the keys of its hash maps from the operating system.
        let word = || RandomState::new().hash_one(());
        Self(Mutex::new(retrylab_core::rng(word(), word())))
    }

    /// Draws.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Draws a trace's id.
    pub fn trace_id(&self) -> u128 {
        self.draw(RngExt::random)
    }

    /// Draws a span's id.
    pub fn span_id(&self) -> u64 {
        self.draw(RngExt::random)
    }
}

impl Default for Unforeseen {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_generators_differ() {
        assert_ne!(Unforeseen::new().trace_id(), Unforeseen::new().trace_id());
    }
}
