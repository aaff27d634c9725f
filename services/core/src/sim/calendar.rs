//! What happens next. Most events lie a constant time ahead of the moment at which they are planned: what is on the
//! network, and the attempts' timeouts, nearly all of which come to nothing. Those stand in a queue each, in order as
//! they come; only what is left needs a heap.
//!
//! Events at one moment happen in the order in which they were planned, so that a run is the same every time.

use std::collections::VecDeque;

use super::{
    Nanos,
    timers::{Entry, Timers},
};

/// A lane that is no longer than this is never tidied.
const TIDY_FROM: usize = 1_024;
/// The key of an event that is not there.
const NONE: u128 = u128::MAX;

/// Where an event is kept: it decides nothing but the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Planned a constant time ahead: messages under way.
    Network,
    /// Planned a constant time ahead, and mostly cancelled: timeouts.
    Timeouts,
    /// Few at a time: the next thing at each station.
    Stations,
    /// Any number, at any time.
    Timers,
}

const LANES: [Lane; 4] = [Lane::Network, Lane::Timeouts, Lane::Stations, Lane::Timers];

/// The events that are planned.
#[derive(Debug)]
pub struct Calendar<E> {
    network: VecDeque<Entry<E>>,
    timeouts: VecDeque<Entry<E>>,
    stations: Timers<E>,
    timers: Timers<E>,
    /// The key of each lane's first event.
    heads: [u128; LANES.len()],
    /// How long the timeouts, and the timers, are when they are tidied next.
    tidy_from: [usize; 2],
    planned: u64,
}

impl<E: Copy> Calendar<E> {
    /// Nothing is planned.
    pub const fn new() -> Self {
        Self {
            network: VecDeque::new(),
            timeouts: VecDeque::new(),
            stations: Timers::new(),
            timers: Timers::new(),
            heads: [NONE; LANES.len()],
            tidy_from: [TIDY_FROM; 2],
            planned: 0,
        }
    }

    /// Plans an event. One that would stand before another in its queue goes to the timers.
    pub fn plan(&mut self, lane: Lane, at: Nanos, event: E) {
        let entry = Entry { at, number: self.planned, event };
        self.planned += 1;
        let lane = match lane {
            Lane::Network if self.network.back().is_none_or(|last| last.at <= at) => {
                self.network.push_back(entry);
                lane
            }
            Lane::Timeouts if self.timeouts.back().is_none_or(|last| last.at <= at) => {
                self.timeouts.push_back(entry);
                lane
            }
            Lane::Stations => {
                self.stations.push(entry);
                lane
            }
            Lane::Network | Lane::Timeouts | Lane::Timers => {
                self.timers.push(entry);
                Lane::Timers
            }
        };
        let head = &mut self.heads[lane as usize];
        *head = entry.key().min(*head);
    }

    /// Throws out timeouts and timers that are off, once a lane is twice as long as what was left of it the last time: memory is
    /// bounded by what is under way, however much has come to nothing.
    pub fn tidy(&mut self, mut is_live: impl FnMut(Nanos, &E) -> bool) {
        let [timeouts_from, timers_from] = &mut self.tidy_from;
        let next_from = |left: usize| TIDY_FROM.max(2 * left);
        if self.timeouts.len() >= *timeouts_from {
            self.timeouts.retain(|entry| is_live(entry.at, &entry.event));
            *timeouts_from = next_from(self.timeouts.len());
            self.heads[Lane::Timeouts as usize] = self.timeouts.front().map_or(NONE, Entry::key);
        }
        if self.timers.len() >= *timers_from {
            self.timers.retain(|entry| is_live(entry.at, &entry.event));
            *timers_from = next_from(self.timers.len());
            self.heads[Lane::Timers as usize] = self.timers.peek().map_or(NONE, Entry::key);
        }
    }

    /// When the next event is, and where it is kept.
    pub fn next(&self) -> Option<(Nanos, Lane)> {
        let (mut first, mut lane) = (self.heads[0], LANES[0]);
        for other in &LANES[1..] {
            if self.heads[*other as usize] < first {
                (first, lane) = (self.heads[*other as usize], *other);
            }
        }
        (first != NONE).then_some(((first >> 64) as Nanos, lane))
    }

    /// Takes the first event that is kept there.
    pub fn take(&mut self, lane: Lane) -> Option<E> {
        let (entry, head) = match lane {
            Lane::Network => (self.network.pop_front(), self.network.front()),
            Lane::Timeouts => (self.timeouts.pop_front(), self.timeouts.front()),
            Lane::Stations => (self.stations.pop(), self.stations.peek()),
            Lane::Timers => (self.timers.pop(), self.timers.peek()),
        };
        self.heads[lane as usize] = head.map_or(NONE, Entry::key);
        entry.map(|entry| entry.event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            let next = || calendar.next().and_then(|(at, lane)| Some((at, calendar.take(lane)?)));
            let taken: Vec<_> = std::iter::from_fn(next).collect();
            prop_assert_eq!(taken, expected);
        }
    }

    #[test]
    fn timeouts_that_are_off_are_forgotten_however_many_there_were() {
        let mut calendar = Calendar::new();
        for number in 0..100_000u64 {
            calendar.plan(Lane::Timeouts, 1_000 + number, number);
            calendar.tidy(|_, &event| event + 10 > number);
            assert!(calendar.timeouts.len() <= TIDY_FROM);
        }
    }

    /// As with attempts that have less of their deadline left than their time: they stand before one that has all of it.
    #[test]
    fn timeouts_that_come_before_the_last_one_are_forgotten_as_well() {
        let mut calendar = Calendar::new();
        calendar.plan(Lane::Timeouts, 1_000_000_000_000, 0);
        for number in 1..100_000u64 {
            calendar.plan(Lane::Timeouts, 1_000_000 * number, number);
            calendar.tidy(|_, &event| event == 0 || event + 10 > number);
            assert!(calendar.timers.len() <= TIDY_FROM);
        }
        let next = std::iter::from_fn(|| calendar.next().and_then(|(_, lane)| calendar.take(lane)));
        let live: Vec<_> = next.filter(|&event| event == 0 || event + 10 > 99_999).collect();
        assert_eq!(live, [99_990, 99_991, 99_992, 99_993, 99_994, 99_995, 99_996, 99_997, 99_998, 99_999, 0]);
    }
}
