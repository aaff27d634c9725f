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
/// After so long without a report the addresses that are known must do.
const PATIENCE: Nanos = 200 * MILLISECOND;

type Report = io::Result<Vec<SocketAddr>>;

/// The target's addresses, as of the last time that they were asked for.
#[derive(Debug)]
pub struct Resolver {
    target: String,
    addresses: Vec<SocketAddr>,
    /// Those to which no connection has failed since the last report: a target has several addresses when it has
    /// several pods, or one of each family of which only one is served.
    good: Vec<SocketAddr>,
    /// Which of them is next.
    next: usize,
    state: State,
    wanted_at: Nanos,
    asked_at: Nanos,
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
            good: Vec::new(),
            next: 0,
            state: State::Wanted,
            wanted_at: Nanos::MIN / 2,
            asked_at: Nanos::MIN / 2,
            reports: channel(),
            waker,
        }
    }

    /// The address for the next connection: one good one after the other.
    pub fn next_address(&mut self) -> Option<SocketAddr> {
        self.next = self.next.wrapping_add(1);
        self.good.get(self.next % self.good.len().max(1)).copied()
    }

    /// Whether there is an address at all.
    pub const fn knows(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Whether there is an address to which no connection has failed.
    pub const fn is_sure(&self) -> bool {
        !self.good.is_empty()
    }

    /// No connection could be opened to an address: the target may be somewhere else by now, so DNS is asked again.
    pub fn failed(&mut self, address: SocketAddr, now: Nanos) {
        self.good.retain(|&good| good != address);
        self.want(now);
    }

    /// When to call [`Self::turn`] again, whatever else happens.
    pub fn next_at(&self) -> Option<Nanos> {
        let ask = (self.state == State::Wanted).then_some(self.asked_at + PAUSE);
        let make_do = (self.knows() && !self.is_sure()).then_some(self.wanted_at + PATIENCE);
        ask.into_iter().chain(make_do).min()
    }

    /// Asks, if that is wanted and due. Gives whether a report has come in since the last time.
    pub fn turn(&mut self, now: Nanos) -> bool {
        if self.state == State::Wanted && now >= self.asked_at + PAUSE {
            self.ask(now);
        }
        let report = self.reports.1.try_recv();
        if report.is_err() && !self.is_sure() && now >= self.wanted_at + PATIENCE {
            self.good.clone_from(&self.addresses);
        }
        let Ok(report) = report else { return false };
        self.state = State::Content;
        match report {
            Ok(addresses) if !addresses.is_empty() => self.addresses = addresses,
            Ok(_) => tracing::warn!(target = self.target, "the target has no address"),
            Err(e) => tracing::warn!(target = self.target, "cannot resolve the target: {e}"),
        }
        self.good.clone_from(&self.addresses);
        if !self.knows() {
            self.want(now);
        }
        true
    }

    fn want(&mut self, now: Nanos) {
        self.wanted_at = now;
        if self.state == State::Content {
            self.state = State::Wanted;
        }
    }

    fn ask(&mut self, now: Nanos) {
        (self.state, self.asked_at) = (State::Asked, now);
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
    use std::net::{IpAddr, Ipv4Addr};

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

    const A: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    const B: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2);

    fn next_two(resolver: &mut Resolver) -> Vec<SocketAddr> {
        let mut next: Vec<_> = (0..2).filter_map(|_| resolver.next_address()).collect();
        next.sort_unstable();
        next
    }

    #[test]
    fn an_address_is_its_own_name_and_a_report_wakes_the_engine() {
        let (mut resolver, _poller) = turn_until_reported("127.0.0.1:1");
        assert_eq!((resolver.next_address(), resolver.next_at()), (Some(A), None));
    }

    #[test]
    fn a_name_that_cannot_be_resolved_is_tried_again_after_a_pause() {
        let (mut resolver, _poller) = turn_until_reported("[not an address]:1");
        assert_eq!((resolver.next_address(), resolver.next_at()), (None, Some(PAUSE)));
        assert!(!resolver.turn(PAUSE - 1));
        assert_eq!(resolver.state, State::Wanted);
        resolver.turn(PAUSE);
        assert_ne!(resolver.asked_at, 0);
    }

    #[test]
    fn several_addresses_take_turns_and_one_that_fails_is_left_out_until_dns_reports() {
        let (mut resolver, mut poller) = turn_until_reported("127.0.0.1:1");
        resolver.good = vec![A, B];
        assert_eq!(next_two(&mut resolver), [A, B]);
        resolver.failed(A, PAUSE);
        assert_eq!(next_two(&mut resolver), [B, B]);
        resolver.failed(B, PAUSE);
        assert_eq!((resolver.next_address(), resolver.is_sure()), (None, false));
        while !resolver.turn(PAUSE) {
            poller.wait(Wait::Forever, &mut Vec::new()).unwrap();
        }
        assert_eq!(next_two(&mut resolver), [A, A]);
    }

    #[test]
    fn without_a_report_the_addresses_that_are_known_must_do_but_only_after_a_while() {
        let (mut resolver, _poller) = turn_until_reported("127.0.0.1:1");
        resolver.failed(A, 0);
        resolver.state = State::Asked; // of a DNS that doesn't answer
        assert_eq!(resolver.next_at(), Some(PATIENCE));
        assert!(!resolver.turn(PATIENCE - 1) && !resolver.is_sure());
        assert!(!resolver.turn(PATIENCE) && resolver.is_sure());
        assert_eq!(resolver.next_at(), None);
    }
}
