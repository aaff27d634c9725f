//! How a request gets onto a connection: an idle one, or a new one, or the next one that is free, or not at all.
//!
//! A request is sent once. Until a byte of it has been written it can go to any connection; from then on it may have
//! reached the peer, and it ends on the connection that it is on.

use std::net::SocketAddr;

use retrylab_core::load::Due;

use super::{
    Engine, LAUNCHES_AT_ONCE, MAX_WAIT, OPEN_AHEAD, Waiting,
    clock::{Nanos, to_us},
    connection::Connection,
    deadlines::Deadline,
    pool::Token,
};
use crate::books::Entry;

/// A connection that was idle for longer than this is asked whether the peer has closed it. For one that has just
/// brought an answer that isn't worth a system call: what the poller knows of it is as young.
const TRUSTED: Nanos = 200_000;

impl Engine {
    /// Sends what is due, some of it if it is much.
    pub(super) fn launch_due(&mut self) {
        for _ in 0..LAUNCHES_AT_ONCE {
            let now = self.clock.now();
            let Some(due) = self.agenda.take_due(now) else { return };
            self.launch(due, now);
        }
    }

    fn launch(&mut self, due: Due, now: Nanos) {
        // Every round takes a connection from the stack.
        while let Some((token, since)) = self.pool.take_idle() {
            let usable = now - since < TRUSTED || self.pool.get(token).is_some_and(|c| c.is_usable());
            if usable && self.send(token, due) {
                return;
            }
            self.pool.close(token);
        }
        if self.waiting.len() + self.pool.busy() >= self.pool.max() {
            self.drop_request(due);
            return;
        }
        self.waiting.push_back(Waiting { due, until: now + self.timeout.min(MAX_WAIT), reports: self.reports });
        self.open_for_waiting(now);
    }

    /// Writes a request to a connection; gives whether any of it was written.
    fn send(&mut self, token: Token, due: Due) -> bool {
        let due_us = to_us(due.at);
        let request = self.template.request(due_us, due.serial);
        let Some(connection) = self.pool.get(token) else { return false };
        let now = self.clock.now();
        if !connection.write(request) {
            return false;
        }
        self.journal.note(Entry::Sent { due_us, at_us: to_us(now) });
        self.pool.begin(token, due);
        let deadline = Deadline { at: now + self.timeout, token, serial: due.serial };
        let under_way = self.pool.busy();
        self.deadlines.add(deadline, under_way, |d| self.pool.request(d.token).is_some_and(|r| r.serial == d.serial));
        true
    }

    /// A connection is free: it carries the request that has waited longest, or rests.
    pub(super) fn put_to_use(&mut self, token: Token) {
        if let Some(first) = self.waiting.pop_front() {
            if !self.send(token, first.due) {
                self.pool.close(token);
                self.waiting.push_front(first);
            }
        } else {
            self.pool.rest(token, self.clock.now());
        }
    }

    /// Begins to open a connection, if it is known where to.
    fn open(&mut self) {
        let Some(address) = self.resolver.next_address() else { return };
        let opened = Connection::open(address).and_then(|connection| {
            let token = self.pool.insert(connection);
            let watched = self.pool.get(token).map_or(Ok(()), |connection| self.poller.watch(connection, token.into()));
            watched.inspect_err(|_| self.pool.close(token))
        });
        if let Err(e) = opened {
            tracing::debug!("cannot open a connection: {e}");
            self.could_not_open(address);
        }
    }

    /// A connection could not be opened. Whoever waits may wait for another address, or for DNS to be asked again; but
    /// when none is left, those who have waited since before DNS was asked the last time are dropped, unless another
    /// connection is still being opened that they could have.
    pub(super) fn could_not_open(&mut self, address: SocketAddr) {
        self.resolver.failed(address, self.clock.now());
        while !self.resolver.is_sure()
            && self.waiting.len() > self.pool.opening()
            && let Some(&Waiting { due, .. }) = self.waiting.front().filter(|first| first.reports < self.reports)
        {
            self.waiting.pop_front();
            self.drop_request(due);
        }
    }

    /// Opens connections for those who wait and have none under way, as far as that is allowed now.
    pub(super) fn open_for_waiting(&mut self, now: Nanos) {
        if !self.lacks_connections() || !self.pace.allows(now) {
            return;
        }
        // Not all at once, or the answers that are there would look like none.
        let mut rounds = 0..LAUNCHES_AT_ONCE;
        while self.lacks_connections() && rounds.next().is_some() {
            self.open();
        }
        self.pace.spend(self.clock.now() - now);
    }

    /// Whether more requests wait than connections are being opened, and more can be.
    pub(super) fn lacks_connections(&self) -> bool {
        self.waiting.len() > self.pool.opening() && !self.pool.is_full() && self.resolver.is_sure()
    }

    /// DNS has been asked. Those who wait for an address have waited long enough if there is none.
    pub(super) fn heed_report(&mut self) {
        self.reports += 1;
        if !self.resolver.knows() {
            while let Some(first) = self.waiting.pop_front() {
                self.drop_request(first.due);
            }
        }
    }

    /// Opens connections before the run's start.
    pub(super) fn open_ahead(&mut self, now: Nanos) {
        if self.ahead > 0 && self.resolver.is_sure() && now >= -OPEN_AHEAD {
            for _ in 0..std::mem::take(&mut self.ahead) {
                self.open();
            }
        }
    }

    /// A request can't be sent.
    pub(super) fn drop_request(&mut self, due: Due) {
        let now = self.clock.now();
        let (due_us, by_user) = (to_us(due.at), due.user.is_some());
        self.journal.note(Entry::Dropped { due_us, at_us: to_us(now), by_user });
        self.agenda.dropped(&due, now);
    }
}
