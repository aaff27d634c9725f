//! The backends: an attempt meets the fault in effect, then the station.

use std::time::Duration;

use super::{
    Nanos, Setup,
    calendar::Lane,
    engine::{Engine, Event},
    slab::Key,
    spread::spread,
};
use crate::{
    fault::{FaultKind, FaultWindow, roll},
    station::{Departure, Station},
    stats::BackendSeries,
    wire::{BackendPlan, FaultRecord},
};

/// The backends, and what all of them count.
#[derive(Debug)]
pub struct Backends<'s> {
    plan: &'s BackendPlan,
    stations: Vec<Station<Key>>,
    /// For each station, the event that is planned for it.
    alarms: Vec<Option<Nanos>>,
    /// The fault window that is in effect.
    active: Option<usize>,
    /// Room for those who leave a station.
    left: Vec<Departure<Key>>,
    pub series: BackendSeries,
    pub records: Vec<FaultRecord>,
}

impl<'s> Backends<'s> {
    /// Idle backends.
    pub fn new(setup: &'s Setup) -> Self {
        let station = |_| Station::new(setup.capacity, setup.service_time);
        let record = |window: &FaultWindow| FaultRecord { name: window.name.clone(), ..FaultRecord::default() };
        Self {
            plan: &setup.backend,
            stations: (0..setup.backends).map(station).collect(),
            alarms: vec![None; setup.backends as usize],
            active: None,
            left: Vec::new(),
            series: BackendSeries::default(),
            records: setup.backend.faults.iter().map(record).collect(),
        }
    }

    /// The fault that strikes an attempt, if one does. If a window is in effect the attempt counts as exposed.
    fn struck_by(&mut self, serial: u64, attempt: u32) -> Option<&'s FaultKind> {
        let window = self.active?;
        let kind = &self.plan.faults[window].kind;
        let struck = kind.permille() >= 1_000 || roll(self.plan.seed, serial, attempt) < kind.permille();
        let record = &mut self.records[window];
        record.exposed += 1;
        record.affected += u64::from(struck);
        struck.then_some(kind)
    }
}

impl Engine<'_> {
    /// An attempt reaches its peer.
    pub fn receive(&mut self, now: Nanos, key: Key) {
        if self.pass_on(now, key) {
            return;
        }
        let Some(attempt) = self.attempts.get(key) else { return };
        let (serial, number) = (attempt.serial, attempt.number());
        self.backends.series.received.add(now / 1_000);
        let delay = match self.backends.struck_by(serial, number) {
            Some(&FaultKind::Error { status, .. }) => {
                self.backends.series.injected.add(now / 1_000);
                return self.depart(now, key, status);
            }
            Some(&FaultKind::Latency { delay_ms, .. }) => Duration::from_millis(delay_ms),
            Some(FaultKind::Freeze) | None => Duration::ZERO,
        };
        let backend = spread(self.setup.backends, self.setup.backend.seed, serial.wrapping_mul(32) + u64::from(number));
        self.at_station(now, backend as usize, |station, now, left| station.take(now, delay, key, left));
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
        if begins {
            *active = Some(window);
            records[window].started_us = Some(now / 1_000);
        } else {
            active.take_if(|other| *other == window);
            records[window].ended_us = Some(now / 1_000);
        }
        let frozen = active.is_some_and(|window| plan.faults[window].kind == FaultKind::Freeze);
        for station in 0..stations.len() {
            self.at_station(now, station, |station, now, left| station.set_frozen(now, frozen, left));
        }
    }

    /// Does something at a station; sees off who has left, and plans to look again when the next thing is due.
    fn at_station(
        &mut self,
        now: Nanos,
        number: usize,
        act: impl FnOnce(&mut Station<Key>, Duration, &mut Vec<Departure<Key>>),
    ) {
        let mut left = std::mem::take(&mut self.backends.left);
        let station = &mut self.backends.stations[number];
        act(station, Duration::from_nanos(now), &mut left);
        let next = station.next_event().map(|at| at.as_nanos() as Nanos);
        let alarm = &mut self.backends.alarms[number];
        if let Some(at) = next.filter(|&at| alarm.is_none_or(|planned| at < planned)) {
            *alarm = Some(at);
            self.calendar.plan(Lane::Stations, at, Event::Station(number as u32));
        }
        for departure in left.drain(..) {
            self.see_off(now, &departure);
        }
        self.backends.left = left;
    }

    fn see_off(&mut self, now: Nanos, departure: &Departure<Key>) {
        let series = &mut self.backends.series;
        match *departure {
            Departure::Served { request, .. } => {
                series.completed.add(now / 1_000);
                if self.attempts.get(request).is_none_or(|attempt| attempt.is_abandoned(now, self.network)) {
                    series.wasted.add(now / 1_000);
                }
                self.depart(now, request, 200);
            }
            Departure::Rejected(request) => {
                series.rejected.add(now / 1_000);
                self.depart(now, request, 503);
            }
        }
    }
}
