//! A request in the station: who waits for it and where it is counted when it leaves.
//!
//! It does not hang on the connection: when the client has gone, the work goes on all the same, and is counted wasted.

use std::{sync::Arc, time::Duration};

use retrylab_core::station::Departure;
use tokio::sync::oneshot;

use crate::{books::Books, metrics::Metrics};

/// A request in the station.
#[derive(Debug)]
pub struct Job {
    answer: oneshot::Sender<Done>,
    metrics: Arc<Metrics>,
    /// Of the run that the request belongs to.
    books: Option<Arc<Books>>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Done {
    /// Served.
    Served {
        /// For how long it was in service, a freeze in that time included.
        processing: Duration,
    },
    /// Turned away: the queue was full.
    Rejected,
}

impl Job {
    /// A job, and where the news of it comes.
    pub fn new(metrics: Arc<Metrics>, books: Option<Arc<Books>>) -> (Self, oneshot::Receiver<Done>) {
        let (answer, news) = oneshot::channel();
        (Self { answer, metrics, books }, news)
    }

    /// The request leaves the station: it is counted, and whoever still waits is told.
    pub fn leave(departure: Departure<Self>, now: Duration) {
        match departure {
            Departure::Served { request, began } => request.served(now.saturating_sub(began)),
            Departure::Rejected(request) => request.rejected(),
        }
    }

    fn served(self, processing: Duration) {
        let wasted = self.answer.is_closed();
        if wasted {
            self.metrics.wasted.inc();
        }
        // The books before the answer: whoever has the answer finds it counted.
        if let Some(books) = &self.books {
            books.completed(wasted);
        }
        let _gone = self.answer.send(Done::Served { processing });
    }

    fn rejected(self) {
        self.metrics.rejected.inc();
        if let Some(books) = &self.books {
            books.rejected();
        }
        let _gone = self.answer.send(Done::Rejected);
    }
}
