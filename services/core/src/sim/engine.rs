//! The loop: takes what happens next, the load's next arrival or the calendar's next event, and has it happen.

use super::{
    Nanos, Outcome, Setup, TooLarge,
    backends::Backends,
    calendar::{Calendar, Lane},
    clients::{Attempt, Call, Caller, Clients},
    slab::{Key, Slab},
};
use crate::{
    load::Agenda,
    policy::{Outcome as AttemptOutcome, Pushback},
    stats::LoadLedger,
    wire::BackendResults,
};

/// Something that happens at one moment.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A request reaches its client.
    Arrive(Key),
    /// An attempt reaches its backend, or the next layer's client.
    Receive(Key),
    /// The answer to an attempt, with its status, reaches its client.
    Answer(Key, u16),
    /// A failure whose `Retry-After` is so many seconds reaches its client.
    PushBack(Key, u16),
    /// An attempt's client sees that its connection was cut.
    Cut(Key),
    /// An attempt has had its time.
    Timeout(Key),
    /// A request's wait before an attempt is over.
    Wake(Key),
    /// The final answer to a request, success or not, reaches the load generator.
    Reply(Key, bool),
    /// Something is due at a station.
    Station(u32),
    /// A fault window begins or ends.
    Edge(u32, bool),
}

/// How many events there are between two looks at how much is held.
const LOOK_EVERY: u64 = 4_096;

/// The most requests and attempts that a run may hold at one time: memory is bounded by the events that are allowed.
fn held_max(budget: u64) -> usize {
    (budget / 100).max(100_000) as usize
}

/// A run under way.
#[derive(Debug)]
pub struct Engine<'s> {
    pub setup: &'s Setup,
    pub network: Nanos,
    pub calendar: Calendar<Event>,
    agenda: Agenda,
    ledger: LoadLedger,
    pub calls: Slab<Call>,
    pub attempts: Slab<Attempt>,
    pub clients: Clients<'s>,
    pub backends: Backends<'s>,
}

impl<'s> Engine<'s> {
    /// A run before its start.
    pub fn new(setup: &'s Setup) -> Self {
        let mut calendar = Calendar::new();
        for (number, window) in (0..).zip(&setup.backend.faults) {
            calendar.plan(Lane::Timers, window.at_ms * 1_000_000, Event::Edge(number, true));
            calendar.plan(Lane::Timers, window.end_ms() * 1_000_000, Event::Edge(number, false));
        }
        Self {
            setup,
            network: setup.network.as_nanos() as Nanos,
            calendar,
            agenda: Agenda::new(&setup.load, 0),
            ledger: LoadLedger::default(),
            calls: Slab::new(),
            attempts: Slab::new(),
            clients: Clients::new(setup),
            backends: Backends::new(setup),
        }
    }

    /// Has everything happen, in order.
    pub fn run(mut self, budget: u64) -> Result<Outcome, TooLarge> {
        let mut events = 0;
        while let Some(now) = self.step() {
            events += 1;
            if events > budget || (events % LOOK_EVERY == 0 && self.held() > held_max(budget)) {
                let (reached_ms, duration_ms) = (now / 1_000_000, self.setup.load.duration_ms);
                return Err(TooLarge { budget, reached_ms, duration_ms });
            }
        }
        let mut clients = self.clients.results();
        Ok(Outcome {
            load: self.ledger.snapshot().into(),
            client: clients.next().unwrap_or_default(),
            inner: clients.collect(),
            backend: BackendResults {
                series: self.backends.series,
                faults: self.backends.records,
                ..BackendResults::default()
            },
            events,
        })
    }

    /// Everything that takes memory: requests, attempts, and what waits at the stations, if only for nobody.
    fn held(&self) -> usize {
        self.calls.len() + self.attempts.len() + self.backends.held()
    }

    /// Has the next thing happen, and gives when that is; `None`: it is all over. Timeouts and wake-ups that have come to
    /// nothing are passed over and are no events.
    fn step(&mut self) -> Option<Nanos> {
        loop {
            let arrival = self.agenda.next_at().map(|at| at as Nanos);
            let planned = self.calendar.next();
            if let Some(arrival) = arrival.filter(|&at| planned.is_none_or(|(planned, _)| at < planned)) {
                self.send(arrival);
                return Some(arrival);
            }
            let (now, lane) = planned?;
            let event = self.calendar.take(lane)?;
            if self.happen(now, event) {
                return Some(now);
            }
        }
    }

    /// Has an event happen; false: it had come to nothing.
    fn happen(&mut self, now: Nanos, event: Event) -> bool {
        match event {
            Event::Arrive(call) => self.arrive(now, call),
            Event::Receive(attempt) => self.receive(now, attempt),
            Event::Answer(attempt, status) => return self.ended(now, attempt, AttemptOutcome::of_status(status), None),
            Event::PushBack(attempt, seconds) => {
                let pushback = Some(Pushback::AfterMs(u64::from(seconds) * 1_000));
                return self.ended(now, attempt, AttemptOutcome::Retryable, pushback);
            }
            Event::Cut(attempt) => return self.ended(now, attempt, AttemptOutcome::Retryable, None),
            Event::Timeout(attempt) => return self.ended(now, attempt, AttemptOutcome::TimedOut, None),
            Event::Wake(call) => return self.woken(now, call),
            Event::Reply(call, ok) => self.reply(now, call, ok),
            Event::Station(number) => return self.station_due(now, number),
            Event::Edge(number, begins) => self.edge(now, number, begins),
        }
        true
    }

    /// The load generator sends what is due.
    fn send(&mut self, now: Nanos) {
        let Some(due) = self.agenda.take_due(now as i64) else { return };
        self.ledger.sent(now / 1_000, now / 1_000);
        let arrives = now + self.network;
        let call = self.calls.insert(Call::of_load(self.setup, due, arrives));
        self.calendar.plan(Lane::Network, arrives, Event::Arrive(call));
    }

    /// The load generator has its answer.
    fn reply(&mut self, now: Nanos, call: Key, ok: bool) {
        let Some(Call { caller: Caller::Load(due), cohort_us, .. }) = self.calls.remove(call) else { return };
        self.ledger.ended(cohort_us, now / 1_000, ok, due.user.is_some());
        self.agenda.ended(&due, now as i64);
    }
}
