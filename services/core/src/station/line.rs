//! Those that wait for a worker: how many may, who is next, and who is turned away instead.

use std::{collections::VecDeque, time::Duration};

use super::{
    Departure, End, Ticket,
    codel::{CoDel, Head},
    model::{BackendModel, Discipline, Lot},
};

/// The queue; `T` is a request.
#[derive(Debug)]
pub struct Line<T> {
    order: Order,
    length_max: usize,
    drop_expired: bool,
    /// In the order of arrival.
    waiting: VecDeque<Waiting<T>>,
}

#[derive(Debug)]
enum Order {
    Fifo,
    Lifo,
    CoDel(CoDel),
}

/// A request that has arrived and is not in service.
#[derive(Debug)]
pub struct Waiting<T> {
    /// Its number in the station.
    pub ticket: Ticket,
    /// When it arrived.
    pub arrived: Duration,
    /// When its client no longer waits, if it has said so.
    pub expires: Option<Duration>,
    /// What chance has in store for it.
    pub lot: Lot,
    /// The request.
    pub request: T,
}

impl<T> Line<T> {
    /// An empty queue.
    pub fn new(model: &BackendModel) -> Self {
        let order = match model.discipline {
            Discipline::Fifo => Order::Fifo,
            Discipline::Lifo => Order::Lifo,
            Discipline::Codel { target_us, interval_us } => {
                Order::CoDel(CoDel::new(Duration::from_micros(target_us), Duration::from_micros(interval_us)))
            }
        };
        let (length_max, drop_expired) = (model.queue as usize, model.drop_expired);
        Self { order, length_max, drop_expired, waiting: VecDeque::new() }
    }

    /// A request joins the queue; back it comes if the queue is full.
    pub fn join(&mut self, request: Waiting<T>) -> Result<(), Waiting<T>> {
        if self.waiting.len() < self.length_max {
            self.waiting.push_back(request);
            Ok(())
        } else {
            Err(request)
        }
    }

    /// A request needn't wait: it is next, unless it is turned away.
    pub fn pass(&mut self, now: Duration, request: Waiting<T>, left: &mut Vec<Departure<T>>) -> Option<Waiting<T>> {
        if let Order::CoDel(codel) = &mut self.order {
            codel.nobody_waits();
        }
        if self.drop_expired && is_expired(&request, now) {
            left.push(request.leaves(now, End::Expired));
            return None;
        }
        Some(request)
    }

    /// The next one, if anybody waits. Whoever is turned away on the way is added to `left`.
    pub fn next(&mut self, now: Duration, left: &mut Vec<Departure<T>>) -> Option<Waiting<T>> {
        let Self { order, waiting, drop_expired, .. } = self;
        let mut dropped = Vec::new();
        let mut pop = |newest: bool| loop {
            let next = if newest { waiting.pop_back() } else { waiting.pop_front() }?;
            if !*drop_expired || !is_expired(&next, now) {
                return Some((next, waiting.len()));
            }
            left.push(next.leaves(now, End::Expired));
        };
        match order {
            Order::Fifo => pop(false).map(|(next, _)| next),
            Order::Lifo => pop(true).map(|(next, _)| next),
            Order::CoDel(codel) => {
                let head = || {
                    let (next, behind) = pop(false)?;
                    let waited = now.saturating_sub(next.arrived);
                    Some((next, Head { waited, behind }))
                };
                let next = codel.dequeue(now, head, |next| dropped.push(next));
                left.extend(dropped.into_iter().map(|next| next.leaves(now, End::Dropped)));
                next
            }
        }
    }

    /// Takes a request out, out of turn. O(log n) to find it, unless a fault's delay brought requests here out of turn,
    /// and its distance to the nearer end of the queue to take it out: those that give up are mostly the oldest.
    pub fn remove(&mut self, ticket: Ticket) -> Option<Waiting<T>> {
        let by_order = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket);
        let place = by_order.ok().or_else(|| self.waiting.iter().position(|waiting| waiting.ticket == ticket))?;
        self.waiting.remove(place)
    }

    /// Those that wait.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiting<T>> {
        self.waiting.iter_mut()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}

fn is_expired<T>(waiting: &Waiting<T>, now: Duration) -> bool {
    waiting.expires.is_some_and(|expires| expires <= now)
}

impl<T> Waiting<T> {
    /// It leaves without having been served.
    pub fn leaves(self, at: Duration, end: End) -> Departure<T> {
        Departure { request: self.request, at, end }
    }
}
