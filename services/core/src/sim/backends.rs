//! The backends: an attempt meets the fault in effect, then the station.

use std::{cell::Cell, rc::Rc, time::Duration};

use super::{
    Nanos, Setup,
    calendar::Lane,
    clients::Attempt,
    engine::{Engine, Event},
    slab::Key,
    spread::spread,
};
use crate::{
    fault::{FaultKind, FaultWindow},
    station::{Arrival, Awaited, BackendModel, Chance, Departure, End, Station, Ticket},
    stats::BackendSeries,
    wire::{BackendPlan, FaultRecord},
};

/// The backends, and what all of them count.
#[derive(Debug)]
pub struct Backends<'s> {
    plan: &'s BackendPlan,
    model: &'s BackendModel,
    stations: Vec<Station<Job>>,
    /// For each station, the event that is planned for it.
    alarms: Vec<Option<Nanos>>,
    /// The fault window that is in effect.
    active: Option<usize>,
    /// Room for those who leave a station.
    left: Vec<Departure<Job>>,
    pub series: BackendSeries,
    pub records: Vec<FaultRecord>,
}

/// An attempt at a station.
#[derive(Debug)]
pub struct Job {
    attempt: Key,
    chance: Chance,
    /// Whether its client has hung up; kept only where the model heeds it.
    hung_up: Option<Rc<Cell<bool>>>,
}

/// Where a backend hears that a client hangs up.
#[derive(Debug)]
pub struct Presence {
    backend: u32,
    ticket: Ticket,
    hung_up: Rc<Cell<bool>>,
}

impl Awaited for Job {
    fn is_awaited(&self) -> bool {
        !self.hung_up.as_ref().is_some_and(|hung_up| hung_up.get())
    }
}

impl<'s> Backends<'s> {
    /// Idle backends.
    pub fn new(setup: &'s Setup) -> Self {
        let record = |window: &FaultWindow| FaultRecord { name: window.name.clone(), ..FaultRecord::default() };
        Self {
            plan: &setup.backend,
            model: &setup.model,
            stations: (0..setup.backends).map(|_| Station::new(&setup.model)).collect(),
            alarms: vec![None; setup.backends as usize],
            active: None,
            left: Vec::new(),
            series: BackendSeries::default(),
            records: setup.backend.faults.iter().map(record).collect(),
        }
    }

    /// Attempts at the stations, those that nobody waits for included.
    pub fn held(&self) -> usize {
        self.stations.iter().map(Station::held).sum()
    }

    fn chance(&self, attempt: &Attempt) -> Chance {
        Chance { seed: self.plan.seed, serial: attempt.serial, attempt: attempt.wire_number }
    }

    /// The fault that strikes an attempt, if one does. If a window is in effect the attempt counts as exposed.
    fn struck_by(&mut self, chance: Chance, backend: usize) -> Option<&'s FaultKind> {
        let window = self.active?;
        let kind = &self.plan.faults[window].kind;
        let struck = self.stations[backend].follows(kind) && strikes(kind, chance);
        self.expose(window, struck);
        struck.then_some(kind)
    }

    fn expose(&mut self, window: usize, struck: bool) {
        let record = &mut self.records[window];
        record.exposed += 1;
        record.affected += u64::from(struck);
    }

    /// Whether a station must know that a client hangs up.
    const fn heeds_hang_ups(&self) -> bool {
        self.model.cancel_on_disconnect || self.model.cache.is_some()
    }
}

fn strikes(kind: &FaultKind, chance: Chance) -> bool {
    kind.permille() >= 1_000 || chance.fault() < kind.permille()
}

impl Engine<'_> {
    /// An attempt reaches its peer.
    pub fn receive(&mut self, now: Nanos, key: Key) {
        if self.pass_on(now, key) {
            return;
        }
        let Some(attempt) = self.attempts.get(key) else { return };
        let (chance, patience) = (self.backends.chance(attempt), attempt.patience);
        let backend = spread(self.setup.backends, self.setup.backend.seed, attempt.spread_key());
        self.backends.series.received.add(now / 1_000);
        let presence = match self.backends.struck_by(chance, backend as usize) {
            Some(FaultKind::Freeze | FaultKind::Capacity { .. }) | None => {
                self.take(now, key, backend, chance, patience, Duration::ZERO)
            }
            Some(&FaultKind::Latency { delay_ms, .. }) => {
                self.take(now, key, backend, chance, patience, Duration::from_millis(delay_ms))
            }
            Some(kind) => {
                self.backends.series.injected.add(now / 1_000);
                self.strike(now, key, kind);
                None
            }
        };
        self.hand_over(now, key, presence);
    }

    /// An attempt comes to a station, where it arrives after `delay`.
    fn take(
        &mut self,
        now: Nanos,
        key: Key,
        backend: u32,
        chance: Chance,
        patience: Nanos,
        delay: Duration,
    ) -> Option<Box<Presence>> {
        let lot = self.setup.model.lot(|| chance.service());
        let arrival = Arrival { delay, expires: Some(Duration::from_nanos(now + patience)), lot };
        let hung_up = self.backends.heeds_hang_ups().then(Rc::<Cell<bool>>::default);
        let job = Job { attempt: key, chance, hung_up: hung_up.clone() };
        let ticket = self.at_station(now, backend as usize, |s, now, left| s.take(now, arrival, job, left));
        hung_up.map(|hung_up| Box::new(Presence { backend, ticket, hung_up }))
    }

    /// A fault ends an attempt as it arrives.
    fn strike(&mut self, now: Nanos, key: Key, kind: &FaultKind) {
        match *kind {
            FaultKind::Error { retry_after_s: Some(seconds), .. } => self.push_back(now, key, seconds as u16),
            FaultKind::Error { status, .. } => self.depart(now, key, status),
            FaultKind::Reset { .. } | FaultKind::Refuse { .. } => self.cut(now, key),
            FaultKind::Blackhole { .. }
            | FaultKind::Latency { .. }
            | FaultKind::Freeze
            | FaultKind::Capacity { .. } => {}
        }
    }

    /// An attempt's connection is cut, unless its client has gone.
    fn cut(&mut self, now: Nanos, key: Key) {
        if let Some(attempt) = self.attempts.get_mut(key).filter(|attempt| attempt.is_awaited()) {
            attempt.cut_off = true;
            self.calendar.plan(Lane::Network, now + self.network, Event::Cut(key));
        }
    }

    /// A client hangs up on an attempt.
    pub fn hang_up(&mut self, now: Nanos, presence: &Presence) {
        let Presence { backend, ticket, hung_up } = presence;
        hung_up.set(true);
        self.at_station(now, *backend as usize, |station, now, left| station.disconnect(now, *ticket, left));
    }

    /// Something is due at a station. False: it was, and has been done.
    pub fn station_due(&mut self, now: Nanos, number: u32) -> bool {
        let station = number as usize;
        let due = self.backends.alarms[station] == Some(now);
        if due {
            self.backends.alarms[station] = None;
            self.at_station(now, station, Station::advance);
        }
        due
    }

    /// A fault window begins or ends, at all backends at once.
    pub fn edge(&mut self, now: Nanos, number: u32, begins: bool) {
        let window = number as usize;
        let Backends { plan, active, records, stations, .. } = &mut self.backends;
        let (plan, stations) = (&plan.faults[window], stations.len());
        if begins {
            *active = Some(window);
            records[window].started_us = Some(now / 1_000);
        } else {
            active.take_if(|other| *other == window);
            records[window].ended_us = Some(now / 1_000);
        }
        let in_force = active.map(|window| &self.backends.plan.faults[window].kind);
        for station in 0..stations {
            self.at_station(now, station, |station, now, left| station.set_fault(now, in_force, left));
            if !begins && plan.restart {
                self.at_station(now, station, Station::restart);
            }
        }
        if begins && matches!(plan.kind, FaultKind::Reset { .. }) {
            self.cut_off_all(now, window);
        }
    }

    /// A Reset that begins strikes those that are here as well, but for those whose clients have gone already. To the stations
    /// whoever is struck has hung up.
    fn cut_off_all(&mut self, now: Nanos, window: usize) {
        let mut here = Vec::new();
        for station in &mut self.backends.stations {
            station.for_each(|job| here.push((job.attempt, job.chance)));
        }
        here.retain(|(key, _)| self.attempts.get(*key).is_some_and(Attempt::is_awaited));
        let mut gone = Vec::new();
        for (key, chance) in here {
            let struck = strikes(&self.backends.plan.faults[window].kind, chance);
            self.backends.expose(window, struck);
            if struck {
                self.cut(now, key);
                gone.extend(self.attempts.get_mut(key).and_then(|attempt| attempt.presence.take()));
            }
        }
        // All at once: no worker takes up one that is about to be told.
        for presence in &gone {
            presence.hung_up.set(true);
        }
        for presence in &gone {
            self.hang_up(now, presence);
        }
    }

    /// Does something at a station; sees off who has left, and plans to look again when the next thing is due.
    fn at_station<R>(
        &mut self,
        now: Nanos,
        number: usize,
        act: impl FnOnce(&mut Station<Job>, Duration, &mut Vec<Departure<Job>>) -> R,
    ) -> R {
        let mut left = std::mem::take(&mut self.backends.left);
        let station = &mut self.backends.stations[number];
        let result = act(station, Duration::from_nanos(now), &mut left);
        let next = station.next_event().map(|at| at.as_nanos() as Nanos);
        let alarm = &mut self.backends.alarms[number];
        if let Some(at) = next.filter(|&at| alarm.is_none_or(|planned| at < planned)) {
            *alarm = Some(at);
            self.calendar.plan(Lane::Stations, at, Event::Station(number as u32));
        }
        for Departure { request, end, .. } in left.drain(..) {
            let awaited = self.attempts.get(request.attempt).is_some_and(Attempt::is_awaited);
            let wasted = matches!(end, End::Served { .. }) && !awaited;
            self.backends.series.left(now / 1_000, end, wasted);
            self.depart(now, request.attempt, end.status());
        }
        self.backends.left = left;
        result
    }
}
