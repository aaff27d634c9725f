//! Drives a policy through virtual time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use rand::RngExt;
use retrylab_core::{
    Rng,
    policy::{AttemptEnd, AttemptKind, Draws, Fate, Limits, Outcome, Policy, Pushback, Retrier, Start, Step, Turn},
    rng,
};

pub const SECOND: u64 = 1_000_000_000;
pub const MS: u64 = 1_000_000;

/// What a backend does with an attempt.
pub struct Reply {
    pub outcome: Outcome,
    pub after_ns: u64,
    pub pushback: Option<Pushback>,
}

impl Reply {
    pub const fn at_once(outcome: Outcome) -> Self {
        Self { outcome, after_ns: 0, pushback: None }
    }

    /// Fails with the chance `p`.
    pub fn failing(p: f64, rng: &mut Rng) -> Self {
        Self::at_once(if rng.random_bool(p) { Outcome::Retryable } else { Outcome::Success })
    }
}

/// Clients under a policy, each with a Poisson load of its own.
pub struct Lab {
    pub policy: Policy,
    pub clients: usize,
    /// Requests per second of each.
    pub rate: f64,
    pub seconds: u64,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Tally {
    pub requests: u64,
    pub fates: BTreeMap<Fate, u64>,
    /// When each attempt began, and why.
    pub attempts: Vec<(u64, AttemptKind)>,
    pub latencies_ns: Vec<u64>,
    /// What was out whenever a retry had just been decided.
    pub out: Vec<Out>,
}

/// All retries and hedges in backoff or in flight, and all attempts in flight.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub retries: u64,
    pub attempts: u64,
}

impl Tally {
    pub fn amplification(&self) -> f64 {
        self.attempts.len() as f64 / self.requests as f64
    }

    pub fn fate(&self, fate: Fate) -> u64 {
        self.fates.get(&fate).copied().unwrap_or(0)
    }

    /// Attempts that are not a request's first, from one second to another.
    pub fn retries(&self, from_s: u64, to_s: u64) -> u64 {
        let within = |at: u64| (from_s * SECOND..to_s * SECOND).contains(&at);
        self.attempts.iter().filter(|(at, kind)| within(*at) && *kind != AttemptKind::First).count() as u64
    }

    pub fn firsts(&self, from_s: u64, to_s: u64) -> u64 {
        let within = |at: u64| (from_s * SECOND..to_s * SECOND).contains(&at);
        self.attempts.iter().filter(|(at, kind)| within(*at) && *kind == AttemptKind::First).count() as u64
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival(usize),
    Ended(usize, u32),
    Wake(usize),
}

struct Request {
    retrier: Retrier,
    client: usize,
    begun_ns: u64,
    replies: BTreeMap<u32, Reply>,
    is_over: bool,
    waits: bool,
}

struct World<'l, B> {
    lab: &'l Lab,
    backend: B,
    limits: Vec<Limits>,
    requests: Vec<Request>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    rng: Rng,
    tally: Tally,
}

impl Lab {
    /// Runs until nothing is under way. `backend` says what becomes of the attempt that begins at a moment.
    pub fn run(&self, backend: impl FnMut(u64, Start, &mut Rng) -> Reply) -> Tally {
        let mut world = World {
            lab: self,
            backend,
            limits: (0..self.clients).map(|_| Limits::new(&self.policy, 0)).collect(),
            requests: Vec::new(),
            events: BinaryHeap::new(),
            sequence: 0,
            rng: rng(11, 0),
            tally: Tally::default(),
        };
        for client in 0..self.clients {
            world.next_arrival(client, 0);
        }
        while let Some(Reverse((now, _, event))) = world.events.pop() {
            world.happen(now, event);
        }
        world.tally
    }
}

impl<B: FnMut(u64, Start, &mut Rng) -> Reply> World<'_, B> {
    fn at(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence, event)));
    }

    fn next_arrival(&mut self, client: usize, now: u64) {
        let gap = -(1.0 - self.rng.random::<f64>()).ln() / self.lab.rate;
        let at = now + (gap * 1e9) as u64;
        if at < self.lab.seconds * SECOND {
            self.at(at, Event::Arrival(client));
        }
    }

    fn happen(&mut self, now: u64, event: Event) {
        match event {
            Event::Arrival(client) => {
                let retrier = Retrier::new(&self.lab.policy, now, None);
                let replies = BTreeMap::new();
                self.requests.push(Request { retrier, client, begun_ns: now, replies, is_over: false, waits: false });
                self.tally.requests += 1;
                self.follow(now, self.requests.len() - 1, Retrier::begin);
                self.next_arrival(client, now);
            }
            Event::Ended(index, number) if !self.requests[index].is_over => {
                let Some(reply) = self.requests[index].replies.remove(&number) else { return };
                let end = AttemptEnd { number, outcome: reply.outcome, pushback: reply.pushback };
                self.follow(now, index, |retrier, turn| retrier.ended(end, turn));
            }
            Event::Wake(index) if !self.requests[index].is_over => self.follow(now, index, Retrier::wake),
            Event::Ended(..) | Event::Wake(_) => {}
        }
    }

    fn follow(&mut self, now: u64, index: usize, take: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) {
        let request = &mut self.requests[index];
        let draws = Draws::new(5, index as u64);
        let limits = &mut self.limits[request.client];
        let step = take(&mut request.retrier, &mut Turn { policy: &self.lab.policy, limits, now_ns: now, draws });
        match step {
            Step::Start(start) => self.start(now, index, start),
            Step::Wait => {
                request.waits = request.retrier.in_flight() == 0;
                assert!(!request.waits || request.retrier.wake_at_ns().is_some(), "it would wait for ever");
            }
            Step::End(fate) => {
                *self.tally.fates.entry(fate).or_default() += 1;
                self.tally.latencies_ns.push(now - request.begun_ns);
                (request.is_over, request.waits) = (true, false);
                request.replies.clear();
            }
        }
        if self.requests[index].waits {
            self.note_out();
        }
        if let Some(at) = self.requests[index].retrier.wake_at_ns() {
            self.at(at, Event::Wake(index));
        }
    }

    fn start(&mut self, now: u64, index: usize, start: Start) {
        self.requests[index].waits = false;
        self.tally.attempts.push((now, start.kind));
        let mut reply = (self.backend)(now, start, &mut self.rng);
        if let Some(left) = start.left_ns.filter(|left| reply.after_ns > *left) {
            reply = Reply { outcome: Outcome::TimedOut, after_ns: left, pushback: None };
        }
        self.at(now + reply.after_ns, Event::Ended(index, start.number));
        self.requests[index].replies.insert(start.number, reply);
    }

    /// Only small worlds are looked at, since this looks at every request.
    fn note_out(&mut self) {
        if self.requests.len() < 2_000 {
            let mut out = Out { retries: 0, attempts: 0 };
            for request in self.requests.iter().filter(|r| !r.is_over) {
                out.attempts += u64::from(request.retrier.in_flight());
                out.retries += u64::from(request.waits) + request.replies.keys().filter(|n| **n > 1).count() as u64;
            }
            self.tally.out.push(out);
        }
    }
}

/// Holds a figure against its expectation, within three standard errors.
pub fn within(what: &str, figure: f64, expected: f64, standard_error: f64) {
    let band = 3.0 * standard_error + 1e-9;
    assert!((figure - expected).abs() <= band, "{what} is {figure}, expected {expected} ± {band}");
}
