//! A timer to some ten microseconds: Linux's timerfd.
//!
//! tokio's own timer has a grain of 1 ms and rounds up, which would make a service time of 5 ms one of 5.5 to 6 ms, and
//! by how much would depend on the load. Nothing but service ends by this timer; where a millisecond is nothing (the
//! edges of a fault) tokio's is used.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

/// A timer of the operating system, for one waiter.
#[derive(Debug)]
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// A timer that isn't set.
    ///
    /// # Errors
    /// When the operating system has no more of them.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "it asks for a type whose descriptor never changes, which an OwnedFd is; its \
            successor says so with `unsafe`, which this workspace forbids"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Waits. May end early (when an earlier wait was given up just as it ended), so the caller looks at the clock.
    pub async fn after(&self, wait: Duration) {
        if let Err(e) = self.try_after(wait).await {
            tracing::error!("cannot set a timer, service times are rounded up to milliseconds: {e}");
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_after(&self, wait: Duration) -> io::Result<()> {
        let wait = wait.max(Duration::from_nanos(1)); // zero would switch the timer off
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let when = Itimerspec { it_interval: once, it_value: value };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &when)?;
        // The count of expirations is never read: setting the timer anew resets it, and each expiration is a new event.
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_wait_is_no_shorter_than_asked_for_and_not_rounded_to_milliseconds() {
        let alarm = Alarm::new().unwrap();
        let mut shortest = Duration::MAX;
        // On a busy machine this process may have to wait for its turn; once in 30 times it doesn't.
        for _ in 0..30 {
            let begun = Instant::now();
            alarm.after(Duration::from_micros(1_200)).await;
            shortest = shortest.min(begun.elapsed());
        }
        assert!((1_200..1_800).contains(&shortest.as_micros()), "{shortest:?}");
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_end_the_next_one_for_good() {
        let alarm = Alarm::new().unwrap();
        let begun = Instant::now();
        tokio::select! {
            biased;
            () = alarm.after(Duration::from_micros(1)) => {}
            () = std::future::ready(()) => {}
        }
        while begun.elapsed() < Duration::from_millis(3) {
            alarm.after(Duration::from_millis(3).saturating_sub(begun.elapsed())).await;
        }
        assert!(begun.elapsed() < Duration::from_millis(50));
    }
}
