//! The engine's time: nanoseconds after the run's start, negative before it.

use std::time::Instant;

pub use retrylab_core::load::{MILLISECOND, Nanos};
use retrylab_runtime::RunClock;

/// A [`RunClock`] with a grain of nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct EngineClock {
    anchor: Instant,
    anchor_ns: Nanos,
}

impl From<RunClock> for EngineClock {
    fn from(clock: RunClock) -> Self {
        Self { anchor: Instant::now(), anchor_ns: clock.signed_us() * 1_000 }
    }
}

impl EngineClock {
    /// The run's time now.
    pub fn now(&self) -> Nanos {
        self.anchor_ns + self.anchor.elapsed().as_nanos() as Nanos
    }
}

/// The microseconds that the counts are kept in; nothing that is counted happens before the start.
pub fn to_us(at: Nanos) -> u64 {
    (at / 1_000).max(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_and_the_run_tell_the_same_time() {
        for starts_in_ms in [-5_000, 0, 5_000] {
            let run = RunClock::starting_in(starts_in_ms);
            let engine = EngineClock::from(run);
            let (before, between, after) = (run.signed_us(), engine.now().div_euclid(1_000), run.signed_us());
            assert!((before - 1..=after).contains(&between), "{before} {between} {after}");
        }
    }
}
