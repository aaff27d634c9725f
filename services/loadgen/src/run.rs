//! The load generator's side of the run protocol: a run is an engine on a thread of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use retrylab_core::wire::{LoadgenPlan, LoadgenResults};
use retrylab_runtime::{Run, RunClock, Workload};

use crate::{
    books::{Journal, SharedLedger},
    engine::{Brake, Engine},
    metrics::Metrics,
};

/// Most connections of a run. What is due when all of them are busy is dropped.
pub const MAX_CONNECTIONS: u32 = 20_000;
/// Descriptors that are not for the run's connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// Begins runs.
#[derive(Debug)]
pub struct Loadgen {
    metrics: Metrics,
    max_connections: usize,
}

impl Loadgen {
    /// A load generator with as many connections as the process may have, at most 20,000.
    pub fn new(metrics: Metrics) -> Self {
        let descriptors = retrylab_runtime::raised_descriptor_limit().saturating_sub(OTHER_DESCRIPTORS).max(1);
        Self { metrics, max_connections: descriptors.min(u64::from(MAX_CONNECTIONS)) as usize }
    }

    /// The same with at most `max` connections.
    #[must_use]
    pub fn with_max_connections(mut self, max: usize) -> Self {
        self.max_connections = self.max_connections.min(max);
        self
    }
}

impl Workload for Loadgen {
    type Plan = LoadgenPlan;
    type Run = LoadgenRun;

    fn begin(&self, id: &str, plan: &LoadgenPlan, clock: RunClock) -> LoadgenRun {
        self.metrics.windows.follow(id, plan, clock);
        let ledger = SharedLedger::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let journal = Journal::new(ledger.clone(), self.metrics.of_run(id));
        let engine = Engine::new(id, plan, clock, self.max_connections, journal, self.metrics.clone());
        let begun = engine.and_then(|engine| {
            let brake = engine.brake();
            let over = Arc::clone(&is_over);
            let thread = thread::Builder::new().name("engine".into()).spawn(move || match engine.run() {
                Ok(()) => over.store(true, Ordering::Release),
                Err(e) => tracing::error!("the run has broken off: {e}"),
            })?;
            Ok(Driver { brake, thread: Mutex::new(Some(thread)) })
        });
        // A run without an engine is never over, and has sent nothing: nobody can take it for a good one.
        let driver = begun.inspect_err(|e| tracing::error!("the run cannot begin: {e}")).ok();
        LoadgenRun { ledger, is_over, driver }
    }
}

/// A run under way.
#[derive(Debug)]
pub struct LoadgenRun {
    ledger: SharedLedger,
    is_over: Arc<AtomicBool>,
    driver: Option<Driver>,
}

#[derive(Debug)]
struct Driver {
    brake: Brake,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Run for LoadgenRun {
    type Results = LoadgenResults;

    fn is_idle(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn results(&self) -> LoadgenResults {
        self.ledger.results()
    }

    /// Waits for the engine to end, which takes it no longer than to close its connections: the counts are final then.
    fn stop(&self) {
        if let Some(driver) = &self.driver {
            driver.brake.pull();
            let thread = driver.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the engine had panicked");
            }
        }
    }
}

/// An engine does not outlive its run.
impl Drop for LoadgenRun {
    fn drop(&mut self) {
        self.stop();
    }
}
