//! The clients: each request follows the policy's state machine, with the limits of the client that it came to.
//!
//! In a chain, the attempt of one client is the request of the next. A client carries every request
//! through, even when whoever sent it has given it up: so did the attempts that it makes, all the way down.

use super::{
    Nanos, Setup,
    calendar::Lane,
    engine::{Engine, Event},
    slab::Key,
    spread::spread,
};
use crate::{
    load::Due,
    policy::{AttemptEnd, Draws, Fate, Limits, Outcome, Retrier, Start, Step, Turn},
    stats::ClientSeries,
    wire::{ClientPlan, ClientResults, nested_serial},
};

/// The clients, place by place of the chain.
#[derive(Debug)]
pub struct Clients<'s> {
    /// Each place of the chain, the first one first.
    layers: Vec<Layer<'s>>,
}

/// The clients in one place of the chain.
#[derive(Debug)]
struct Layer<'s> {
    plan: &'s ClientPlan,
    /// One for each client; just one for all of them where the policy has nothing that requests share.
    limits: Vec<Limits>,
    /// What all of them count.
    series: ClientSeries,
}

/// A request at a client.
#[derive(Debug)]
pub struct Call {
    /// Who waits for its answer.
    pub caller: Caller,
    /// The intended start of the request that it belongs to, in microseconds.
    pub cohort_us: u64,
    serial: u64,
    retrier: Retrier,
    /// Its attempt in flight that was sent last; the others hang on it.
    latest: Option<Key>,
    /// The wake-up that is planned.
    wake_at: Option<Nanos>,
    client: u32,
    layer: u8,
}

/// Who waits for a request's answer.
#[derive(Clone, Copy, Debug)]
pub enum Caller {
    /// The load generator.
    Load(Due),
    /// A client of the layer above, with this attempt.
    Attempt(Key),
}

/// An attempt: it is there until both its client and its peer are done with it.
#[derive(Debug)]
pub struct Attempt {
    call: Key,
    number: u32,
    layer: u8,
    /// The serial of its request.
    pub serial: u64,
    cohort_us: u64,
    /// What was left of the request's deadline when it was sent.
    pub left: Option<Nanos>,
    /// The next one in flight of the same request.
    sibling: Option<Key>,
    /// When its client gave it up.
    given_up: Option<Nanos>,
}

impl<'s> Clients<'s> {
    /// Clients that have served nothing.
    pub fn new(setup: &'s Setup) -> Self {
        let layer = |plan: &'s ClientPlan| {
            let policy = &plan.strategy.policy;
            let limits = if policy.has_limits() { setup.clients } else { 1 };
            Layer {
                plan,
                limits: (0..limits).map(|_| Limits::new(policy, 0)).collect(),
                series: ClientSeries::default(),
            }
        };
        Self { layers: setup.layers().map(layer).collect() }
    }

    /// What they counted, the first ones first.
    pub fn results(self) -> impl Iterator<Item = ClientResults> {
        self.layers.into_iter().map(|layer| ClientResults { series: layer.series, ..ClientResults::default() })
    }
}

impl Call {
    /// A request that reaches its client at `arrives`. A user's requests all go to one client.
    pub fn of_load(setup: &Setup, due: Due, arrives: Nanos) -> Self {
        let cohort_us = (due.at / 1_000) as u64;
        let key = due.user.map_or(due.serial, u64::from);
        Self {
            client: spread(setup.clients, setup.client.seed, key),
            ..Self::new(&setup.client, Caller::Load(due), cohort_us, due.serial, arrives, None)
        }
    }

    /// An attempt of the layer above that reaches its client.
    fn of_attempt(setup: &Setup, key: Key, attempt: &Attempt, now: Nanos) -> Self {
        let serial = nested_serial(attempt.serial, attempt.number);
        let layer = attempt.layer + 1;
        let plan = &setup.inner[usize::from(attempt.layer)];
        Self {
            client: spread(setup.clients, plan.seed, serial),
            layer,
            ..Self::new(plan, Caller::Attempt(key), attempt.cohort_us, serial, now, attempt.left)
        }
    }

    fn new(plan: &ClientPlan, caller: Caller, cohort_us: u64, serial: u64, now: Nanos, left: Option<Nanos>) -> Self {
        Self {
            caller,
            cohort_us,
            serial,
            retrier: Retrier::new(&plan.strategy.policy, now, left),
            latest: None,
            wake_at: None,
            client: 0,
            layer: 0,
        }
    }
}

impl Attempt {
    /// The attempt's number within its request.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whether its client has gone, as far as its peer can know.
    pub fn is_abandoned(&self, now: Nanos, network: Nanos) -> bool {
        self.given_up.is_some_and(|at| at + network <= now)
    }
}

impl Engine<'_> {
    /// A request reaches its client.
    pub fn arrive(&mut self, now: Nanos, key: Key) {
        if let Some(call) = self.calls.get(key) {
            self.clients.layers[usize::from(call.layer)].series.request(call.cohort_us);
        }
        self.follow(now, key, Retrier::begin);
    }

    /// An attempt reaches the next client of the chain. False: there is none.
    pub fn pass_on(&mut self, now: Nanos, key: Key) -> bool {
        let Some(attempt) = self.attempts.get(key).filter(|a| usize::from(a.layer) < self.setup.inner.len()) else {
            return false;
        };
        let call = self.calls.insert(Call::of_attempt(self.setup, key, attempt, now));
        self.arrive(now, call);
        true
    }

    /// The answer to an attempt reaches its client, unless that has given it up.
    pub fn answered(&mut self, now: Nanos, key: Key, status: u16) {
        let Some(attempt) = self.attempts.remove(key) else { return };
        if attempt.given_up.is_none() {
            self.end_attempt(now, key, &attempt, Outcome::of_status(status));
        }
    }

    /// An attempt has had its time. False: it had ended before.
    pub fn timed_out(&mut self, now: Nanos, key: Key) -> bool {
        let Some(attempt) = self.attempts.get_mut(key).filter(|attempt| attempt.given_up.is_none()) else {
            return false;
        };
        attempt.given_up = Some(now);
        let ended = Attempt { ..*attempt };
        self.end_attempt(now, key, &ended, Outcome::TimedOut);
        true
    }

    /// A request's wait is over. False: there was none any more.
    pub fn woken(&mut self, now: Nanos, key: Key) -> bool {
        let due = self.calls.get(key).is_some_and(|call| call.retrier.wake_at_ns() == Some(now));
        if due {
            self.follow(now, key, Retrier::wake);
        }
        due
    }

    fn end_attempt(&mut self, now: Nanos, key: Key, attempt: &Attempt, outcome: Outcome) {
        self.unlink(key, attempt);
        let end = AttemptEnd { number: attempt.number, outcome, pushback: None };
        self.follow(now, attempt.call, |retrier, turn| retrier.ended(end, turn));
    }

    /// Takes an attempt that is over out of its request's chain.
    fn unlink(&mut self, key: Key, attempt: &Attempt) {
        let Some(call) = self.calls.get_mut(attempt.call) else { return };
        let mut link = &mut call.latest;
        while let Some(other) = link.filter(|&other| other != key) {
            let Some(other) = self.attempts.get_mut(other) else { return };
            link = &mut other.sibling;
        }
        *link = attempt.sibling;
    }

    /// Takes a request one step further: tells its retrier what happened, and does what that says.
    fn follow(&mut self, now: Nanos, key: Key, tell: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Layer { plan, limits, .. } = &mut self.clients.layers[usize::from(call.layer)];
        let own = if limits.len() == 1 { 0 } else { call.client as usize };
        let draws = Draws::new(plan.seed, call.serial);
        let mut turn = Turn { policy: &plan.strategy.policy, limits: &mut limits[own], now_ns: now, draws };
        let step = tell(&mut call.retrier, &mut turn);
        let wake_at = call.retrier.wake_at_ns();
        if let Some(at) = wake_at.filter(|_| wake_at != call.wake_at) {
            self.calendar.plan(Lane::Timers, at, Event::Wake(key));
        }
        call.wake_at = wake_at;
        match step {
            Step::Start(start) => self.start(now, key, &start),
            Step::Wait => {}
            Step::End(fate) => self.end(now, key, fate),
        }
    }

    fn start(&mut self, now: Nanos, key: Key, start: &Start) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let attempt = Attempt {
            call: key,
            number: start.number,
            layer: call.layer,
            serial: call.serial,
            cohort_us: call.cohort_us,
            left: start.left_ns,
            sibling: call.latest,
            given_up: None,
        };
        let Layer { plan, series, .. } = &mut self.clients.layers[usize::from(call.layer)];
        series.attempt(call.cohort_us, now / 1_000, start.number > 1);
        let attempt = self.attempts.insert(attempt);
        call.latest = Some(attempt);
        let timeout = (plan.timeout_ms * 1_000_000).min(start.left_ns.unwrap_or(Nanos::MAX));
        self.calendar.plan(Lane::Network, now + self.network, Event::Receive(attempt));
        self.calendar.plan(Lane::Timeouts, now + timeout, Event::Timeout(attempt));
        let Self { calendar, attempts, .. } = self;
        calendar.tidy_timeouts(attempts.len(), |event| match event {
            Event::Timeout(key) => attempts.get(*key).is_some_and(|attempt| attempt.given_up.is_none()),
            _ => true,
        });
    }

    /// A request has ended: attempts in flight are given up, and whoever waits is answered.
    fn end(&mut self, now: Nanos, key: Key, fate: Fate) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let mut link = call.latest.take();
        while let Some(attempt) = link.and_then(|key| self.attempts.get_mut(key)) {
            attempt.given_up = Some(now);
            link = attempt.sibling;
        }
        self.clients.layers[usize::from(call.layer)].series.end(call.cohort_us, fate);
        match call.caller {
            Caller::Load(_) => {
                self.calendar.plan(Lane::Network, now + self.network, Event::Reply(key, fate.is_success()));
            }
            Caller::Attempt(outer) => {
                self.calls.remove(key);
                self.depart(now, outer, if fate.is_success() { 200 } else { 502 });
            }
        }
    }

    /// An attempt's peer is done with it: the answer is on its way, unless nobody waits for it.
    pub fn depart(&mut self, now: Nanos, key: Key, status: u16) {
        match self.attempts.get(key) {
            Some(attempt) if attempt.given_up.is_none() => {
                self.calendar.plan(Lane::Network, now + self.network, Event::Answer(key, status));
            }
            _ => {
                self.attempts.remove(key);
            }
        }
    }
}
