//! Which fault is in force now. A fault becomes active and inactive by an event on its own timer, and requests look at
//! what is; nobody compares a request's time with a plan.
//!
//! There are two places: one for the run's fault, one for a fault that somebody started by hand. While both are active
//! only the one by hand is in force: the run's is in effect (its window is on, its requests are exposed) and strikes
//! nobody, which its record then shows.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use retrylab_core::{fault::FaultKind, station::Awaited, wire::FailureStatus};
use tokio::task::JoinSet;

use crate::{dice::Dice, timestamp::rfc3339, window::Window, workers::Workers};

/// The faults that are active now.
#[derive(Debug)]
pub struct Faults {
    places: Mutex<Places>,
    workers: Arc<Workers>,
    dice: Arc<Dice>,
}

#[derive(Debug, Default)]
struct Places {
    of_run: Option<OfRun>,
    by_hand: Option<ByHand>,
    /// How many faults have been started by hand.
    started_by_hand: u64,
}

#[derive(Debug)]
struct OfRun {
    window: Arc<Window>,
    ends: Instant,
}

#[derive(Debug)]
struct ByHand {
    number: u64,
    kind: FaultKind,
    /// Whether its end is a start of the backend.
    restart: bool,
    ends: Instant,
    /// Ends the fault in time; dropped with it.
    _timer: JoinSet<()>,
}

/// What a request that arrives now meets.
#[derive(Clone, Debug)]
pub struct Met {
    /// What the fault in force does.
    pub kind: FaultKind,
    /// The run's window that is in effect, if one is: its requests are exposed to it …
    pub window: Option<Arc<Window>>,
    /// … and struck by it, unless the fault in force is another one.
    pub is_the_windows: bool,
    /// Whether the workers are as the fault makes them; true of one that does not act on them.
    pub workers_follow: bool,
}

impl Faults {
    /// No fault is active.
    pub fn new(workers: Arc<Workers>, dice: Arc<Dice>) -> Self {
        Self { places: Mutex::default(), workers, dice }
    }

    /// What a request that arrives now meets; `None`: no fault is active.
    pub fn met(&self) -> Option<Met> {
        let places = self.lock();
        let window = places.of_run.as_ref().map(|fault| Arc::clone(&fault.window));
        let is_the_windows = places.by_hand.is_none();
        let (kind, _) = places.in_force()?;
        let acts_on_workers = matches!(kind, FaultKind::Freeze | FaultKind::Capacity { .. });
        // Within the lock in which the workers were told, so that a fault is never seen here before or after it is there.
        let workers_follow = !acts_on_workers || self.workers.follow(kind);
        Some(Met { kind: kind.clone(), window, is_the_windows, workers_follow })
    }

    /// Whether a fault that somebody started by hand is in force.
    pub fn is_by_hand(&self) -> bool {
        self.lock().by_hand.is_some()
    }

    /// What `/admin/status` says.
    pub fn status(&self) -> FailureStatus {
        let places = self.lock();
        let Some((kind, ends)) = places.in_force() else {
            let never = FailureStatus {
                failure_active: false,
                failure_rate: 0.0,
                remaining_seconds: 0.0,
                failure_end_time: None,
            };
            return never;
        };
        let remaining = ends.saturating_duration_since(Instant::now());
        FailureStatus {
            failure_active: true,
            failure_rate: f64::from(kind.permille()) / 1_000.0,
            remaining_seconds: remaining.as_millis() as f64 / 1_000.0,
            failure_end_time: Some(rfc3339(SystemTime::now() + remaining)),
        }
    }

    /// A window of the run begins, unless it has been ended before that. It lasts until `ends`, when its run ends it.
    pub fn begin(&self, window: &Arc<Window>, ends: Instant) {
        let mut places = self.lock();
        if !window.start() {
            return;
        }
        places.of_run = Some(OfRun { window: Arc::clone(window), ends });
        self.follow(&places);
        if places.by_hand.is_none() {
            self.cut_off(window.plan.kind.reset_permille(), Some(window));
        }
    }

    /// A window of the run ends, or will never begin; nothing if it has ended already.
    pub fn end(&self, window: &Arc<Window>) {
        let mut places = self.lock();
        window.end();
        if places.of_run.take_if(|fault| Arc::ptr_eq(&fault.window, window)).is_some() {
            self.follow(&places);
            self.restart_after(window.plan.restart);
        }
    }

    /// The backend is as after a start.
    pub fn restart_backend(&self) {
        self.workers.restart();
    }

    /// A fault begins by hand and ends by itself after `length`; it replaces one that was begun so before.
    /// `restart`: its end is a start of the backend.
    pub fn begin_by_hand(self: &Arc<Self>, kind: FaultKind, restart: bool, length: Duration) {
        let mut places = self.lock();
        places.started_by_hand += 1;
        let (number, ends) = (places.started_by_hand, Instant::now() + length);
        let mut timer = JoinSet::new();
        let faults = Arc::downgrade(self);
        timer.spawn(async move {
            tokio::time::sleep_until(ends.into()).await;
            if let Some(faults) = faults.upgrade() {
                faults.end_by_hand(number);
            }
        });
        let fault = places.by_hand.insert(ByHand { number, kind, restart, ends, _timer: timer });
        let reset_permille = fault.kind.reset_permille();
        self.follow(&places);
        self.cut_off(reset_permille, None);
    }

    /// Ends every fault that is active.
    pub fn recover(&self) {
        let mut places = self.lock();
        let of_run = places.of_run.take();
        let by_hand = places.by_hand.take();
        self.follow(&places);
        if let Some(OfRun { window, .. }) = &of_run {
            window.end();
            self.restart_after(window.plan.restart);
        }
        self.restart_after(by_hand.is_some_and(|fault| fault.restart));
    }

    fn end_by_hand(&self, number: u64) {
        let mut places = self.lock();
        // The fault may have been replaced while its timer, already gone off, waited for the lock.
        if let Some(fault) = places.by_hand.take_if(|fault| fault.number == number) {
            self.follow(&places);
            self.restart_after(fault.restart);
        }
    }

    fn restart_after(&self, restart: bool) {
        if restart {
            self.workers.restart();
        }
    }

    /// A Reset that begins strikes those that are here as well: nobody will get their answers.
    fn cut_off(&self, reset_permille: Option<u16>, window: Option<&Arc<Window>>) {
        let Some(permille) = reset_permille else { return };
        self.workers.for_each(|job| {
            let of_run = job.of_run().clone();
            let struck = self.dice.strikes(permille, of_run.chance);
            // Whoever has gone already is not there to be struck.
            let was_there = if struck { job.cut_off() } else { job.is_awaited() };
            if let (Some(window), Some(books)) = (window, &of_run.books)
                && was_there
                && books.has(window)
            {
                window.expose(struck);
            }
        });
    }

    /// The workers are as the fault in force makes them. Within the lock, so that the last change is the last word.
    fn follow(&self, places: &Places) {
        let in_force = places.in_force();
        self.workers.set_fault(in_force.map(|(kind, _)| kind));
        tracing::info!(fault = ?in_force.map(|(kind, _)| kind), "fault in force");
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn in_force(&self) -> Option<(&FaultKind, Instant)> {
        let by_hand = self.by_hand.as_ref().map(|fault| (&fault.kind, fault.ends));
        by_hand.or_else(|| self.of_run.as_ref().map(|fault| (&fault.window.plan.kind, fault.ends)))
    }
}
