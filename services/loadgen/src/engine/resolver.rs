//! Where the target is. Names are resolved on threads of their own, one at a time: the engine never waits for DNS.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::{
    clock::{MILLISECOND, Nanos},
    poller::Waker,
};

/// Least time between two requests to DNS.
const PAUSE: Nanos = 50 * MILLISECOND;

type Report = io::Result<Vec<SocketAddr>>;

/// The target's addresses, as of the last time that they were asked for.
#[derive(Debug)]
pub struct Resolver {
    target: String,
    addresses: Vec<SocketAddr>,
    /// Which of them is next.
    turn: usize,
    state: State,
    last_asked: Option<Nanos>,
    reports: (Sender<Report>, Receiver<Report>),
    waker: Waker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Content,
    Wanted,
    Asked,
}

impl Resolver {
    /// A resolver of `target` (`host:port`) that has not asked yet; `waker` is woken with every report.
    pub fn new(target: &str, waker: Waker) -> Self {
        Self {
            target: target.to_owned(),
            addresses: Vec::new(),
            turn: 0,
            state: State::Wanted,
            last_asked: None,
            reports: channel(),
            waker,
        }
    }

    /// The address for the next connection: one after the other, if there are several.
    pub fn next_address(&mut self) -> Option<SocketAddr> {
        self.turn = self.turn.wrapping_add(1);
        self.addresses.get(self.turn % self.addresses.len().max(1)).copied()
    }

    /// Whether there is an address.
    pub const fn knows(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Whether there is an address, and nobody wants to know whether it still holds.
    pub fn is_sure(&self) -> bool {
        self.knows() && self.state == State::Content
    }

    /// Has the addresses asked for again; nothing if that is under way.
    pub const fn want(&mut self) {
        if matches!(self.state, State::Content) {
            self.state = State::Wanted;
        }
    }

    /// When to call [`Self::turn`] again, whatever else happens.
    pub fn next_at(&self) -> Option<Nanos> {
        (self.state == State::Wanted).then(|| self.last_asked.map_or(Nanos::MIN, |asked| asked + PAUSE))
    }

    /// Asks, if that is wanted and due. Gives whether a report has come in since the last time.
    pub fn turn(&mut self, now: Nanos) -> bool {
        if self.next_at().is_some_and(|at| at <= now) {
            self.ask(now);
        }
        if self.state != State::Asked {
            return false;
        }
        let Ok(report) = self.reports.1.try_recv() else { return false };
        self.state = State::Content;
        match report {
            Ok(addresses) if !addresses.is_empty() => self.addresses = addresses,
            Ok(_) => tracing::warn!(target = self.target, "the target has no address"),
            Err(e) => tracing::warn!(target = self.target, "cannot resolve the target: {e}"),
        }
        if !self.knows() {
            self.want();
        }
        true
    }

    fn ask(&mut self, now: Nanos) {
        (self.state, self.last_asked) = (State::Asked, Some(now));
        let (target, sender, waker) = (self.target.clone(), self.reports.0.clone(), self.waker.clone());
        let asking = thread::Builder::new().name("resolver".into()).spawn(move || {
            // Nobody listens any more when the run is over.
            let _ = sender.send(target.to_socket_addrs().map(Iterator::collect));
            waker.wake();
        });
        if let Err(e) = asking {
            let _ = self.reports.0.send(Err(e));
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::poller::{Poller, Wait};

    fn turn_until_reported(target: &str) -> (Resolver, Poller) {
        let mut poller = Poller::new().unwrap();
        let mut resolver = Resolver::new(target, poller.waker());
        while !resolver.turn(0) {
            poller.wait(Wait::Forever, &mut Vec::new()).unwrap();
        }
        (resolver, poller)
    }

    #[test]
    fn an_address_is_its_own_name_and_a_report_wakes_the_engine() {
        let (mut resolver, _poller) = turn_until_reported("127.0.0.1:9");
        assert_eq!(resolver.next_address(), Some(([127, 0, 0, 1], 9).into()));
        assert_eq!(resolver.next_at(), None);
    }

    #[test]
    fn a_name_that_cannot_be_resolved_is_tried_again_after_a_pause() {
        let (mut resolver, _poller) = turn_until_reported("[not an address]:9");
        assert_eq!((resolver.next_address(), resolver.next_at()), (None, Some(PAUSE)));
        assert!(!resolver.turn(PAUSE - 1));
        assert_eq!(resolver.next_at(), Some(PAUSE));
    }

    #[test]
    fn several_addresses_take_turns() {
        let (mut resolver, _poller) = turn_until_reported("127.0.0.1:9");
        resolver.addresses = vec![([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()];
        let ports: Vec<_> = (0..4).filter_map(|_| resolver.next_address()).map(|a| a.port()).collect();
        assert!(ports == [1, 2, 1, 2] || ports == [2, 1, 2, 1], "{ports:?}");
    }
}
