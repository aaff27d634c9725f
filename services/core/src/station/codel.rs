//! CoDel, the queue that controls its own delay: it drops at the head once every request has waited for longer than
//! `target` through a whole `interval`, and then more and more often until the wait is below the target again.
//!
//! The control law, its state and the names are those of RFC 8289, section 5 (Nichols, Jacobson, "Controlling Queue
//! Delay", ACM Queue 10(5), 2012): the n-th drop in a row comes interval ÷ √n after the one before. A packet's bytes
//! are a request here, so a queue where at most one request is left never drops.

use std::time::Duration;

/// Requests left in the queue up to which nothing is dropped; the RFC has one packet of the largest size.
const SPARED: usize = 1;
/// A new series of drops within so many intervals of the last goes on where that one was.
const REMEMBERED_INTERVALS: u32 = 16;

/// The state of the control law.
#[derive(Debug)]
pub struct CoDel {
    target: Duration,
    interval: Duration,
    /// When requests will have waited for too long through a whole interval.
    first_above: Option<Duration>,
    dropping: bool,
    /// When the next drop is due.
    drop_next: Duration,
    /// Drops since it began to drop.
    count: u32,
    /// `count` when it last began to drop.
    last_count: u32,
}

/// A request at the head of the queue, as the control law sees it.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// How long it has waited.
    pub waited: Duration,
    /// How many wait behind it.
    pub behind: usize,
}

impl CoDel {
    /// A queue where nobody has waited yet.
    pub const fn new(target: Duration, interval: Duration) -> Self {
        let (drop_next, count, last_count) = (Duration::ZERO, 0, 0);
        Self { target, interval, first_above: None, dropping: false, drop_next, count, last_count }
    }

    /// Takes the request to be served out of the queue: `pop` takes the one at its head, `drop` turns one away.
    pub fn dequeue<R>(
        &mut self,
        now: Duration,
        mut pop: impl FnMut() -> Option<(R, Head)>,
        mut drop: impl FnMut(R),
    ) -> Option<R> {
        let (mut request, mut may_drop) = self.look(now, pop())?;
        if self.dropping {
            self.dropping = may_drop;
            while self.dropping && now >= self.drop_next {
                drop(request);
                self.count += 1;
                (request, may_drop) = self.look(now, pop())?;
                self.dropping = may_drop;
                if may_drop {
                    self.drop_next += self.spacing();
                }
            }
        } else if may_drop {
            drop(request);
            let since_last = self.count.wrapping_sub(self.last_count);
            let remembered = now.saturating_sub(self.drop_next) < self.interval * REMEMBERED_INTERVALS;
            self.count = if since_last > 1 && remembered { since_last } else { 1 };
            self.last_count = self.count;
            self.drop_next = now + self.spacing();
            self.dropping = true;
            (request, _) = self.look(now, pop())?;
        }
        Some(request)
    }

    /// A request found a free worker: nobody waits.
    pub const fn nobody_waits(&mut self) {
        self.first_above = None;
        self.dropping = false;
    }

    /// The request at the head, and whether it may be dropped: waits have been above the target for an interval.
    fn look<R>(&mut self, now: Duration, head: Option<(R, Head)>) -> Option<(R, bool)> {
        let Some((request, Head { waited, behind })) = head else {
            self.nobody_waits();
            return None;
        };
        if waited < self.target || behind <= SPARED {
            self.first_above = None;
            return Some((request, false));
        }
        let first_above = *self.first_above.get_or_insert(now + self.interval);
        Some((request, now >= first_above))
    }

    /// interval ÷ √count.
    fn spacing(&self) -> Duration {
        self.interval.div_f64(f64::from(self.count.max(1)).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The moments, in ms, at which a queue drops when a request is taken out each millisecond that has waited `waited`.
    fn drops(codel: &mut CoDel, from_ms: u64, for_ms: u64, waited: Duration) -> Vec<u64> {
        let mut drops = Vec::new();
        for at in from_ms..from_ms + for_ms {
            codel.dequeue(ms(at), || Some((at, Head { waited, behind: 100 })), |at| drops.push(at));
        }
        drops
    }

    #[test]
    fn the_first_drop_comes_after_an_interval_above_the_target_and_the_nth_interval_by_root_n_later() {
        let mut codel = CoDel::new(ms(5), ms(100));
        // 100, then 100/√1, 100/√2, 100/√3, 100/√4 later: 100, 200, 270.7, 328.4, 378.4, at the next whole millisecond.
        assert_eq!(drops(&mut codel, 0, 400, ms(5)), [100, 200, 271, 329, 379]);
    }

    #[test]
    fn a_wait_below_the_target_ends_the_series_and_the_interval_begins_anew() {
        let mut codel = CoDel::new(ms(5), ms(100));
        assert_eq!(drops(&mut codel, 0, 99, ms(50)), [0; 0]);
        assert_eq!(drops(&mut codel, 99, 1, ms(4)), [0; 0]);
        assert_eq!(drops(&mut codel, 100, 101, ms(50)), [200]);
    }

    #[test]
    fn a_series_soon_after_another_goes_on_at_its_pace() {
        let mut codel = CoDel::new(ms(5), ms(100));
        assert_eq!(drops(&mut codel, 0, 400, ms(5)).len(), 5);
        drops(&mut codel, 400, 1, ms(0));
        // The last series had count 5 and began with 1, so this one begins with 4: 100/√4 and 100/√5 after the first.
        assert_eq!(drops(&mut codel, 401, 200, ms(5)), [501, 551, 596]);
    }

    #[test]
    fn with_at_most_one_request_left_behind_nothing_is_dropped() {
        let mut codel = CoDel::new(ms(5), ms(100));
        for at in 0..1_000 {
            let head = Head { waited: ms(500), behind: 1 };
            codel.dequeue(ms(at), || Some(((), head)), |()| panic!("dropped"));
        }
    }

    #[test]
    fn who_is_left_when_all_are_dropped_is_nobody() {
        let mut codel = CoDel::new(ms(5), ms(100));
        drops(&mut codel, 0, 100, ms(5));
        let mut queue = vec![Some(((), Head { waited: ms(50), behind: 9 })), None].into_iter();
        let mut dropped = 0;
        assert!(codel.dequeue(ms(100), || queue.next().flatten(), |()| dropped += 1).is_none());
        assert_eq!(dropped, 1);
    }
}
