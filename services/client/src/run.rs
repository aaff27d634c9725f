//! The client's side of the run protocol: puts the run's strategy in force and opens its books.

use std::{sync::Arc, time::Duration};

use retrylab_core::wire::{ClientPlan, ClientResults};
use retrylab_runtime::{Run, RunClock, Workload};

use crate::{
    books::{Books, OpenBooks},
    metrics::Metrics,
    strategy::Strategy,
};

/// Begins runs.
#[derive(Debug)]
pub struct ClientWorkload {
    /// Where the run's strategy is put in force; it stays so after the run.
    pub strategy: Arc<Strategy>,
    /// Where requests find the run's books.
    pub open_books: Arc<OpenBooks>,
    /// Where they are counted for people.
    pub metrics: Arc<Metrics>,
}

/// A run under way.
#[derive(Debug)]
pub struct ClientRun(Arc<Books>);

impl Workload for ClientWorkload {
    type Plan = ClientPlan;
    type Run = ClientRun;

    fn begin(&self, id: &str, plan: &ClientPlan, clock: RunClock) -> ClientRun {
        let books = Arc::new(Books::new(id, plan, clock));
        self.strategy.put(plan.strategy.clone(), Some(Duration::from_millis(plan.timeout_ms)));
        self.metrics.begin(books.arm(), &plan.strategy);
        self.open_books.open(Arc::clone(&books));
        ClientRun(books)
    }
}

impl Run for ClientRun {
    type Results = ClientResults;

    fn is_idle(&self) -> bool {
        self.0.is_idle()
    }

    fn results(&self) -> ClientResults {
        self.0.results()
    }

    fn stop(&self) {
        self.0.stop();
    }
}
