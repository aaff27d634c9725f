//! What happens to requests between arrival and answer: a delay, the queue, service. A discrete-event model, exact and
//! pure: time is a parameter, and no timer's lateness gets into it.
//!
//! Service takes a constant time, so requests end in the order in which they began. A worker that was told late that it
//! is done takes up the next request at the moment at which it *was* done: a saturated backend serves exactly
//! concurrency ÷ service time, however coarse the timer that drives it.

mod line;
mod work_clock;

pub use line::Capacity;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use line::{Admission, Line};
use work_clock::{WorkClock, WorkTime};

/// Most requests that are on their way for a Latency fault's delay; what comes beyond that is rejected.
const MAX_DELAYED: usize = 1_000_000;

/// Delayed requests, the queue and the workers; `T` is a request. Every `now` is a time since the backend's start, and
/// none lies before the one of an earlier call.
#[derive(Debug)]
pub struct Station<T> {
    line: Line<T>,
    service_time: Duration,
    clock: WorkClock,
    /// In the order in which they will be done.
    in_service: VecDeque<InService<T>>,
    /// Not there yet, for a Latency fault's delay: at most [`MAX_DELAYED`].
    delayed: BinaryHeap<Reverse<Delayed<T>>>,
    /// How many requests have been delayed so far.
    delayed_so_far: u64,
}

/// How a request leaves the station.
#[derive(Debug, PartialEq, Eq)]
pub enum Departure<T> {
    /// Served.
    Served {
        /// The request.
        request: T,
        /// When its service began.
        began: Duration,
    },
    /// Turned away: the queue was full.
    Rejected(T),
}

#[derive(Debug)]
struct InService<T> {
    done: WorkTime,
    began: Duration,
    request: T,
}

/// Ordered by the moment of arrival, and by number among equals.
#[derive(Debug)]
struct Delayed<T> {
    arrives: Duration,
    number: u64,
    request: T,
}

impl<T> Station<T> {
    /// An idle station.
    pub fn new(capacity: Capacity, service_time: Duration) -> Self {
        Self {
            line: Line::new(capacity),
            service_time,
            clock: WorkClock::default(),
            in_service: VecDeque::new(),
            delayed: BinaryHeap::new(),
            delayed_so_far: 0,
        }
    }

    /// Takes a request that arrives after `delay`. Whoever leaves by `now` is added to `left`.
    pub fn take(&mut self, now: Duration, delay: Duration, request: T, left: &mut Vec<Departure<T>>) {
        self.advance(now, left);
        if delay.is_zero() {
            self.admit(now, request, left);
            if self.service_time.is_zero() {
                self.advance(now, left);
            }
        } else if self.delayed.len() == MAX_DELAYED {
            left.push(Departure::Rejected(request));
        } else {
            self.delayed.push(Reverse(Delayed { arrives: now + delay, number: self.delayed_so_far, request }));
            self.delayed_so_far += 1;
        }
    }

    /// Stops all work, or starts it again.
    pub fn set_frozen(&mut self, now: Duration, frozen: bool, left: &mut Vec<Departure<T>>) {
        self.advance(now, left);
        self.clock.set_frozen(now, frozen);
        self.advance(now, left);
    }

    /// Lets everything happen that is due by `now`, in order.
    pub fn advance(&mut self, now: Duration, left: &mut Vec<Departure<T>>) {
        loop {
            let (done, arrives) = (self.next_done(), self.next_arrival());
            match (done, arrives) {
                (Some(done), arrives) if done <= now && arrives.is_none_or(|a| done <= a) => self.complete(done, left),
                (_, Some(arrives)) if arrives <= now => {
                    if let Some(Reverse(delayed)) = self.delayed.pop() {
                        self.admit(arrives, delayed.request, left);
                    }
                }
                _ => return,
            }
        }
    }

    /// When the next thing happens, if nobody arrives before; `None`: nothing will.
    pub fn next_event(&self) -> Option<Duration> {
        self.next_done().into_iter().chain(self.next_arrival()).min()
    }

    /// Requests in service.
    pub const fn in_service(&self) -> u32 {
        self.line.busy()
    }

    /// Requests that wait for a worker.
    pub fn queued(&self) -> usize {
        self.line.queued()
    }

    fn next_done(&self) -> Option<Duration> {
        self.in_service.front().and_then(|first| self.clock.moment(first.done))
    }

    fn next_arrival(&self) -> Option<Duration> {
        self.delayed.peek().map(|Reverse(first)| first.arrives)
    }

    fn admit(&mut self, now: Duration, request: T, left: &mut Vec<Departure<T>>) {
        match self.line.arrive(request) {
            Admission::Start(request) => self.start(now, request),
            Admission::Queued => {}
            Admission::Rejected(request) => left.push(Departure::Rejected(request)),
        }
    }

    fn start(&mut self, now: Duration, request: T) {
        let done = self.clock.at(now) + self.service_time;
        self.in_service.push_back(InService { done, began: now, request });
    }

    fn complete(&mut self, now: Duration, left: &mut Vec<Departure<T>>) {
        if let Some(InService { request, began, .. }) = self.in_service.pop_front() {
            left.push(Departure::Served { request, began });
            if let Some(next) = self.line.finish() {
                self.start(now, next);
            }
        }
    }
}

impl<T> PartialEq for Delayed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Delayed<T> {}

impl<T> PartialOrd for Delayed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Delayed<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.arrives, self.number).cmp(&(other.arrives, other.number))
    }
}

#[cfg(test)]
mod tests;
