//! A cache that is cold after a start: a request that misses it takes longer, and only a success fills it.
//!
//! There are K entries. A request asks for one of them with chance h, each equally likely, or else for something that is
//! never cached. It hits when its entry is filled; a miss takes `miss` longer and fills its entry once it has been served
//! to somebody who still waited. So after m requests that came one by one and all succeeded, the chance of a hit is
//! h · (1 − (1 − h/K)^m): while everybody times out it stays 0, and load that a warm cache carries keeps it cold.

use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::model;
use crate::{
    Rng,
    wire::{FieldError, within},
};

/// What a backend's cache is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheModel {
    /// h: the share of requests that hit once every entry is filled, in thousandths: 1 to 1000.
    pub hit_permille: u16,
    /// K: how many entries there are: 1 to 1,000,000.
    pub entries: u32,
    /// How much longer a miss takes, in microseconds: 1 to 600,000,000.
    pub miss_us: u64,
}

impl CacheModel {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("hit_permille", self.hit_permille, 1, 1_000)?;
        within("entries", self.entries, 1, u64::from(model::MAX_CACHE_ENTRIES))?;
        within("miss_us", self.miss_us, 1, model::MAX_SERVICE_TIME_US)
    }

    /// The entry that a request asks for; `None`: something that is never cached.
    pub(super) fn draw(&self, rng: &mut Rng) -> Option<u32> {
        let cacheable = rng.random_range(0..1_000) < self.hit_permille;
        cacheable.then(|| rng.random_range(0..self.entries))
    }
}

/// The cache itself.
#[derive(Debug)]
pub struct Cache {
    /// How much longer a miss takes.
    pub miss: Duration,
    filled: Vec<bool>,
}

impl Cache {
    /// An empty cache.
    pub fn new(model: CacheModel) -> Self {
        Self { miss: Duration::from_micros(model.miss_us), filled: vec![false; model.entries as usize] }
    }

    /// Whether a request for this entry hits.
    pub fn holds(&self, entry: Option<u32>) -> bool {
        entry.and_then(|entry| self.filled.get(entry as usize).copied()).unwrap_or(false)
    }

    /// A request that had missed this entry has succeeded.
    pub fn fill(&mut self, entry: u32) {
        if let Some(filled) = self.filled.get_mut(entry as usize) {
            *filled = true;
        }
    }

    /// Everything in it is lost.
    pub fn empty(&mut self) {
        self.filled.fill(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of a share over `n` requests, within four standard errors of its closed form.
    fn check(what: &str, hits: u32, n: u32, expected: f64) {
        let (share, n) = (f64::from(hits) / f64::from(n), f64::from(n));
        let tolerance = 4.0 * (expected * (1.0 - expected) / n).sqrt();
        assert!((share - expected).abs() <= tolerance, "{what}: {share}, expected {expected} ± {tolerance}");
    }

    #[test]
    fn the_hit_ratio_grows_with_every_success_as_the_closed_form_says() {
        let model = CacheModel { hit_permille: 800, entries: 50, miss_us: 1 };
        let rounds = 4_000;
        let (mut early, mut late, mut warm) = (0, 0, 0);
        let mut rng = crate::rng(3, 0);
        for _ in 0..rounds {
            let mut cache = Cache::new(model);
            let mut ask = |cache: &mut Cache| {
                let entry = model.draw(&mut rng);
                let hit = u32::from(cache.holds(entry));
                if let Some(entry) = entry {
                    cache.fill(entry);
                }
                hit
            };
            (0..10).for_each(|_| _ = ask(&mut cache));
            early += ask(&mut cache);
            (11..100).for_each(|_| _ = ask(&mut cache));
            late += ask(&mut cache);
            (0..50).for_each(|entry| cache.fill(entry));
            warm += ask(&mut cache);
        }
        // Of m successes, a share of h asked for an entry: (1 − h/K)^m is the chance that none was this one.
        let ratio = |m: i32| 0.8 * (1.0 - (1.0 - 0.8 / 50.0f64).powi(m));
        check("after 10 successes", early, rounds, ratio(10));
        check("after 100 successes", late, rounds, ratio(100));
        check("once it is warm", warm, rounds, 0.8);
    }

    #[test]
    fn what_is_never_cached_never_hits_and_an_emptied_cache_holds_nothing() {
        let mut cache = Cache::new(CacheModel { hit_permille: 1_000, entries: 2, miss_us: 1 });
        cache.fill(1);
        assert_eq!([Some(0), Some(1), None].map(|entry| cache.holds(entry)), [false, true, false]);
        cache.empty();
        assert!(!cache.holds(Some(1)));
    }
}
