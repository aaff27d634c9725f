//! The engine of one run: one thread that waits for the next intended start or for an answer, whichever comes first.
//!
//! Everything happens on this thread and nothing in it waits for anybody but the poller: not the sockets, not DNS, not
//! a reader of the counts. So a request that is due is written by the very thread that the timer woke, with nothing in
//! between, and a server that stalls delays no later request (no coordinated omission).

mod clock;
mod connection;
mod deadlines;
mod dispatch;
mod pace;
mod poller;
mod pool;
mod resolver;

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use retrylab_core::{
    load::{Agenda, BurstSize, Due, LoadPlan, LoadShape},
    wire::LoadgenPlan,
};
use retrylab_runtime::RunClock;

use self::{
    clock::{EngineClock, MILLISECOND, Nanos, to_us},
    connection::{Phase, Received},
    deadlines::Deadlines,
    pace::Pace,
    poller::{Poller, Readiness, Wait, Waker},
    pool::{Pool, Token},
    resolver::Resolver,
};
use crate::{
    books::{Entry, Journal, Outcome},
    http::RequestTemplate,
    metrics::Metrics,
};

/// Most requests that are sent before the answers that have come are looked at: their time is taken when they are read.
const LAUNCHES_AT_ONCE: usize = 32;
/// A request that could not be sent this long after it was due is dropped: long enough for one lost SYN, too short for
/// the requests of an outage to be sent all together when it is over.
const MAX_WAIT: Nanos = 2_000 * MILLISECOND;
/// How long before the run's start connections are opened, so that the first requests aren't late.
const OPEN_AHEAD: Nanos = 2_000 * MILLISECOND;
/// Most connections that are opened ahead.
const MAX_OPENED_AHEAD: usize = 256;
/// Bytes that are read from a socket in one go.
const SCRATCH: usize = 16_384;

/// Ends an engine from another thread.
#[derive(Clone, Debug)]
pub struct Brake {
    pulled: Arc<AtomicBool>,
    waker: Waker,
}

impl Brake {
    /// Nothing more is sent from here on, and what is under way is given up.
    pub fn pull(&self) {
        self.pulled.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// A request that waits for a connection.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    due: Due,
    /// When it gives up.
    until: Nanos,
    /// How often DNS had reported when it began to wait.
    reports: u64,
}

/// One run under way.
#[derive(Debug)]
pub struct Engine {
    clock: EngineClock,
    agenda: Agenda,
    pool: Pool,
    /// Requests that are due and have no connection yet.
    waiting: VecDeque<Waiting>,
    deadlines: Deadlines,
    timeout: Nanos,
    resolver: Resolver,
    /// How often DNS has reported.
    reports: u64,
    pace: Pace,
    /// Connections still to be opened ahead.
    ahead: usize,
    poller: Poller,
    happened: Vec<Readiness>,
    /// Connections that had more to read than their turn allowed.
    again: Vec<Readiness>,
    template: RequestTemplate,
    scratch: Box<[u8]>,
    journal: Journal,
    metrics: Metrics,
    pulled: Arc<AtomicBool>,
}

impl Engine {
    /// The engine of the run `id`, with at most `max_connections`.
    ///
    /// # Errors
    /// When the operating system has no more descriptors.
    pub fn new(
        id: &str,
        plan: &LoadgenPlan,
        clock: RunClock,
        max_connections: usize,
        journal: Journal,
        metrics: Metrics,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        Ok(Self {
            clock: clock.into(),
            agenda: Agenda::new(&plan.load, clock.joined_at_us() as Nanos * 1_000),
            pool: Pool::new(max_connections),
            waiting: VecDeque::new(),
            deadlines: Deadlines::default(),
            timeout: plan.timeout_ms as Nanos * MILLISECOND,
            resolver: Resolver::new(&plan.target, poller.waker()),
            reports: 0,
            pace: Pace::new(largest_burst(&plan.load)),
            ahead: opened_ahead(&plan.load).min(max_connections),
            poller,
            happened: Vec::new(),
            again: Vec::new(),
            template: RequestTemplate::new(&plan.target, id),
            scratch: vec![0; SCRATCH].into(),
            journal,
            metrics,
            pulled: Arc::default(),
        })
    }

    /// What ends it before its time.
    pub fn brake(&self) -> Brake {
        Brake { pulled: Arc::clone(&self.pulled), waker: self.poller.waker() }
    }

    /// Runs to the end: nothing is left to send, and nothing is under way.
    ///
    /// # Errors
    /// When the operating system refuses to wait.
    pub fn run(mut self) -> io::Result<()> {
        let mut result = Ok(());
        while result.is_ok() && !self.is_over() && !self.pulled.load(Ordering::Acquire) {
            result = self.turn();
        }
        self.give_up();
        self.journal.settle();
        self.metrics.set_connections(0);
        result
    }

    fn is_over(&self) -> bool {
        self.agenda.next_at().is_none() && self.pool.busy() == 0 && self.waiting.is_empty()
    }

    /// Does all that is due, then waits for what comes next.
    fn turn(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        if self.resolver.turn(now) {
            self.heed_report();
        }
        self.open_ahead(now);
        self.open_for_waiting(now);
        self.launch_due();
        self.expire(now);
        self.journal.post();
        self.metrics.set_connections(self.pool.len());

        let mut happened = std::mem::take(&mut self.happened);
        happened.append(&mut self.again);
        let wait = if happened.is_empty() { self.until_next() } else { Wait::No };
        self.poller.wait(wait, &mut happened)?;
        for readiness in happened.drain(..) {
            self.handle(readiness);
        }
        self.happened = happened;
        Ok(())
    }

    /// How long nothing is due; no time at all when this turn has brought the end.
    fn until_next(&self) -> Wait {
        if self.is_over() {
            return Wait::No;
        }
        let ahead = (self.ahead > 0 && self.resolver.is_sure()).then_some(-OPEN_AHEAD);
        let waiting = self.waiting.front().map(|first| first.until);
        let now = self.clock.now();
        let open = self.lacks_connections().then(|| self.pace.next_at());
        let post = self.journal.is_behind().then_some(now + MILLISECOND);
        let requests = [self.agenda.next_at(), self.deadlines.next_at(), waiting];
        let others = [self.resolver.next_at(), ahead, open, post];
        match requests.into_iter().chain(others).flatten().min() {
            None => Wait::Forever,
            Some(at) => match at.saturating_sub(now) {
                ..=0 => Wait::No,
                ahead => Wait::Until { at, ahead },
            },
        }
    }

    /// A socket has something to say.
    fn handle(&mut self, readiness: Readiness) {
        let token = Token::from(readiness.token);
        let Some(connection) = self.pool.get(token) else { return };
        match connection.phase {
            Phase::Opening if readiness.writable || readiness.closing => match connection.opened() {
                Ok(()) if !readiness.closing => self.put_to_use(token),
                refused_or_closed => {
                    tracing::debug!("cannot open a connection: {refused_or_closed:?}");
                    let address = connection.address;
                    self.pool.close(token);
                    self.could_not_open(address);
                }
            },
            // The peer closes it, or says what nobody asked for.
            Phase::Idle(_) if readiness.readable => self.pool.close(token),
            Phase::Opening | Phase::Idle(_) => {}
            Phase::Busy(due) => {
                if readiness.writable {
                    connection.write_on();
                }
                if readiness.readable {
                    match connection.read(&mut self.scratch, readiness.closing) {
                        Received::More => {}
                        Received::Again => self.again.push(readiness),
                        Received::Broken => self.end(token, due, Outcome::Broken, false),
                        Received::Whole(answer) => {
                            self.end(token, due, Outcome::of_status(answer.status), answer.reusable);
                        }
                    }
                }
            }
        }
    }

    /// A request that was sent has ended.
    fn end(&mut self, token: Token, due: Due, outcome: Outcome, reusable: bool) {
        let now = self.clock.now();
        let (due_us, by_user) = (to_us(due.at), due.user.is_some());
        self.journal.note(Entry::Ended { due_us, at_us: to_us(now), outcome, by_user });
        self.agenda.ended(&due, now);
        if matches!(outcome, Outcome::Ok | Outcome::Status) {
            self.pace.answered(now);
        }
        if reusable {
            self.put_to_use(token);
        } else {
            self.pool.close(token);
        }
        // The time has just been told: what has become due must not wait for the other answers of this turn.
        self.launch_due();
    }

    /// Ends the requests whose time is up.
    fn expire(&mut self, now: Nanos) {
        while let Some(deadline) =
            self.deadlines.take_due(now, |d| self.pool.request(d.token).is_some_and(|due| due.serial == d.serial))
        {
            if let Some(due) = self.pool.request(deadline.token) {
                self.end(deadline.token, due, Outcome::Timeout, false);
            }
        }
        while let Some(&Waiting { due, .. }) = self.waiting.front().filter(|first| first.until <= now) {
            self.waiting.pop_front();
            self.drop_request(due);
        }
    }

    /// Gives up whatever is under way: at the end that is nothing, unless the run is stopped.
    fn give_up(&mut self) {
        let at_us = to_us(self.clock.now());
        for due in self.pool.clear() {
            let (due_us, by_user) = (to_us(due.at), due.user.is_some());
            self.journal.note(Entry::Ended { due_us, at_us, outcome: Outcome::Abandoned, by_user });
        }
        while let Some(Waiting { due, .. }) = self.waiting.pop_front() {
            self.journal.note(Entry::Dropped { due_us: to_us(due.at), at_us, by_user: due.user.is_some() });
        }
    }
}

/// The most requests that a load has at one instant.
fn largest_burst(load: &LoadPlan) -> u32 {
    let sizes = load.bursts.iter().map(|burst| match burst.size {
        BurstSize::Requests(requests) => requests,
        BurstSize::Rate { .. } => 0,
    });
    sizes.max().unwrap_or(0).max(load.users_max())
}

/// How many connections a load needs at once, as far as can be told: one for each user, for each request of a burst,
/// and for each answer on its way when answers take 10 ms.
fn opened_ahead(load: &LoadPlan) -> usize {
    let steady = match load.shape {
        LoadShape::Open { rate, .. } => rate / 100,
        LoadShape::Closed { .. } => 0,
    };
    (largest_burst(load).saturating_add(steady) as usize).clamp(1, MAX_OPENED_AHEAD)
}

#[cfg(test)]
mod tests;
