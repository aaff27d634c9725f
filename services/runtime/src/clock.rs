//! A run's own clock: offsets from its start, on this process's monotonic clock.

use std::time::{Duration, Instant};

/// Tells a run's time. The start may lie ahead, or (for a service that takes up what is left) behind.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    /// The moment of the hand-over …
    anchor: Instant,
    /// … and the run's time at it, in microseconds: negative before the start.
    anchor_us: i64,
}

impl RunClock {
    /// The clock of a run that starts in `starts_in_ms` milliseconds from now.
    pub fn starting_in(starts_in_ms: i64) -> Self {
        Self { anchor: Instant::now(), anchor_us: -starts_in_ms * 1_000 }
    }

    /// Microseconds since the start; negative before it.
    pub fn signed_us(&self) -> i64 {
        self.anchor_us + self.anchor.elapsed().as_micros() as i64
    }

    /// Microseconds since the start; 0 before it.
    pub fn now_us(&self) -> u64 {
        self.signed_us().max(0) as u64
    }

    /// Whether the start lies behind.
    pub fn has_started(&self) -> bool {
        self.signed_us() >= 0
    }

    /// How far into the run this service was handed it, in microseconds: 0 for a whole run.
    pub fn joined_at_us(&self) -> u64 {
        self.anchor_us.max(0) as u64
    }

    /// The moment `offset` after the start; now, if that has passed.
    pub fn moment(&self, offset: Duration) -> Instant {
        let ahead_us = offset.as_micros() as i64 - self.anchor_us;
        self.anchor + Duration::from_micros(ahead_us.max(0) as u64) + sub_microsecond(offset)
    }
}

/// What a microsecond grain would cut off.
const fn sub_microsecond(offset: Duration) -> Duration {
    Duration::from_nanos((offset.subsec_nanos() % 1_000) as u64)
}
