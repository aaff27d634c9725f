//! How much of its time the engine may spend on opening connections while answers are coming in.
//!
//! To open a connection costs both sides several times what a request costs, and more where ports are scarce. A
//! generator at a high rate that falls back for some milliseconds, and then opens a connection for each request that is
//! due, falls back further by that, and never catches up: a storm of its own making. So once it has opened as many at
//! once as the load calls for, the rest wait for connections that become free, and new ones are opened in a quarter of
//! the time at most. A server that answers nothing at all frees no connections: then there is no limit.

use super::clock::{MILLISECOND, Nanos};

/// Connections that can be opened at once in addition to those that the largest burst calls for …
const AT_ONCE: u32 = 256;
/// … when each takes this long; it is less on most machines.
const USUAL_COST: Nanos = 50_000;
/// The part of the time that opening may take up.
const SHARE: Nanos = 4;
/// After this time without an answer the server has stalled. Shorter pauses are those of a busy machine.
const STALL: Nanos = 20 * MILLISECOND;

/// An account of time to be spent on opening connections.
#[derive(Debug)]
pub struct Pace {
    most: Nanos,
    balance: Nanos,
    credited_at: Nanos,
    answered_at: Nanos,
}

impl Pace {
    /// A full account; `burst` is how many requests the load has at one instant.
    pub fn new(burst: u32) -> Self {
        let most = Nanos::from(AT_ONCE.saturating_add(burst)) * USUAL_COST;
        Self { most, balance: most, credited_at: Nanos::MIN / 2, answered_at: Nanos::MIN / 2 }
    }

    /// An answer came in.
    pub const fn answered(&mut self, now: Nanos) {
        self.answered_at = now;
    }

    /// Whether connections may be opened now.
    pub fn allows(&mut self, now: Nanos) -> bool {
        self.balance = self.most.min(self.balance + (now - self.credited_at) / SHARE);
        self.credited_at = now;
        self.balance > 0 || now - self.answered_at >= STALL
    }

    /// Connections have been opened, which took this long.
    pub fn spend(&mut self, time: Nanos) {
        // No deeper than the account is full: a long stall must not be paid for when it is over.
        self.balance = (-self.most).max(self.balance - time);
    }

    /// When connections may be opened again, if no answer comes and nothing is opened until then.
    pub fn next_at(&self) -> Nanos {
        (self.credited_at + (1 - self.balance).max(0) * SHARE).min(self.answered_at + STALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many connections can be opened from `from` to `to` when each takes `cost`, while answers keep coming.
    fn opened(pace: &mut Pace, from: Nanos, to: Nanos, cost: Nanos) -> Nanos {
        let (mut now, mut opened) = (from, 0);
        while now < to {
            pace.answered(now);
            if pace.allows(now) {
                pace.spend(cost);
                (now, opened) = (now + cost, opened + 1);
            } else {
                now = pace.next_at();
            }
        }
        opened
    }

    #[test]
    fn as_many_as_the_load_calls_for_can_be_opened_at_once() {
        let mut pace = Pace::new(1_000);
        assert!(opened(&mut pace, 0, 1_256 * USUAL_COST, USUAL_COST) == 1_256);
    }

    #[test]
    fn from_then_on_opening_takes_a_quarter_of_the_time_however_much_one_costs() {
        for cost in [10_000, USUAL_COST, 400_000] {
            let mut pace = Pace::new(0);
            opened(&mut pace, 0, 100 * MILLISECOND, cost);
            let spent = opened(&mut pace, 100 * MILLISECOND, 1_100 * MILLISECOND, cost) * cost;
            assert!((240..=260).contains(&(spent / MILLISECOND)), "{spent} ns at {cost} ns each");
        }
    }

    #[test]
    fn a_server_that_answers_nothing_gets_as_many_as_there_are_requests() {
        let mut pace = Pace::new(0);
        pace.answered(0);
        assert!(pace.allows(0));
        pace.spend(Nanos::MAX / 2);
        assert!(!pace.allows(STALL - 1));
        assert!(pace.allows(STALL));
    }
}
