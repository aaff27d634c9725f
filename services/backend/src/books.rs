//! What the backend counts in a run. Requests that are not the run's never get here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use retrylab_core::{
    station::End,
    stats::BackendSeries,
    wire::{BackendPlan, BackendResults, RunTag, arm_of},
};
use retrylab_runtime::RunClock;

use crate::window::Window;

/// The counts of one run.
#[derive(Debug)]
pub struct Books {
    run: String,
    /// Seeds which attempts a partial fault strikes.
    pub seed: u64,
    /// The run's time.
    pub clock: RunClock,
    /// The run's faults, in order of time.
    pub windows: Vec<Arc<Window>>,
    duration_us: u64,
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    series: BackendSeries,
    in_flight: u64,
    foreign_faults: u64,
    /// Every window is over.
    schedule_is_over: bool,
    /// The run was stopped: its counts are final.
    closed: bool,
}

impl Books {
    /// Empty books.
    pub fn new(run: &str, plan: &BackendPlan, clock: RunClock) -> Self {
        Self {
            run: run.to_owned(),
            seed: plan.seed,
            clock,
            windows: plan.faults.iter().map(|fault| Arc::new(Window::new(fault.clone(), clock))).collect(),
            duration_us: plan.duration_ms * 1_000,
            page: Mutex::default(),
        }
    }

    /// The arm whose run it is.
    pub fn arm(&self) -> &str {
        arm_of(&self.run)
    }

    /// Whether a window is one of the run's.
    pub fn has(&self, window: &Arc<Window>) -> bool {
        self.windows.iter().any(|one| Arc::ptr_eq(one, window))
    }

    /// A request arrived.
    pub fn received(&self) {
        self.write(|page, now_us| {
            page.series.received.add(now_us);
            page.in_flight += 1;
        });
    }

    /// A fault ended a request.
    pub fn injected(&self) {
        self.write(|page, now_us| {
            page.series.injected.add(now_us);
            page.in_flight -= 1;
        });
    }

    /// A request left the station; `wasted`: served for a client that had gone.
    pub fn left(&self, end: End, wasted: bool) {
        self.write(|page, now_us| {
            page.series.left(now_us, end, wasted);
            page.in_flight -= 1;
        });
    }

    /// Every window is over and recorded.
    pub fn end_schedule(&self) {
        self.write(|page, _| page.schedule_is_over = true);
    }

    /// Nothing is counted from here on.
    pub fn close(&self) {
        self.write(|page, _| page.closed = true);
    }

    /// Whether nothing of the run is under way.
    pub fn is_idle(&self) -> bool {
        let page = self.page();
        page.in_flight == 0 && page.schedule_is_over
    }

    /// The counts so far.
    pub fn results(&self) -> BackendResults {
        let page = self.page();
        BackendResults {
            series: page.series.clone(),
            in_flight: page.in_flight,
            faults: self.windows.iter().map(|window| window.record()).collect(),
            foreign_faults: page.foreign_faults,
        }
    }

    /// Somebody started or ended a fault by hand, or had done so before and it goes on. After the run's time that is nobody's business.
    pub fn foreign_fault(&self) {
        self.write(|page, now_us| {
            let is_over = now_us >= self.duration_us && page.in_flight == 0 && page.schedule_is_over;
            page.foreign_faults += u64::from(!is_over);
        });
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, write: impl FnOnce(&mut Page, u64)) {
        let mut page = self.page();
        if !page.closed {
            write(&mut page, self.clock.now_us());
        }
    }
}

/// The books that are open: those of the run that was handed over last. Its requests count even when its schedule has
/// passed and nothing was under way: clients may still be in backoff.
#[derive(Debug, Default)]
pub struct OpenBooks(RwLock<Option<Arc<Books>>>);

impl OpenBooks {
    /// Opens the books of a new run.
    pub fn open(&self, books: Arc<Books>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(books);
    }

    /// The books of the run that a request names.
    pub fn of(&self, tag: &RunTag) -> Option<Arc<Books>> {
        self.latest().filter(|books| books.run == tag.run)
    }

    /// Notes that somebody started or ended a fault by hand.
    pub fn note_foreign_fault(&self) {
        if let Some(books) = self.latest() {
            books.foreign_fault();
        }
    }

    /// Those of the run that was handed over last.
    pub fn latest(&self) -> Option<Arc<Books>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
