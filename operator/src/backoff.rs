//! When to try again after an error: equal jitter from half a second up to a minute, by object.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use retrylab_core::{
    Rng,
    policy::{DelayLaw, Jitter},
    rng,
};

const LAW: DelayLaw = DelayLaw::Exponential { base_ms: 500, factor: 2, cap_ms: 60_000, jitter: Jitter::Equal };

/// How often each object has failed in a row, by uid. An object that succeeds, or is gone, is forgotten: one that was
/// deleted while it failed with the next failure of another.
pub struct Backoff {
    failures: Mutex<(BTreeMap<String, u32>, Rng)>,
}

impl Backoff {
    pub fn new(seed: u64) -> Self {
        Self { failures: Mutex::new((BTreeMap::new(), rng(seed, 0))) }
    }

    /// Another failure of the object: how long to wait. `known`: the objects that there are.
    pub fn failed(&self, uid: &str, known: &BTreeSet<String>) -> Duration {
        let mut guard = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (failures, rng) = &mut *guard;
        failures.retain(|failed, _| known.contains(failed));
        let count = failures.entry(uid.to_owned()).or_default();
        let wait = LAW.draw(*count, Duration::ZERO, rng);
        *count = count.saturating_add(1);
        wait
    }

    /// The object has succeeded, or is gone.
    pub fn forget(&self, uid: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).0.remove(uid);
    }
}
