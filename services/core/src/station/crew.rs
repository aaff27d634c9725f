//! How many workers there are now: all of them, fewer while the backend warms up, fewer while a Capacity fault lasts.
//!
//! Warm-up: t after the start there are ⌊c · (f + (1 − f) · t/T)⌋ workers of c, at least one; T is the warm-up's length
//! and f the share that is there at once. A Capacity fault leaves ⌊share · that⌋, which may be none.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model;
use crate::wire::{FieldError, within};

/// How a backend that has started gets to its full capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// After this all workers are there, in milliseconds: 1 to 3,600,000.
    pub for_ms: u64,
    /// The share of the workers that is there at once, in thousandths: 0 to 999.
    pub from_permille: u16,
}

impl WarmUp {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("for_ms", self.for_ms, 1, model::MAX_WARM_UP_MS)?;
        within("from_permille", self.from_permille, 0, 999)
    }
}

/// The workers.
#[derive(Debug)]
pub struct Crew {
    concurrency: u32,
    warm_up: Option<WarmUp>,
    /// When the backend started.
    started: Duration,
    /// What a Capacity fault leaves, in thousandths.
    share_permille: u16,
    limit: u32,
    next_step: Option<Duration>,
}

impl Crew {
    /// The workers of a backend that starts at zero.
    pub fn new(concurrency: u32, warm_up: Option<WarmUp>) -> Self {
        let mut crew =
            Self { concurrency, warm_up, started: Duration::ZERO, share_permille: 1_000, limit: 0, next_step: None };
        crew.count(Duration::ZERO);
        crew
    }

    /// How many there are.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// When there will be more, if the backend is warming up.
    pub const fn next_step(&self) -> Option<Duration> {
        self.next_step
    }

    /// The share of them that is there, in thousandths.
    pub const fn share_permille(&self) -> u16 {
        self.share_permille
    }

    /// Leaves a share of them, in thousandths.
    pub fn set_share(&mut self, now: Duration, permille: u16) {
        self.share_permille = permille;
        self.count(now);
    }

    /// The backend starts again now.
    pub fn restart(&mut self, now: Duration) {
        self.started = now;
        self.count(now);
    }

    /// Counts them, and looks when there will be more.
    pub fn count(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.started);
        let warm_up = self.warm_up.filter(|warm_up| elapsed < Duration::from_millis(warm_up.for_ms));
        let (here, next) = match warm_up {
            None => (self.concurrency, None),
            Some(warm_up) => {
                let here = self.warmed(warm_up, elapsed);
                (here.max(1), Some(self.started + self.reached(warm_up, here + 1)))
            }
        };
        self.limit = (u64::from(here) * u64::from(self.share_permille) / 1_000) as u32;
        self.next_step = next;
    }

    /// ⌊c · (f·T + (1 − f)·t) ÷ T⌋, all in thousandths and nanoseconds: below 2^82.
    fn warmed(&self, WarmUp { for_ms, from_permille }: WarmUp, elapsed: Duration) -> u32 {
        let (length, from) = (u128::from(for_ms) * 1_000_000, u128::from(from_permille));
        let share = from * length + (1_000 - from) * elapsed.as_nanos();
        (u128::from(self.concurrency) * share / (1_000 * length)) as u32
    }

    /// The first moment at which `workers` are there: the inverse of [`Self::warmed`].
    fn reached(&self, WarmUp { for_ms, from_permille }: WarmUp, workers: u32) -> Duration {
        let (length, from) = (u128::from(for_ms) * 1_000_000, u128::from(from_permille));
        let wanted = u128::from(workers) * 1_000 * length;
        let there = u128::from(self.concurrency) * from * length;
        let grown = wanted.saturating_sub(there).div_ceil(u128::from(self.concurrency) * (1_000 - from));
        Duration::from_nanos(grown.min(length) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When the limit changes, in ms, and to what.
    fn steps(crew: &mut Crew) -> Vec<(u64, u32)> {
        let mut steps = Vec::new();
        while let Some(at) = crew.next_step() {
            crew.count(at);
            steps.push((at.as_millis() as u64, crew.limit()));
        }
        steps
    }

    #[test]
    fn workers_come_one_by_one_along_a_line_from_the_share_that_is_there_at_once() {
        // 10 workers, 20 % at once, the other eight over 1,600 ms.
        let mut crew = Crew::new(10, Some(WarmUp { for_ms: 1_600, from_permille: 200 }));
        assert_eq!(crew.limit(), 2);
        let expected = [3, 4, 5, 6, 7, 8, 9, 10].map(|n| ((n - 2) * 200, n as u32));
        assert_eq!(steps(&mut crew), expected);
    }

    #[test]
    fn a_restart_begins_the_line_anew() {
        let mut crew = Crew::new(2, Some(WarmUp { for_ms: 100, from_permille: 500 }));
        assert_eq!(steps(&mut crew), [(100, 2)]);
        crew.restart(ms(1_000));
        assert_eq!((crew.limit(), steps(&mut crew)), (1, vec![(1_100, 2)]));
    }

    #[test]
    fn one_worker_is_there_from_the_start_whatever_the_share() {
        let mut crew = Crew::new(4, Some(WarmUp { for_ms: 1_000, from_permille: 0 }));
        assert_eq!(crew.limit(), 1);
        assert_eq!(steps(&mut crew), [(250, 1), (500, 2), (750, 3), (1_000, 4)]);
    }

    #[test]
    fn a_capacity_fault_leaves_its_share_rounded_down_in_the_warm_up_as_well() {
        let mut crew = Crew::new(10, None);
        for (permille, left) in [(999, 9), (500, 5), (150, 1), (50, 0), (1_000, 10)] {
            crew.set_share(ms(5), permille);
            assert_eq!(crew.limit(), left, "{permille}");
        }
        let mut crew = Crew::new(10, Some(WarmUp { for_ms: 1_000, from_permille: 0 }));
        crew.set_share(ms(400), 500);
        assert_eq!((crew.limit(), crew.next_step()), (2, Some(ms(500))));
    }
}
