//! The backend's side of the run protocol: a run's faults follow its clock, whoever else is alive.

use std::{sync::Arc, time::Duration};

use retrylab_core::wire::{BackendPlan, BackendResults};
use retrylab_runtime::{Run, RunClock, Workload};
use tokio::task::JoinSet;

use crate::{
    books::{Books, OpenBooks},
    faults::Faults,
    window::Window,
};

/// Begins runs.
#[derive(Debug)]
pub struct BackendWorkload {
    /// Where the run's faults take effect.
    pub faults: Arc<Faults>,
    /// Where requests find the run's books.
    pub open_books: Arc<OpenBooks>,
}

/// A run under way. Dropping it ends its task.
#[derive(Debug)]
pub struct BackendRun {
    books: Arc<Books>,
    faults: Arc<Faults>,
    _schedule: JoinSet<()>,
}

impl Workload for BackendWorkload {
    type Plan = BackendPlan;
    type Run = BackendRun;

    fn begin(&self, id: &str, plan: &BackendPlan, clock: RunClock) -> BackendRun {
        let books = Arc::new(Books::new(id, plan, clock));
        if self.faults.is_by_hand() {
            books.foreign_fault();
        }
        self.open_books.open(Arc::clone(&books));
        let mut schedule = JoinSet::new();
        schedule.spawn(follow(Arc::clone(&books), Arc::clone(&self.faults)));
        BackendRun { books, faults: Arc::clone(&self.faults), _schedule: schedule }
    }
}

impl Run for BackendRun {
    type Results = BackendResults;

    fn is_idle(&self) -> bool {
        self.books.is_idle()
    }

    fn results(&self) -> BackendResults {
        self.books.results()
    }

    fn stop(&self) {
        self.books.close();
        self.books.windows.iter().for_each(|window| self.faults.end(window));
    }
}

/// Begins and ends the run's windows, one after the other. A run starts with a backend that has just started, so that
/// every arm finds the same one.
async fn follow(books: Arc<Books>, faults: Arc<Faults>) {
    tokio::time::sleep_until(books.clock.moment(Duration::ZERO).into()).await;
    faults.restart_backend();
    for window in &books.windows {
        run_window(&books, &faults, window).await;
    }
    books.end_schedule();
}

/// A window that is over, because the run was handed over late, is left out; one in progress begins at once.
async fn run_window(books: &Books, faults: &Faults, window: &Arc<Window>) {
    let begins = books.clock.moment(Duration::from_millis(window.plan.at_ms));
    let ends = books.clock.moment(Duration::from_millis(window.plan.end_ms()));
    tokio::time::sleep_until(begins.into()).await;
    if books.clock.now_us() >= window.plan.end_ms() * 1_000 {
        return;
    }
    faults.begin(window, ends);
    tokio::time::sleep_until(ends.into()).await;
    faults.end(window);
}
