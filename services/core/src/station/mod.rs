//! What happens to requests between arrival and answer: a delay, the queue, service. A discrete-event model, exact and
//! pure: time is a parameter, and no timer's lateness gets into it. The backend drives it in real time, the simulator in
//! virtual time.
//!
//! A worker that was told late that it is done takes up the next request at the moment at which it *was* done: a saturated
//! backend serves exactly concurrency ÷ service time, however coarse the timer that drives it.
//!
//! One idea per file: [`Agenda`](agenda) (what is due when), `line` (who waits and who is next), `codel`, `crew` (how many
//! workers there are), `service` (how long one takes), `cache`, `work_clock` (time that a freeze stops), `chance` (what is
//! random), `model` (all settings).

mod agenda;
mod cache;
mod chance;
mod codel;
mod crew;
mod line;
mod model;
mod service;
mod work_clock;

pub use cache::CacheModel;
pub use chance::Chance;
pub use crew::WarmUp;
pub use model::{
    BackendModel, Discipline, Lot, MAX_CACHE_ENTRIES, MAX_CODEL_US, MAX_CONCURRENCY, MAX_QUEUE, MAX_REJECTION_US,
    MAX_SERVICE_TIME_US, MAX_WARM_UP_MS,
};
pub use service::{ServiceLaw, ServiceTime};

use std::{collections::HashMap, time::Duration};

use agenda::{Agenda, Place};
use cache::Cache;
use crew::Crew;
use line::{Line, Waiting};
use work_clock::{WorkClock, WorkTime};

use crate::fault::FaultKind;

/// Most requests that are on their way for a Latency fault's delay; what comes beyond that is rejected.
const MAX_DELAYED: usize = 1_000_000;

/// Longest that rejections keep a worker from one request; what they cost beyond that is not charged.
const INTERRUPTED_MAX: Duration = Duration::from_secs(60);

/// A request, as far as the station must know it.
pub trait Awaited {
    /// Whether its client still waits for the answer.
    fn is_awaited(&self) -> bool;
}

/// Delayed requests, the queue and the workers; `T` is a request. Every `now` is a time since the backend's start, and
/// none lies before the one of an earlier call. Whoever leaves by then is added to `left`, in the order of time.
#[derive(Debug)]
pub struct Station<T> {
    line: Line<T>,
    crew: Crew,
    service: ServiceTime,
    cache: Option<Cache>,
    cancel_on_disconnect: bool,
    rejection: Duration,
    clock: WorkClock,
    in_service: Agenda<WorkTime, InService<T>>,
    /// Where they stand there; kept only where the model cancels.
    places: HashMap<Ticket, Place<WorkTime>>,
    /// Not there yet, for a Latency fault's delay: at most [`MAX_DELAYED`].
    delayed: Agenda<Duration, Waiting<T>>,
    /// How many requests have been taken so far.
    so_far: u64,
}

/// How a request comes to the station.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// How long it is held up before it arrives: a Latency fault's delay.
    pub delay: Duration,
    /// When its client no longer waits, if it has said so; heeded where the model drops what has expired.
    pub expires: Option<Duration>,
    /// What chance has in store for it.
    pub lot: Lot,
}

/// The number of a request in the station, by which it is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A request leaves the station.
#[derive(Debug, PartialEq, Eq)]
pub struct Departure<T> {
    /// The request.
    pub request: T,
    /// When it left.
    pub at: Duration,
    /// How.
    pub end: End,
}

/// How a request leaves the station. Each that was taken leaves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Served.
    Served {
        /// When its service began.
        began: Duration,
    },
    /// Turned away: the queue was full.
    Rejected,
    /// Turned away by the queue's discipline: it kept waits from growing.
    Dropped,
    /// Not served, since its deadline had passed.
    Expired,
    /// Given up, since its client had gone.
    Cancelled,
}

impl End {
    /// Its name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Served { .. } => "served",
            Self::Rejected => "rejected",
            Self::Dropped => "dropped",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Served { .. } => 200,
            Self::Rejected | Self::Dropped | Self::Cancelled => 503,
            Self::Expired => 504,
        }
    }
}

#[derive(Debug)]
struct InService<T> {
    ticket: Ticket,
    began: Duration,
    /// The entry of the cache that it fills if it succeeds.
    fills: Option<u32>,
    /// How long rejections have kept its worker from it.
    interrupted: Duration,
    request: T,
}

/// What happens next; of two things at one moment, the first in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Done,
    CrewGrows,
    Arrives,
}

impl<T: Awaited> Station<T> {
    /// An idle station that starts at zero.
    pub fn new(model: &BackendModel) -> Self {
        Self {
            line: Line::new(model),
            crew: Crew::new(model.concurrency, model.warm_up),
            service: model.service,
            cache: model.cache.map(Cache::new),
            cancel_on_disconnect: model.cancel_on_disconnect,
            rejection: Duration::from_micros(model.rejection_us),
            clock: WorkClock::default(),
            in_service: Agenda::new(),
            places: HashMap::new(),
            delayed: Agenda::new(),
            so_far: 0,
        }
    }

    /// Takes a request.
    pub fn take(&mut self, now: Duration, arrival: Arrival, request: T, left: &mut Vec<Departure<T>>) -> Ticket {
        self.advance(now, left);
        let ticket = Ticket(self.so_far);
        self.so_far += 1;
        let Arrival { delay, expires, lot } = arrival;
        let waiting = Waiting { ticket, arrived: now + delay, expires, lot, request };
        if delay.is_zero() {
            self.admit(waiting, left);
            self.advance(now, left); // a service time of 0 is over now
        } else if self.delayed.len() == MAX_DELAYED {
            left.push(waiting.leaves(now, End::Rejected));
        } else {
            self.delayed.push(waiting.arrived, waiting);
        }
        ticket
    }

    /// The client of a request has gone. Nothing, unless the model cancels on a disconnect; then the request leaves if it
    /// is still here, its worker takes up the next one now, and one that is delayed leaves as it arrives.
    pub fn disconnect(&mut self, now: Duration, ticket: Ticket, left: &mut Vec<Departure<T>>) {
        self.advance(now, left);
        if !self.cancel_on_disconnect {
            return;
        }
        let in_service = self.places.remove(&ticket).and_then(|place| self.in_service.remove(place));
        if let Some(InService { request, .. }) = in_service {
            left.push(Departure { request, at: now, end: End::Cancelled });
            self.fill(now, left);
            self.advance(now, left);
        } else if let Some(waiting) = self.line.remove(ticket) {
            left.push(waiting.leaves(now, End::Cancelled));
        }
    }

    /// What a fault makes of the station from now on: a Freeze stops all work, a Capacity fault leaves a share of the
    /// workers, anything else leaves it as it is when there is no fault.
    pub fn set_fault(&mut self, now: Duration, fault: Option<&FaultKind>, left: &mut Vec<Departure<T>>) {
        self.advance(now, left);
        self.clock.set_frozen(now, matches!(fault, Some(FaultKind::Freeze)));
        self.crew.set_share(now, share_permille(fault));
        self.fill(now, left);
        self.advance(now, left);
    }

    /// Whether the station is now as this fault makes it; true of a fault that leaves it as it is.
    pub fn follows(&self, fault: &FaultKind) -> bool {
        let frozen = matches!(fault, FaultKind::Freeze) == self.clock.is_frozen();
        frozen && share_permille(Some(fault)) == self.crew.share_permille()
    }

    /// The backend is as after a start: its cache is empty, and its warm-up begins. What is in service goes on.
    pub fn restart(&mut self, now: Duration, left: &mut Vec<Departure<T>>) {
        self.advance(now, left);
        self.crew.restart(now);
        if let Some(cache) = &mut self.cache {
            cache.empty();
        }
        self.fill(now, left);
        self.advance(now, left);
    }

    /// Lets everything happen that is due by `now`, in order.
    pub fn advance(&mut self, now: Duration, left: &mut Vec<Departure<T>>) {
        while let Some((at, event)) = self.next().filter(|(at, _)| *at <= now) {
            match event {
                Event::Done => self.complete(at, left),
                Event::CrewGrows => {
                    self.crew.count(at);
                    self.fill(at, left);
                }
                Event::Arrives => {
                    if let Some((_, waiting)) = self.delayed.pop() {
                        self.admit(waiting, left);
                    }
                }
            }
        }
    }

    /// When the next thing happens, if nobody arrives before; `None`: nothing will.
    pub fn next_event(&self) -> Option<Duration> {
        self.next().map(|(at, _)| at)
    }

    /// Does something with every request that is here, in no order.
    pub fn for_each(&mut self, mut act: impl FnMut(&mut T)) {
        self.in_service.for_each(|one| act(&mut one.request));
        self.delayed.for_each(|waiting| act(&mut waiting.request));
        self.line.iter_mut().for_each(|waiting| act(&mut waiting.request));
    }

    /// Requests in service.
    pub fn in_service(&self) -> u32 {
        self.in_service.len() as u32
    }

    /// Requests that are here in whatever way: delayed, waiting or in service.
    pub fn held(&self) -> usize {
        self.delayed.len() + self.line.len() + self.in_service.len()
    }

    /// Requests that wait for a worker.
    pub fn queued(&self) -> usize {
        self.line.len()
    }

    fn next(&self) -> Option<(Duration, Event)> {
        let done = self.in_service.first().and_then(|done| self.clock.moment(done)).map(|at| (at, Event::Done));
        let grows = self.crew.next_step().map(|at| (at, Event::CrewGrows));
        let arrives = self.delayed.first().map(|at| (at, Event::Arrives));
        [done, grows, arrives].into_iter().flatten().min()
    }

    fn admit(&mut self, waiting: Waiting<T>, left: &mut Vec<Departure<T>>) {
        let now = waiting.arrived;
        if self.cancel_on_disconnect && !waiting.request.is_awaited() {
            left.push(waiting.leaves(now, End::Cancelled));
        } else if self.has_free_worker() {
            if let Some(waiting) = self.line.pass(now, waiting, left) {
                self.start(now, waiting);
            }
        } else if let Err(waiting) = self.line.join(waiting) {
            left.push(waiting.leaves(now, End::Rejected));
            self.interrupt();
        }
    }

    fn has_free_worker(&self) -> bool {
        self.in_service.len() < self.crew.limit() as usize
    }

    /// The free workers take up those that wait.
    fn fill(&mut self, now: Duration, left: &mut Vec<Departure<T>>) {
        while self.has_free_worker() {
            let Some(waiting) = self.line.next(now, left) else { return };
            self.start(now, waiting);
        }
    }

    fn start(&mut self, now: Duration, waiting: Waiting<T>) {
        let Waiting { ticket, lot, request, .. } = waiting;
        let mut work = lot.service + self.service.contention(self.in_service.len());
        let mut fills = None;
        if let Some(cache) = self.cache.as_ref().filter(|cache| !cache.holds(lot.entry)) {
            work += cache.miss;
            fills = lot.entry;
        }
        let in_service = InService { ticket, began: now, fills, interrupted: Duration::ZERO, request };
        self.serve_until(self.clock.at(now) + work, in_service);
    }

    /// A request is in service up to a moment.
    fn serve_until(&mut self, done: WorkTime, in_service: InService<T>) {
        let ticket = in_service.ticket;
        let place = self.in_service.push(done, in_service);
        if self.cancel_on_disconnect {
            self.places.insert(ticket, place);
        }
    }

    fn complete(&mut self, at: Duration, left: &mut Vec<Departure<T>>) {
        let Some((_, InService { ticket, began, fills, request, .. })) = self.in_service.pop() else { return };
        self.places.remove(&ticket);
        if let (Some(cache), Some(entry)) = (&mut self.cache, fills)
            && request.is_awaited()
        {
            cache.fill(entry);
        }
        left.push(Departure { request, at, end: End::Served { began } });
        self.fill(at, left);
    }

    /// A rejection takes time of the worker that would be done first.
    fn interrupt(&mut self) {
        if !self.rejection.is_zero()
            && let Some((mut done, mut first)) = self.in_service.pop()
        {
            if first.interrupted + self.rejection <= INTERRUPTED_MAX {
                first.interrupted += self.rejection;
                done = done + self.rejection;
            }
            self.serve_until(done, first);
        }
    }
}

/// The share of the workers that a fault leaves, in thousandths.
const fn share_permille(fault: Option<&FaultKind>) -> u16 {
    match fault {
        Some(FaultKind::Capacity { left_permille }) => *left_permille,
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests;
