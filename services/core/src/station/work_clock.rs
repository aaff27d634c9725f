//! Two times: now, as it passes, and work time, which stands still while work is frozen.
//!
//! A request has been served once work time has moved on by the service time. So a freeze that begins or ends in
//! mid-service, planned or by hand, holds every request up by exactly as long as it lasted.

use std::{ops::Add, time::Duration};

/// A moment in work time. Moments of plain time are `Duration`s since the backend's start; the two can't be swapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkTime(Duration);

impl Add<Duration> for WorkTime {
    type Output = Self;

    fn add(self, work: Duration) -> Self {
        Self(self.0 + work)
    }
}

/// Translates between the two times, for moments since the last change.
#[derive(Debug, Default)]
pub struct WorkClock {
    /// How long work has been frozen in all, the freeze under way not included.
    frozen: Duration,
    /// When the freeze under way began.
    since: Option<Duration>,
}

impl WorkClock {
    /// The work time at a moment.
    pub fn at(&self, now: Duration) -> WorkTime {
        WorkTime(self.since.unwrap_or(now).saturating_sub(self.frozen))
    }

    /// The moment at which a work time is reached; `None`: not before the freeze ends.
    pub fn moment(&self, work: WorkTime) -> Option<Duration> {
        if self.since.is_some() { None } else { Some(work.0 + self.frozen) }
    }

    /// Whether work time stands still.
    pub const fn is_frozen(&self) -> bool {
        self.since.is_some()
    }

    /// Stops work time, or starts it again; nothing if it is that way already.
    pub fn set_frozen(&mut self, now: Duration, frozen: bool) {
        if frozen {
            self.since.get_or_insert(now);
        } else if let Some(since) = self.since.take() {
            self.frozen += now.saturating_sub(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn work_time_stands_still_while_frozen_and_goes_on_from_there() {
        let mut clock = WorkClock::default();
        clock.set_frozen(ms(100), true);
        clock.set_frozen(ms(150), true);
        assert_eq!(clock.at(ms(190)), WorkTime(ms(100)));
        assert_eq!(clock.moment(WorkTime(ms(120))), None);
        clock.set_frozen(ms(200), false);
        clock.set_frozen(ms(250), false);
        assert_eq!(clock.at(ms(300)), WorkTime(ms(200)));
        assert_eq!(clock.moment(WorkTime(ms(120))), Some(ms(220)));
    }
}
