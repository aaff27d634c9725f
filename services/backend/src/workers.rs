//! The station in real time: one lock, and one task that wakes when the next thing is due.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use retrylab_core::{
    fault::FaultKind,
    station::{Arrival, BackendModel, Departure, Lot, Station, Ticket},
};
use tokio::{sync::Notify, task::JoinSet};

use crate::{alarm::Alarm, job::Job};

/// The backend's workers and their queue. Dropping it ends its task.
#[derive(Debug)]
pub struct Workers {
    floor: Arc<Floor>,
    _driver: JoinSet<()>,
}

#[derive(Debug)]
struct Floor {
    opened: Instant,
    state: Mutex<State>,
    /// Told when something became due before the driver would wake.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    station: Station<Job>,
    /// When the driver will wake.
    alarm: Option<Duration>,
}

impl Workers {
    /// Idle workers. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the operating system has no timer.
    pub fn new(model: &BackendModel) -> io::Result<Self> {
        let state = State { station: Station::new(model), alarm: None };
        let floor = Arc::new(Floor { opened: Instant::now(), state: Mutex::new(state), sooner: Notify::new() });
        let mut driver = JoinSet::new();
        driver.spawn(drive(Arc::clone(&floor), Alarm::new()?));
        Ok(Self { floor, _driver: driver })
    }

    /// Takes a job that arrives after `delay`, and whose client waits for `patience` from now, if it has said so.
    pub fn take(&self, job: Job, delay: Duration, patience: Option<Duration>, lot: Lot) -> Ticket {
        self.floor.act(|station, now, left| {
            let arrival = Arrival { delay, expires: patience.map(|patience| now + patience), lot };
            station.take(now, arrival, job, left)
        })
    }

    /// The client of a job has gone.
    pub fn disconnect(&self, ticket: Ticket) {
        self.floor.act(|station, now, left| station.disconnect(now, ticket, left));
    }

    /// The fault in force is another one.
    pub fn set_fault(&self, fault: Option<&FaultKind>) {
        self.floor.act(|station, now, left| station.set_fault(now, fault, left));
    }

    /// Whether the workers are as a fault makes them.
    pub fn follow(&self, fault: &FaultKind) -> bool {
        self.floor.lock().station.follows(fault)
    }

    /// All is as after a start.
    pub fn restart(&self) {
        self.floor.act(Station::restart);
    }

    /// Does something with every job that is here.
    pub fn for_each(&self, act: impl FnMut(&mut Job)) {
        self.floor.lock().station.for_each(act);
    }

    /// Requests in service and requests that wait.
    pub fn load(&self) -> (u32, usize) {
        let state = self.floor.lock();
        (state.station.in_service(), state.station.queued())
    }
}

impl Floor {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act<R>(&self, act: impl FnOnce(&mut Station<Job>, Duration, &mut Vec<Departure<Job>>) -> R) -> R {
        let mut left = Vec::new();
        let mut state = self.lock();
        // The time within the lock, so that it never runs backwards for the station.
        let now = self.opened.elapsed();
        let result = act(&mut state.station, now, &mut left);
        let next = state.station.next_event();
        let sooner = next.is_some_and(|next| state.alarm.is_none_or(|alarm| next < alarm));
        if sooner {
            state.alarm = next;
        }
        drop(state);
        if sooner {
            self.sooner.notify_one();
        }
        for departure in left {
            Job::leave(departure, now);
        }
        result
    }

    /// Lets happen what is due; gives the wait until the next thing is.
    fn settle(&self) -> Option<Duration> {
        let mut left = Vec::new();
        let mut state = self.lock();
        let now = self.opened.elapsed();
        state.station.advance(now, &mut left);
        state.alarm = state.station.next_event();
        let wait = state.alarm.map(|at| at.saturating_sub(now));
        drop(state);
        for departure in left {
            Job::leave(departure, now);
        }
        wait
    }
}

async fn drive(floor: Arc<Floor>, alarm: Alarm) {
    loop {
        match floor.settle() {
            None => floor.sooner.notified().await,
            Some(wait) => tokio::select! {
                () = alarm.after(wait) => {}
                () = floor.sooner.notified() => {}
            },
        }
    }
}
