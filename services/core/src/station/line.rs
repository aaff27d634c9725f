//! So many workers, and a queue of finite length before them, first in, first out.
//!
//! Whoever drives it says when a request arrives and when one has been served, and starts what it is told to start.

use std::collections::VecDeque;

/// The bounds of a backend's capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Requests in service at one time: at least 1.
    pub concurrency: u32,
    /// Requests that may wait; a request beyond that is rejected.
    pub queue: u32,
}

/// What becomes of a request that arrives.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission<T> {
    /// A worker is free: start it now.
    Start(T),
    /// It waits; [`Line::finish`] will hand it out.
    Queued,
    /// The queue is full.
    Rejected(T),
}

/// Workers and their queue; `T` is a request.
#[derive(Debug)]
pub struct Line<T> {
    capacity: Capacity,
    busy: u32,
    queue: VecDeque<T>,
}

impl<T> Line<T> {
    /// An idle line.
    pub const fn new(capacity: Capacity) -> Self {
        Self { capacity, busy: 0, queue: VecDeque::new() }
    }

    /// A request arrives.
    pub fn arrive(&mut self, request: T) -> Admission<T> {
        if self.busy < self.capacity.concurrency {
            self.busy += 1;
            Admission::Start(request)
        } else if self.queue.len() < self.capacity.queue as usize {
            self.queue.push_back(request);
            Admission::Queued
        } else {
            Admission::Rejected(request)
        }
    }

    /// A worker has served its request and takes the next one, if any waits: start that one now.
    pub fn finish(&mut self) -> Option<T> {
        let next = self.queue.pop_front();
        if next.is_none() {
            self.busy = self.busy.saturating_sub(1);
        }
        next
    }

    /// Requests in service.
    pub const fn busy(&self) -> u32 {
        self.busy
    }

    /// Requests that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn workers_fill_first_then_the_queue_then_requests_are_rejected() {
        let mut line = Line::new(Capacity { concurrency: 1, queue: 1 });
        assert_eq!(line.arrive(1), Admission::Start(1));
        assert_eq!(line.arrive(2), Admission::Queued);
        assert_eq!(line.arrive(3), Admission::Rejected(3));
        assert_eq!(line.finish(), Some(2));
        assert_eq!(line.finish(), None);
        assert_eq!((line.busy(), line.queued()), (0, 0));
    }

    proptest! {
        #[test]
        fn no_request_is_lost_served_twice_or_out_of_order(concurrency in 1u32..5, queue in 0u32..5, steps: Vec<bool>) {
            let mut line = Line::new(Capacity { concurrency, queue });
            let (mut started, mut rejected, mut finished) = (Vec::new(), 0, 0);
            let mut arrived = 0;
            for arrives in steps {
                if arrives {
                    match line.arrive(arrived) {
                        Admission::Start(id) => started.push(id),
                        Admission::Queued => {}
                        Admission::Rejected(_) => rejected += 1,
                    }
                    arrived += 1;
                } else if line.busy() > 0 {
                    finished += 1;
                    started.extend(line.finish());
                }
                prop_assert!(line.busy() <= concurrency && line.queued() <= queue as usize);
                prop_assert_eq!(started.len() - finished, line.busy() as usize);
            }
            prop_assert!(started.is_sorted());
            prop_assert_eq!(started.len() + line.queued() + rejected, arrived as usize);
        }
    }
}
