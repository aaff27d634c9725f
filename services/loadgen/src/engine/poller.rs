//! What the engine waits for: sockets, a timer of the operating system, and a wake-up from another thread. Linux's
//! epoll, timerfd and eventfd.
//!
//! The timer is a timerfd because nothing else is as exact: the timeout of epoll may be late by the thread's timer slack
//! (50 µs), and that of a general runtime has a grain of 1 ms.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    event::{
        EventfdFlags,
        epoll::{self, CreateFlags, EventData, EventFlags},
        eventfd,
    },
    io::Errno,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime},
};

use super::clock::Nanos;

const TIMER: u64 = u64::MAX;
const WAKER: u64 = u64::MAX - 1;
/// Most events that one wait gives.
const MAX_EVENTS: usize = 256;
const ZERO: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// An event of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// What the socket was registered under.
    pub token: u64,
    /// There is something to read: bytes, the end, or an error.
    pub readable: bool,
    /// There is room to write, or the connection stands.
    pub writable: bool,
    /// The peer sends nothing any more.
    pub closing: bool,
}

/// How long to wait at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until this moment, which lies so far ahead.
    Until { at: Nanos, ahead: Nanos },
    /// Until something happens.
    Forever,
}

/// Wakes the poller, from any thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// Ends the poller's wait, the one that it is in or else the next one.
    pub fn wake(&self) {
        // It fails only when the counter is full, and then the poller is awake.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}

/// Waits for all of it.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// What the timer is set to.
    timer_at: Option<Nanos>,
    waker: Waker,
}

impl Poller {
    /// A poller that watches nothing yet.
    ///
    /// # Errors
    /// When the operating system has no more descriptors.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let waker = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        // Edge-triggered, so that neither ever has to be read: each expiration and each wake-up is an edge.
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        epoll::add(&epoll, &waker, EventData::new_u64(WAKER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self { epoll, timer, timer_at: None, waker: Waker(Arc::new(waker)) })
    }

    /// What wakes this poller.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Watches a socket, for good: edge-triggered, until it is closed.
    ///
    /// # Errors
    /// When the operating system can't watch any more.
    pub fn watch(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token), flags)?)
    }

    /// Waits until something happens or the time has passed; adds what happened to sockets to `happened`.
    ///
    /// # Errors
    /// When the operating system refuses, which it doesn't while the descriptors are valid.
    pub fn wait(&mut self, wait: Wait, happened: &mut Vec<Readiness>) -> io::Result<()> {
        let timeout = match wait {
            Wait::No => Some(&ZERO),
            Wait::Until { at, ahead } => {
                // After an answer the timer is mostly still set to what comes next.
                if self.timer_at != Some(at) {
                    self.set_timer(ahead)?;
                    self.timer_at = Some(at);
                }
                None
            }
            Wait::Forever => None,
        };
        let mut events = [const { MaybeUninit::uninit() }; MAX_EVENTS];
        let events = match epoll::wait(&self.epoll, &mut events, timeout) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        if events.iter().any(|event| event.data.u64() == TIMER) {
            self.timer_at = None;
        }
        let sockets = events.iter().filter(|event| event.data.u64() < WAKER);
        happened.extend(sockets.map(|event| {
            let flags = event.flags;
            let closing = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            Readiness {
                token: event.data.u64(),
                readable: closing || flags.contains(EventFlags::IN),
                writable: flags.contains(EventFlags::OUT),
                closing,
            }
        }));
        Ok(())
    }

    /// Sets the timer. An earlier setting is overwritten; one that is left behind wakes the poller for nothing, once.
    fn set_timer(&self, ahead: Nanos) -> io::Result<()> {
        let ns = ahead.max(1); // zero would switch it off
        let value = Timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: ZERO, it_value: value })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
        time::{Duration, Instant},
    };

    use super::*;

    /// Waits until `at`, seen from `now`; gives what happened to sockets and how long it took.
    fn wait(poller: &mut Poller, now: Nanos, at: Nanos) -> (Vec<Readiness>, Duration) {
        let (begun, mut happened) = (Instant::now(), Vec::new());
        poller.wait(Wait::Until { at, ahead: at - now }, &mut happened).unwrap();
        (happened, begun.elapsed())
    }

    #[test]
    fn a_wait_is_no_shorter_than_asked_for_and_not_rounded_to_milliseconds() {
        let mut poller = Poller::new().unwrap();
        let shortest = (0..40).map(|i| wait(&mut poller, i, i + 1_200_000).1).min().unwrap();
        assert!((1_200..1_800).contains(&shortest.as_micros()), "{shortest:?}");
    }

    #[test]
    fn a_wait_goes_on_after_an_interruption_and_the_next_one_is_set_anew() {
        let mut poller = Poller::new().unwrap();
        poller.waker().wake();
        let (_, interrupted) = wait(&mut poller, 0, 5_000_000);
        let (_, rest) = wait(&mut poller, interrupted.as_nanos() as Nanos, 5_000_000);
        assert!((interrupted + rest).as_micros() >= 5_000, "{interrupted:?} and {rest:?}");
        let (_, another) = wait(&mut poller, 5_000_000, 10_000_000);
        assert!(another.as_micros() >= 5_000, "{another:?}");
    }

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let mut poller = Poller::new().unwrap();
        for _ in 0..3 {
            poller.waker().wake();
            poller.wait(Wait::Forever, &mut Vec::new()).unwrap();
        }
    }

    #[test]
    fn a_socket_says_when_it_can_be_written_read_and_when_it_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut poller = Poller::new().unwrap();
        poller.watch(&socket, 7).unwrap();
        let mut next = || {
            let (mut happened, _) = wait(&mut poller, 0, 5_000_000_000);
            let event = happened.pop().unwrap();
            (event.token, event.readable, event.writable, event.closing)
        };
        assert_eq!(next(), (7, false, true, false));
        peer.write_all(b"x").unwrap();
        assert_eq!(next(), (7, true, true, false));
        drop(peer);
        assert_eq!(next(), (7, true, true, true));
    }
}
