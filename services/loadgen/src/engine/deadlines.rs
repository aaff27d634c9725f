//! Until when requests may take. All of them may take equally long, so deadlines come in the order of sending and a
//! queue holds them; those of requests that have ended are thrown out once they are the greater part of it.

use std::collections::VecDeque;

use super::{clock::Nanos, pool::Token};

/// A queue that is no longer than this is never tidied.
const TIDY_FROM: usize = 1_024;

/// The deadline of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When it is.
    pub at: Nanos,
    /// The connection that carries the request …
    pub token: Token,
    /// … and the request's number.
    pub serial: u64,
}

/// The deadlines of the requests under way, and of some that have ended.
#[derive(Debug, Default)]
pub struct Deadlines(VecDeque<Deadline>);

impl Deadlines {
    /// Adds a deadline, which is not before any that was added earlier. `under_way` is how many requests are.
    pub fn add(&mut self, deadline: Deadline, under_way: usize, is_live: impl FnMut(&Deadline) -> bool) {
        if self.0.len() >= TIDY_FROM.max(2 * under_way) {
            self.0.retain(is_live);
        }
        self.0.push_back(deadline);
    }

    /// Takes the first deadline of a request that is under way, if it has come.
    pub fn take_due(&mut self, now: Nanos, mut is_live: impl FnMut(&Deadline) -> bool) -> Option<Deadline> {
        while let Some(first) = self.0.front().copied() {
            let live = is_live(&first);
            if live && first.at > now {
                return None;
            }
            self.0.pop_front();
            if live {
                return Some(first);
            }
        }
        None
    }

    /// When to look again.
    pub fn next_at(&self) -> Option<Nanos> {
        self.0.front().map(|deadline| deadline.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(at: Nanos) -> Deadline {
        Deadline { at, token: Token::from(0), serial: at as u64 }
    }

    #[test]
    fn deadlines_come_in_order_and_not_before_their_time() {
        let mut deadlines = Deadlines::default();
        (1..=3).for_each(|at| deadlines.add(deadline(at), 3, |_| true));
        assert_eq!(deadlines.take_due(0, |_| true), None);
        assert_eq!(deadlines.take_due(2, |_| true), Some(deadline(1)));
        assert_eq!(deadlines.take_due(2, |_| true), Some(deadline(2)));
        assert_eq!(deadlines.take_due(2, |_| true), None);
        assert_eq!(deadlines.next_at(), Some(3));
    }

    #[test]
    fn those_of_requests_that_have_ended_are_passed_over() {
        let mut deadlines = Deadlines::default();
        (1..=3).for_each(|at| deadlines.add(deadline(at), 3, |_| true));
        assert_eq!(deadlines.take_due(9, |d| d.at == 3), Some(deadline(3)));
        assert_eq!(deadlines.next_at(), None);
    }

    #[test]
    fn the_queue_stays_short_however_many_requests_there_were() {
        let mut deadlines = Deadlines::default();
        for at in 0..100_000 {
            deadlines.add(deadline(at), 10, |d| d.at + 10 > at);
            assert!(deadlines.0.len() <= TIDY_FROM);
        }
    }
}
