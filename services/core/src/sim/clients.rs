//! The clients: each request follows the policy's state machine, with the limits of the client that it came to.
//!
//! In a chain, the attempt of one client is the request of the next. A client carries every request
//! through, even when whoever sent it has given it up: so did the attempts that it makes, all the way down.

use super::{
    Nanos, Setup,
    backends::Presence,
    calendar::Lane,
    engine::{Engine, Event},
    slab::Key,
    spread::spread,
};
use crate::{
    load::Due,
    policy::{AttemptEnd, Draws, Fate, Limits, Outcome, Pushback, Retrier, Start, Step, Turn},
    stats::ClientSeries,
    wire::{ClientPlan, ClientResults, nested_attempt},
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
    /// In a chain: the number of the attempt that it is, for the client before.
    outer: u32,
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

/// An attempt: it is there until it has reached its peer, and for as long as its client waits for it; not for as long as the
/// peer still works for it.
#[derive(Debug)]
pub struct Attempt {
    call: Key,
    number: u32,
    /// Its number on the wire: no other attempt for the request of the load has it.
    pub wire_number: u32,
    layer: u8,
    /// The serial of its request.
    pub serial: u64,
    cohort_us: u64,
    /// What was left of the request's deadline when it was sent.
    left: Option<Nanos>,
    /// How long its client waits for the answer.
    pub patience: Nanos,
    /// The next one in flight of the same request.
    sibling: Option<Key>,
    /// It has reached its peer.
    pub received: bool,
    /// Its client has given it up.
    pub given_up: bool,
    /// Its connection was cut, and its client is about to see that.
    pub cut_off: bool,
    /// Where its backend hears when its client hangs up; `None` where that is of no interest to it.
    pub presence: Option<Box<Presence>>,
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
        let layer = attempt.layer + 1;
        let plan = &setup.inner[usize::from(attempt.layer)];
        Self {
            client: spread(setup.clients, plan.seed, attempt.spread_key()),
            outer: attempt.wire_number,
            layer,
            ..Self::new(plan, Caller::Attempt(key), attempt.cohort_us, attempt.serial, now, attempt.left)
        }
    }

    fn new(plan: &ClientPlan, caller: Caller, cohort_us: u64, serial: u64, now: Nanos, left: Option<Nanos>) -> Self {
        Self {
            caller,
            cohort_us,
            serial,
            outer: 0,
            retrier: Retrier::new(&plan.strategy.policy, now, left),
            latest: None,
            wake_at: None,
            client: 0,
            layer: 0,
        }
    }
}

impl Attempt {
    /// What it is spread by over the peers: another one for each attempt.
    pub const fn spread_key(&self) -> u64 {
        self.serial.wrapping_mul(1 << 20).wrapping_add(self.wire_number as u64)
    }

    /// Whether its client waits for an answer, and can get one.
    pub const fn is_awaited(&self) -> bool {
        !self.given_up && !self.cut_off
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
        self.hand_over(now, key, None);
        self.arrive(now, call);
        true
    }

    /// An attempt ends for its client: with an answer, or its connection is broken, or it has had its time. False: it had ended
    /// before.
    pub fn ended(&mut self, now: Nanos, key: Key, outcome: Outcome, pushback: Option<Pushback>) -> bool {
        let Some(attempt) = self.attempts.get(key).filter(|attempt| !attempt.given_up) else { return false };
        let (call, number, sibling) = (attempt.call, attempt.number, attempt.sibling);
        self.unlink(call, key, sibling);
        self.give_up(now, key, outcome != Outcome::TimedOut);
        let end = AttemptEnd { number, outcome, pushback };
        self.follow(now, call, |retrier, turn| retrier.ended(end, turn));
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

    /// Takes an attempt that is over out of its request's chain.
    fn unlink(&mut self, call: Key, key: Key, sibling: Option<Key>) {
        let Some(call) = self.calls.get_mut(call) else { return };
        if call.latest == Some(key) {
            call.latest = sibling;
            return;
        }
        let mut other = call.latest;
        while let Some(attempt) = other.and_then(|other| self.attempts.get_mut(other)) {
            if attempt.sibling == Some(key) {
                attempt.sibling = sibling;
                return;
            }
            other = attempt.sibling;
        }
    }

    /// A client is done with an attempt. Its backend hears it hang up, unless it has answered.
    fn give_up(&mut self, now: Nanos, key: Key, answered: bool) {
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        if !attempt.received {
            attempt.given_up = true;
            return;
        }
        let presence = self.attempts.remove(key).and_then(|attempt| attempt.presence);
        if let Some(presence) = presence.filter(|_| !answered) {
            self.hang_up(now, &presence);
        }
    }

    /// An attempt has reached its peer, which knows all of it that it must know.
    pub fn hand_over(&mut self, now: Nanos, key: Key, presence: Option<Box<Presence>>) {
        let Some(attempt) = self.attempts.get_mut(key) else { return };
        (attempt.received, attempt.presence) = (true, presence);
        if attempt.given_up {
            self.give_up(now, key, false);
        }
    }

    /// Takes a request one step further: tells its retrier what happened, and does what that says.
    fn follow(&mut self, now: Nanos, key: Key, tell: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Layer { plan, limits, .. } = &mut self.clients.layers[usize::from(call.layer)];
        let own = if limits.len() == 1 { 0 } else { call.client as usize };
        let draws = Draws::nested(plan.seed, call.serial, call.outer);
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
        let Layer { plan, series, .. } = &mut self.clients.layers[usize::from(call.layer)];
        series.attempt(call.cohort_us, now / 1_000, start.number > 1);
        let patience = (plan.timeout_ms * 1_000_000).min(start.left_ns.unwrap_or(Nanos::MAX));
        let attempt = self.attempts.insert(Attempt {
            call: key,
            number: start.number,
            wire_number: nested_attempt(call.outer, start.number),
            layer: call.layer,
            serial: call.serial,
            cohort_us: call.cohort_us,
            left: start.left_ns,
            patience,
            sibling: call.latest,
            received: false,
            given_up: false,
            cut_off: false,
            presence: None,
        });
        call.latest = Some(attempt);
        self.calendar.plan(Lane::Network, now + self.network, Event::Receive(attempt));
        self.calendar.plan(Lane::Timeouts, now + patience, Event::Timeout(attempt));
        let Self { calendar, attempts, calls, .. } = self;
        calendar.tidy(|at, event| match event {
            Event::Timeout(key) => attempts.get(*key).is_some(),
            Event::Wake(key) => calls.get(*key).is_some_and(|call| call.retrier.wake_at_ns() == Some(at)),
            _ => true,
        });
    }

    /// A request has ended: attempts in flight are given up, and whoever waits is answered.
    fn end(&mut self, now: Nanos, key: Key, fate: Fate) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let mut link = call.latest.take();
        while let Some((key, attempt)) = link.and_then(|key| Some((key, self.attempts.get(key)?))) {
            link = attempt.sibling;
            self.give_up(now, key, false);
        }
        let Some(call) = self.calls.get(key) else { return };
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
        if self.attempts.get(key).is_some_and(Attempt::is_awaited) {
            self.calendar.plan(Lane::Network, now + self.network, Event::Answer(key, status));
        }
    }

    /// An attempt has failed, and its answer says when to come back.
    pub fn push_back(&mut self, now: Nanos, key: Key, seconds: u16) {
        if self.attempts.get(key).is_some_and(Attempt::is_awaited) {
            self.calendar.plan(Lane::Network, now + self.network, Event::PushBack(key, seconds));
        }
    }
}
