//! One fault window of a run as it happens: when it took effect, when it ended, whom it met.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use retrylab_core::{fault::FaultWindow, wire::FaultRecord};
use retrylab_runtime::RunClock;

/// A window with its record.
#[derive(Debug)]
pub struct Window {
    /// The window as planned.
    pub plan: FaultWindow,
    clock: RunClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    record: FaultRecord,
    /// It has ended, or will never begin.
    over: bool,
}

impl Window {
    /// A window that has not begun.
    pub fn new(plan: FaultWindow, clock: RunClock) -> Self {
        let record = FaultRecord { name: plan.name.clone(), ..FaultRecord::default() };
        Self { plan, clock, state: Mutex::new(State { record, over: false }) }
    }

    /// It takes effect now. False: it is over.
    pub fn start(&self) -> bool {
        let mut state = self.lock();
        if !state.over {
            state.record.started_us = Some(self.clock.now_us());
            state.record.started_unix_us =
                SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_micros() as u64);
        }
        !state.over
    }

    /// It ends now. If it has not begun it never will; if it is over nothing changes.
    pub fn end(&self) {
        let mut state = self.lock();
        if !state.over && state.record.started_us.is_some() {
            state.record.ended_us = Some(self.clock.now_us());
        }
        state.over = true;
    }

    /// A request of the run arrived while it was in effect.
    pub fn expose(&self, struck: bool) {
        let mut state = self.lock();
        state.record.exposed += 1;
        state.record.affected += u64::from(struck);
    }

    /// Whether it is in effect.
    pub fn is_on(&self) -> bool {
        let state = self.lock();
        state.record.started_us.is_some() && !state.over
    }

    /// What it did so far.
    pub fn record(&self) -> FaultRecord {
        self.lock().record.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use retrylab_core::fault::FaultKind;

    use super::*;

    fn window() -> Window {
        let plan = FaultWindow { name: "w".into(), at_ms: 0, for_ms: 1, kind: FaultKind::Freeze, restart: false };
        Window::new(plan, RunClock::starting_in(0))
    }

    #[test]
    fn a_window_that_was_ended_before_it_began_never_begins() {
        let window = window();
        window.end();
        assert!(!window.start());
        assert_eq!((window.record().started_us, window.record().ended_us), (None, None));
    }

    #[test]
    fn a_window_ends_once() {
        let window = window();
        assert!(window.start());
        window.end();
        let record = window.record();
        std::thread::sleep(std::time::Duration::from_millis(1));
        window.end();
        assert!(record.ended_us.is_some() && record == window.record());
    }
}
