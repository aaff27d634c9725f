//! A request in the station: who waits for it and where it is counted when it leaves.
//!
//! It does not hang on the connection: when the client has gone, the work goes on all the same, and is counted wasted,
//! unless the backend is told to cancel it.

use std::{sync::Arc, time::Duration};

use retrylab_core::station::{Awaited, Chance, Departure, End};
use tokio::sync::oneshot;

use crate::{books::Books, metrics::Metrics};

/// A request in the station.
#[derive(Debug)]
pub struct Job {
    /// `None`: it has been cut off.
    answer: Option<oneshot::Sender<News>>,
    metrics: Arc<Metrics>,
    of_run: OfRun,
}

/// What a request has to do with a run.
#[derive(Clone, Debug, Default)]
pub struct OfRun {
    /// The books of the run that it belongs to.
    pub books: Option<Arc<Books>>,
    /// What chance decides about it in that run.
    pub chance: Option<Chance>,
}

/// What whoever waits for a request is told.
#[derive(Clone, Copy, Debug)]
pub enum News {
    /// It has left the station.
    Left {
        /// How.
        end: End,
        /// For how long it was in service, a freeze in that time included.
        processing: Duration,
    },
    /// A Reset cuts its connection. Its work goes on, unless the backend cancels what nobody waits for.
    CutOff,
}

impl Job {
    /// A job, and where the news of it comes.
    pub fn new(metrics: Arc<Metrics>, of_run: OfRun) -> (Self, oneshot::Receiver<News>) {
        let (answer, news) = oneshot::channel();
        (Self { answer: Some(answer), metrics, of_run }, news)
    }

    /// What the request has to do with a run.
    pub const fn of_run(&self) -> &OfRun {
        &self.of_run
    }

    /// Nobody will get an answer: its connection is to be cut. False: nobody waited any more.
    pub fn cut_off(&mut self) -> bool {
        self.answer.take().is_some_and(|answer| answer.send(News::CutOff).is_ok())
    }

    /// The request leaves the station: it is counted, and whoever still waits is told.
    pub fn leave(departure: Departure<Self>, now: Duration) {
        let Departure { request, end, .. } = departure;
        let (served, began) = match end {
            End::Served { began } => (true, began),
            End::Rejected | End::Dropped | End::Expired | End::Cancelled => (false, now),
        };
        let wasted = served && !request.is_awaited();
        request.metrics.left(end, wasted);
        // The books before the answer: whoever has the answer finds it counted.
        if let Some(books) = &request.of_run.books {
            books.left(end, wasted);
        }
        let news = News::Left { end, processing: now.saturating_sub(began) };
        let _gone = request.answer.map(|answer| answer.send(news));
    }
}

impl Awaited for Job {
    fn is_awaited(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.is_closed())
    }
}
