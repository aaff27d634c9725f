//! What happens next. Most events lie a constant time ahead of the moment at which they are planned: what is on the
//! network, and the attempts' timeouts, nearly all of which come to nothing. Those stand in a queue each, in order as
//! they come; only what is left needs a heap.
//!
//! Events at one moment happen in the order in which they were planned, so that a run is the same every time.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
};

use super::Nanos;

/// A queue that is no longer than this is never tidied.
const TIDY_FROM: usize = 1_024;

/// Where an event is kept: it decides nothing but the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Planned a constant time ahead: messages under way.
    Network,
    /// Planned a constant time ahead, and mostly cancelled: timeouts.
    Timeouts,
    /// Few at a time.
    Stations,
    /// Any number, at any time.
    Timers,
}

/// The events that are planned.
#[derive(Debug)]
pub struct Calendar<E> {
    network: VecDeque<Entry<E>>,
    timeouts: VecDeque<Entry<E>>,
    stations: BinaryHeap<Reverse<Entry<E>>>,
    timers: BinaryHeap<Reverse<Entry<E>>>,
    planned: u64,
}

/// An event with its place in time.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: Nanos,
    number: u64,
    event: E,
}

impl<E: Copy> Calendar<E> {
    /// Nothing is planned.
    pub const fn new() -> Self {
        Self {
            network: VecDeque::new(),
            timeouts: VecDeque::new(),
            stations: BinaryHeap::new(),
            timers: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// Plans an event. One that would stand before another in its queue goes to the heap.
    pub fn plan(&mut self, lane: Lane, at: Nanos, event: E) {
        let entry = Entry { at, number: self.planned, event };
        self.planned += 1;
        let queue = match lane {
            Lane::Network => &mut self.network,
            Lane::Timeouts => &mut self.timeouts,
            Lane::Stations => return self.stations.push(Reverse(entry)),
            Lane::Timers => return self.timers.push(Reverse(entry)),
        };
        if queue.back().is_none_or(|last| last.at <= at) {
            queue.push_back(entry);
        } else {
            self.timers.push(Reverse(entry));
        }
    }

    /// Throws out timeouts that are off, once they are the greater part of their queue: `live` is how many are not.
    pub fn tidy_timeouts(&mut self, live: usize, mut is_live: impl FnMut(&E) -> bool) {
        if self.timeouts.len() >= TIDY_FROM.max(2 * live) {
            self.timeouts.retain(|entry| is_live(&entry.event));
        }
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<Nanos> {
        self.first().map(|(at, _, _)| at)
    }

    /// Takes the next event.
    pub fn take(&mut self) -> Option<(Nanos, E)> {
        let entry = match self.first()?.2 {
            Lane::Network => self.network.pop_front(),
            Lane::Timeouts => self.timeouts.pop_front(),
            Lane::Stations => self.stations.pop().map(|Reverse(entry)| entry),
            Lane::Timers => self.timers.pop().map(|Reverse(entry)| entry),
        };
        entry.map(|entry| (entry.at, entry.event))
    }

    fn first(&self) -> Option<(Nanos, u64, Lane)> {
        let key = |entry: &Entry<E>, lane| (entry.at, entry.number, lane);
        let heads = [
            self.network.front().map(|e| key(e, Lane::Network)),
            self.timeouts.front().map(|e| key(e, Lane::Timeouts)),
            self.stations.peek().map(|Reverse(e)| key(e, Lane::Stations)),
            self.timers.peek().map(|Reverse(e)| key(e, Lane::Timers)),
        ];
        heads.into_iter().flatten().min_by_key(|&(at, number, _)| (at, number))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANES: [Lane; 4] = [Lane::Network, Lane::Timeouts, Lane::Stations, Lane::Timers];

    proptest! {
        #[test]
        fn events_come_in_order_of_time_and_of_planning_whatever_lane_they_are_in(
            planned in prop::collection::vec((0u64..20, 0usize..4), 0..200)
        ) {
            let mut calendar = Calendar::new();
            for (number, &(at, lane)) in planned.iter().enumerate() {
                calendar.plan(LANES[lane], at, number);
            }
            let mut expected: Vec<_> = planned.iter().enumerate().map(|(number, &(at, _))| (at, number)).collect();
            expected.sort_unstable();
            let taken: Vec<_> = std::iter::from_fn(|| calendar.take()).collect();
            prop_assert_eq!(taken, expected);
        }
    }

    #[test]
    fn timeouts_that_are_off_are_forgotten_however_many_there_were() {
        let mut calendar = Calendar::new();
        for number in 0..100_000u64 {
            calendar.plan(Lane::Timeouts, 1_000 + number, number);
            calendar.tidy_timeouts(10, |&event| event + 10 > number);
            assert!(calendar.timeouts.len() <= TIDY_FROM);
        }
    }
}
