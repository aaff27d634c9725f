//! What the client counts in a run. A request counts by its cohort: when the load generator meant it to arrive.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use retrylab_core::{
    policy::Fate,
    stats::ClientSeries,
    wire::{ClientPlan, ClientResults, RunTag, Unsent, arm_of},
};
use retrylab_runtime::RunClock;
use tokio::sync::Notify;

/// The counts of one run.
#[derive(Debug)]
pub struct Books {
    run: String,
    /// Seeds the jitter.
    pub seed: u64,
    clock: RunClock,
    duration_us: u64,
    page: Mutex<Page>,
    /// Attempts that were given up and are still to be sent.
    seen_out: AtomicU64,
    stopped: AtomicBool,
    stop: Notify,
}

#[derive(Debug, Default)]
struct Page {
    series: ClientSeries,
    in_flight: u64,
    foreign_requests: u64,
    strategy_changes: u64,
    unsent: Option<Unsent>,
    /// The run was stopped: its counts are final.
    closed: bool,
}

impl Books {
    /// Empty books.
    pub fn new(run: &str, plan: &ClientPlan, clock: RunClock) -> Self {
        Self {
            run: run.to_owned(),
            seed: plan.seed,
            clock,
            duration_us: plan.duration_ms * 1_000,
            page: Mutex::default(),
            seen_out: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            stop: Notify::new(),
        }
    }

    /// The arm whose run it is.
    pub fn arm(&self) -> &str {
        arm_of(&self.run)
    }

    /// A request arrived.
    pub fn request(&self, cohort_us: u64) {
        self.write(|page, _| {
            page.series.request(cohort_us);
            page.in_flight += 1;
        });
    }

    /// An attempt starts.
    pub fn attempt(&self, cohort_us: u64, number: u32) {
        self.write(|page, now_us| page.series.attempt(cohort_us, now_us, number > 1));
    }

    /// A request ended.
    pub fn end(&self, cohort_us: u64, fate: Fate) {
        self.write(|page, _| {
            page.series.end(cohort_us, fate);
            page.in_flight -= 1;
        });
    }

    /// A request that is not the run's arrived.
    fn foreign_request(&self) {
        if self.clock.has_started() {
            self.write(|page, now_us| page.foreign_requests += u64::from(!self.is_over(page, now_us)));
        }
    }

    /// No connection could be opened for an attempt.
    pub fn unsent(&self, why: impl FnOnce() -> String) {
        self.write(|page, _| {
            page.unsent.get_or_insert_with(|| Unsent { attempts: 0, why: why() }).attempts += 1;
        });
    }

    /// Somebody set the strategy by hand.
    fn strategy_change(&self) {
        self.write(|page, now_us| page.strategy_changes += u64::from(!self.is_over(page, now_us)));
    }

    /// Nothing is counted from here on, and requests in backoff give up.
    pub fn stop(&self) {
        self.write(|page, _| page.closed = true);
        self.stopped.store(true, Ordering::Release);
        self.stop.notify_waiters();
    }

    /// Whether the run has been stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits until the run is stopped, most likely for ever.
    pub async fn until_stopped(&self) {
        let told = self.stop.notified(); // before the look, so that no word is missed
        if !self.is_stopped() {
            told.await;
        }
    }

    /// Whether no request of the run is under way, and no attempt that its request no longer waits for.
    pub fn is_idle(&self) -> bool {
        // In this order: an attempt is seen out before its request ends.
        self.page().in_flight == 0 && self.seen_out.load(Ordering::Acquire) == 0
    }

    /// The counts so far.
    pub fn results(&self) -> ClientResults {
        let page = self.page();
        ClientResults {
            series: page.series.clone(),
            in_flight: page.in_flight,
            foreign_requests: page.foreign_requests,
            strategy_changes: page.strategy_changes,
            unsent: page.unsent.clone(),
        }
    }

    /// After the run's time nobody minds what is done by hand.
    const fn is_over(&self, page: &Page, now_us: u64) -> bool {
        now_us >= self.duration_us && page.in_flight == 0
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

/// That an attempt which was given up is still to be sent.
#[derive(Debug)]
pub struct SeenOut(Arc<Books>);

impl SeenOut {
    /// The run is not over before this is dropped.
    pub fn begin(books: Arc<Books>) -> Self {
        books.seen_out.fetch_add(1, Ordering::AcqRel);
        Self(books)
    }
}

impl Drop for SeenOut {
    fn drop(&mut self) {
        self.0.seen_out.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The books that are open: those of the run that was handed over last.
#[derive(Debug, Default)]
pub struct OpenBooks(RwLock<Option<Arc<Books>>>);

impl OpenBooks {
    /// Opens the books of a new run.
    pub fn open(&self, books: Arc<Books>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(books);
    }

    /// A request arrived: counts it, and gives the books of its run with its cohort.
    pub fn request(&self, tag: Option<&RunTag>) -> Option<Arc<Books>> {
        let books = self.latest()?;
        if let Some(tag) = tag.filter(|tag| tag.run == books.run) {
            books.request(tag.offset_us);
            Some(books)
        } else {
            books.foreign_request();
            None
        }
    }

    /// Notes that somebody set the strategy by hand.
    pub fn note_strategy_change(&self) {
        if let Some(books) = self.latest() {
            books.strategy_change();
        }
    }

    fn latest(&self) -> Option<Arc<Books>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
