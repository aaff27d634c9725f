//! What is counted. The engine writes a journal of its own and posts it to the ledger, which others read, whenever
//! nobody is reading: it never waits for a reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use retrylab_core::{stats::LoadLedger, wire::LoadgenResults};

use crate::metrics::RunMetrics;

/// Most entries of the journal; from here on the engine does wait for the reader.
const JOURNAL_MAX: usize = 8_192;

/// How a request that was sent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer of 2xx, read to its end.
    Ok,
    /// Any other answer, read to its end.
    Status,
    /// The connection broke, or what came was no answer.
    Broken,
    /// No answer in time.
    Timeout,
    /// The run was stopped before the answer came.
    Abandoned,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Status, Self::Broken, Self::Timeout, Self::Abandoned];

    /// The outcome that an answer's status stands for.
    pub const fn of_status(status: u16) -> Self {
        if matches!(status, 200..=299) { Self::Ok } else { Self::Status }
    }

    /// The outcome as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Status => "status",
            Self::Broken => "broken",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
        }
    }
}

/// One event of a request, with its intended start and the time of the event: microseconds after the run's start; `by_user`: it
/// is a closed-loop user's.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// The first byte was written.
    Sent { due_us: u64, at_us: u64 },
    /// It could not be sent: not one byte of it was written.
    Dropped { due_us: u64, at_us: u64, by_user: bool },
    /// It was sent and has ended.
    Ended { due_us: u64, at_us: u64, outcome: Outcome, by_user: bool },
}

fn enter(ledger: &mut LoadLedger, entry: Entry) {
    match entry {
        Entry::Sent { due_us, at_us } => ledger.sent(due_us, at_us),
        Entry::Dropped { due_us, at_us, by_user } => ledger.dropped(due_us, at_us, by_user),
        Entry::Ended { due_us, at_us, outcome, by_user } => {
            ledger.ended(due_us, at_us, outcome == Outcome::Ok, by_user);
        }
    }
}

/// The counts as others see them.
#[derive(Clone, Debug, Default)]
pub struct SharedLedger(Arc<Mutex<LoadLedger>>);

impl SharedLedger {
    /// The counts so far.
    pub fn results(&self) -> LoadgenResults {
        let snapshot = self.lock().snapshot(); // the copy of its parts needs no lock
        snapshot.into()
    }

    /// Keeps everybody else out.
    pub(crate) fn lock(&self) -> MutexGuard<'_, LoadLedger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's entries that are not in the ledger yet.
#[derive(Debug)]
pub struct Journal {
    entries: Vec<Entry>,
    ledger: SharedLedger,
    metrics: RunMetrics,
}

impl Journal {
    /// An empty journal of a ledger; every entry is counted in the metrics as well.
    pub const fn new(ledger: SharedLedger, metrics: RunMetrics) -> Self {
        Self { entries: Vec::new(), ledger, metrics }
    }

    /// Writes down an event.
    pub fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Whether there are entries that could not be posted.
    pub const fn is_behind(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Posts the entries, unless somebody is reading and they can wait.
    pub fn post(&mut self) {
        let ledger = match self.ledger.0.try_lock() {
            Ok(ledger) => ledger,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if self.entries.len() < JOURNAL_MAX => return,
            Err(TryLockError::WouldBlock) => self.ledger.lock(),
        };
        settle(&mut self.entries, ledger, &self.metrics);
    }

    /// Posts the entries, whoever is reading.
    pub fn settle(&mut self) {
        settle(&mut self.entries, self.ledger.lock(), &self.metrics);
    }
}

fn settle(entries: &mut Vec<Entry>, mut ledger: MutexGuard<'_, LoadLedger>, metrics: &RunMetrics) {
    for entry in entries.drain(..) {
        enter(&mut ledger, entry);
        metrics.count(entry);
    }
}

#[cfg(test)]
mod tests;
