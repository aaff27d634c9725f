//! What a backend is like: all that no run changes. The backend's flags, the experiment's spec and the simulator build
//! the same value, and a [`Station`](super::Station) follows it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    INTERRUPTED_MAX,
    cache::CacheModel,
    crew::WarmUp,
    service::{ServiceLaw, ServiceTime},
};
use crate::{
    Rng,
    wire::{FieldError, within},
};

/// Most requests in service at one time.
pub const MAX_CONCURRENCY: u32 = 100_000;
/// Most requests that may wait.
pub const MAX_QUEUE: u32 = 1_000_000;
/// Longest service time, and longest part of one: ten minutes.
pub const MAX_SERVICE_TIME_US: u64 = 600_000_000;
/// Most that a rejection may cost: a minute.
pub const MAX_REJECTION_US: u64 = INTERRUPTED_MAX.as_micros() as u64;
/// Longest target and interval of CoDel: ten minutes.
pub const MAX_CODEL_US: u64 = 600_000_000;
/// Most entries of a cache.
pub const MAX_CACHE_ENTRIES: u32 = 1_000_000;
/// Longest warm-up: an hour.
pub const MAX_WARM_UP_MS: u64 = 3_600_000;

/// What a backend is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendModel {
    /// c: requests in service at one time: 1 to 100,000.
    pub concurrency: u32,
    /// Requests that may wait: at most 1,000,000; what arrives beyond that is rejected.
    pub queue: u32,
    /// Who of those that wait is next.
    pub discipline: Discipline,
    /// Whoever's deadline has passed when it would be served is not.
    pub drop_expired: bool,
    /// A request ends, in the queue or in service, when its client has gone; otherwise the work goes on.
    pub cancel_on_disconnect: bool,
    /// How long a request is in service.
    pub service: ServiceTime,
    /// What a miss costs; `None`: there is no cache to miss.
    pub cache: Option<CacheModel>,
    /// How it gets to its full capacity; `None`: it has it at once.
    pub warm_up: Option<WarmUp>,
    /// What turning a request away at a full queue costs: the worker that would be done first is interrupted for so many
    /// microseconds: 0 to 60,000,000. All of them together keep it from one request for a minute at most.
    pub rejection_us: u64,
}

/// Who of those that wait is next, and who is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Discipline {
    /// First in, first out.
    #[default]
    Fifo,
    /// Last in, first out. A full queue turns newcomers away all the same.
    Lifo,
    /// First in, first out, and dropped at the head while waits stay above the target (RFC 8289).
    Codel {
        /// The wait that is no cause for concern, in microseconds: 1 to 600,000,000; the RFC's is 5,000.
        target_us: u64,
        /// How long waits must stay above it, in microseconds: 1 to 600,000,000; the RFC's is 100,000.
        interval_us: u64,
    },
}

impl Discipline {
    /// Its name, as settings have it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Lifo => "lifo",
            Self::Codel { .. } => "codel",
        }
    }

    fn validate(&self) -> Result<(), FieldError> {
        match *self {
            Self::Fifo | Self::Lifo => Ok(()),
            Self::Codel { target_us, interval_us } => {
                within("target_us", target_us, 1, MAX_CODEL_US)?;
                within("interval_us", interval_us, 1, MAX_CODEL_US)
            }
        }
    }
}

/// What chance has in store for a request: drawn when it arrives, whenever it will be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// b·X of its service time.
    pub(super) service: Duration,
    /// The entry of the cache that it asks for.
    pub(super) entry: Option<u32>,
}

impl BackendModel {
    /// The plain backend: so many workers that take `service_us` each, first in, first out, and a queue before them.
    pub const fn plain(concurrency: u32, queue: u32, service_us: u64) -> Self {
        Self {
            concurrency,
            queue,
            discipline: Discipline::Fifo,
            drop_expired: false,
            cancel_on_disconnect: false,
            service: ServiceTime::constant(service_us),
            cache: None,
            warm_up: None,
            rejection_us: 0,
        }
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds.
    pub fn validate(&self) -> Result<(), FieldError> {
        within("concurrency", self.concurrency, 1, u64::from(MAX_CONCURRENCY))?;
        within("queue", self.queue, 0, u64::from(MAX_QUEUE))?;
        self.discipline.validate().map_err(|e| e.within("discipline"))?;
        self.service.validate().map_err(|e| e.within("service"))?;
        self.cache.map_or(Ok(()), |cache| cache.validate().map_err(|e| e.within("cache")))?;
        self.warm_up.map_or(Ok(()), |warm_up| warm_up.validate().map_err(|e| e.within("warm_up")))?;
        within("rejection_us", self.rejection_us, 0, MAX_REJECTION_US)
    }

    /// Draws a request's lot. `rng` gives the request's own generator ([`Chance::service`](super::Chance::service)); a
    /// model where nothing is random never asks for it.
    pub fn lot(&self, rng: impl FnOnce() -> Rng) -> Lot {
        if self.cache.is_none() && self.service.law == ServiceLaw::Constant {
            return Lot { service: Duration::from_micros(self.service.mean_us), entry: None };
        }
        let mut rng = rng();
        let service = self.service.draw(&mut rng);
        Lot { service, entry: self.cache.and_then(|cache| cache.draw(&mut rng)) }
    }

    /// How long a full station works on at most when nothing more arrives: longer in fewer than one case in 10^7.
    ///
    /// With n requests of total work w, no worker is idle before the last request starts, so all is done within
    /// w/c + the longest (Graham, "Bounds for Certain Multiprocessing Anomalies", 1966). w is taken six standard errors
    /// above its mean, with every request in full contention and missing the cache; a warm-up's time is added whole,
    /// and what rejections may have kept workers from what they do.
    pub fn longest_drain(&self) -> Duration {
        let (c, n) = (f64::from(self.concurrency), f64::from(self.queue) + f64::from(self.concurrency));
        let (b, law) = (self.service.mean_us as f64, self.service.law);
        let added =
            self.service.contention_us as f64 * (c - 1.0) + self.cache.map_or(0.0, |cache| cache.miss_us as f64);
        let longest = b * law.longest() + added;
        let work = (n * (b + added) + 6.0 * b * law.deviation() * n.sqrt()) / c;
        let warm_up_us = self.warm_up.map_or(0.0, |warm_up| warm_up.for_ms as f64 * 1_000.0);
        let interrupted = if self.rejection_us > 0 { INTERRUPTED_MAX } else { Duration::ZERO };
        Duration::from_micros((work + longest + warm_up_us).ceil() as u64) + interrupted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut BackendModel), refused: Option<&str>) {
        let mut model = BackendModel::plain(8, 100, 5_000);
        change(&mut model);
        assert_eq!(model.validate().err().map(|e| e.field).as_deref(), refused, "{model:?}");
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_field() {
        check(|_| {}, None);
        check(|m| m.concurrency = 0, Some("concurrency"));
        check(|m| m.queue = MAX_QUEUE + 1, Some("queue"));
        check(|m| m.discipline = Discipline::Codel { target_us: 0, interval_us: 1 }, Some("discipline.target_us"));
        check(|m| m.discipline = Discipline::Codel { target_us: 1, interval_us: 0 }, Some("discipline.interval_us"));
        check(|m| m.service.mean_us = MAX_SERVICE_TIME_US + 1, Some("service.mean_us"));
        check(|m| m.service.law = ServiceLaw::Lognormal { sigma_permille: 0 }, Some("service.sigma_permille"));
        check(|m| m.service.contention_us = u64::MAX, Some("service.contention_us"));
        let cache = CacheModel { hit_permille: 900, entries: 10, miss_us: 1 };
        check(|m| m.cache = Some(cache), None);
        check(|m| m.cache = Some(CacheModel { hit_permille: 1_001, ..cache }), Some("cache.hit_permille"));
        check(|m| m.cache = Some(CacheModel { entries: 0, ..cache }), Some("cache.entries"));
        check(|m| m.cache = Some(CacheModel { miss_us: 0, ..cache }), Some("cache.miss_us"));
        check(|m| m.warm_up = Some(WarmUp { for_ms: 0, from_permille: 0 }), Some("warm_up.for_ms"));
        check(|m| m.warm_up = Some(WarmUp { for_ms: 1, from_permille: 1_000 }), Some("warm_up.from_permille"));
        check(|m| m.rejection_us = MAX_REJECTION_US + 1, Some("rejection_us"));
    }

    #[test]
    fn a_model_without_chance_draws_nothing() {
        let lot = BackendModel::plain(1, 0, 5_000).lot(|| panic!("drew"));
        assert_eq!(lot, Lot { service: Duration::from_millis(5), entry: None });
    }

    #[test]
    fn a_full_station_of_constant_times_is_drained_in_as_many_rounds_as_there_are_requests_for_a_worker() {
        // 100 waiting and 8 in service, 5 ms each: 13.5 rounds, and the last one's whole time on top.
        let drain = BackendModel::plain(8, 100, 5_000).longest_drain();
        assert_eq!(drain, Duration::from_micros(13 * 5_000 + 2_500 + 5_000));
    }
}
