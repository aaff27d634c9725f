//! The model by hand and by law, on times that are only numbers.

mod by_hand;
mod collapse;
mod laws;

use std::{cell::Cell, rc::Rc, time::Duration};

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A request whose client waits until the test says otherwise.
#[derive(Clone, Debug)]
struct Visit {
    number: u32,
    has_gone: Rc<Cell<bool>>,
}

impl Awaited for Visit {
    fn is_awaited(&self) -> bool {
        !self.has_gone.get()
    }
}

/// A station and what has left it.
struct Bench {
    model: BackendModel,
    station: Station<Visit>,
    left: Vec<Departure<Visit>>,
    visits: Vec<(Visit, Ticket)>,
}

impl Bench {
    fn new(model: BackendModel) -> Self {
        Self { station: Station::new(&model), model, left: Vec::new(), visits: Vec::new() }
    }

    /// Constant service of 10 ms.
    fn plain(concurrency: u32, queue: u32) -> Self {
        Self::new(BackendModel::plain(concurrency, queue, 10_000))
    }

    /// The next request arrives, numbered from 0.
    fn take(&mut self, at_ms: u64) {
        self.arrive(ms(at_ms), Duration::ZERO, None);
    }

    fn delay(&mut self, at_ms: u64, by_ms: u64) {
        self.arrive(ms(at_ms), ms(by_ms), None);
    }

    fn take_until(&mut self, at_ms: u64, expires_ms: u64) {
        self.arrive(ms(at_ms), Duration::ZERO, Some(ms(expires_ms)));
    }

    fn arrive(&mut self, at: Duration, delay: Duration, expires: Option<Duration>) {
        let number = self.visits.len() as u32;
        let chance = Chance { seed: 11, serial: u64::from(number), attempt: 1 };
        let visit = Visit { number, has_gone: Rc::default() };
        let arrival = Arrival { delay, expires, lot: self.model.lot(|| chance.service()) };
        let ticket = self.station.take(at, arrival, visit.clone(), &mut self.left);
        self.visits.push((visit, ticket));
    }

    /// The client of a request goes away.
    fn disconnect(&mut self, at_ms: u64, number: usize) {
        let (visit, ticket) = &self.visits[number];
        visit.has_gone.set(true);
        self.station.disconnect(ms(at_ms), *ticket, &mut self.left);
    }

    fn fault(&mut self, at_ms: u64, fault: Option<&FaultKind>) {
        self.station.set_fault(ms(at_ms), fault, &mut self.left);
    }

    fn freeze(&mut self, at_ms: u64) {
        self.fault(at_ms, Some(&FaultKind::Freeze));
    }

    /// Who has left by `at_ms` and not before: its number, how, and when in ms.
    fn left_by(&mut self, at_ms: u64) -> Vec<(u32, &'static str, u64)> {
        self.station.advance(ms(at_ms), &mut self.left);
        self.left.drain(..).map(|d| (d.request.number, d.end.as_str(), d.at.as_millis() as u64)).collect()
    }
}
