//! Attempts at the backend, over a pool of idle connections.
//!
//! One attempt is one request on the wire, at most: nothing here sends anything twice. A pooled connection that the
//! backend has closed is found out before a request is sent on it; if it is closed just then, the attempt has failed,
//! and whether there is another one is the policy's business.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderName, HeaderValue, Request, header::HOST};
use bytes::Bytes;
use http_body_util::Empty;
use retrylab_core::{
    policy::{Outcome, Pushback},
    wire::{DEADLINE_HEADER, RUN_HEADER, RunTag, TIMEOUT_HEADER},
};
use retrylab_runtime::{ATTEMPT_HEADER, TRACE_HEADER, TRACE_STATE_HEADER};

use crate::{
    addresses::Addresses,
    books::Books,
    config::BackendUrl,
    connection::{Answer, Connection},
    opening::Opening,
};

/// Most connections that are kept for later requests.
const MAX_IDLE: usize = 4_096;
/// How long a connection is kept for them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The backend, as a client sees it.
#[derive(Debug)]
pub struct Upstream {
    backend: BackendUrl,
    addresses: Arc<Addresses>,
    /// In the order in which they were last used; the latest is used next.
    idle: Mutex<VecDeque<(Instant, Connection)>>,
}

/// What is different in each attempt.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// Its number: what [`ATTEMPT_HEADER`] says.
    pub number: u32,
    /// What is left of the request's time, to be passed on.
    pub left: Option<Duration>,
    /// The request's trace.
    pub traceparent: String,
    /// What tracing systems have added to it.
    pub tracestate: Option<&'a str>,
    /// The run that the request belongs to.
    pub tag: Option<&'a RunTag>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Reply {
    /// With an answer, good or bad.
    Answer(Answer),
    /// Not within the time that an attempt may take.
    Timeout,
    /// Without an answer: nobody there, or the connection broke.
    Broken(io::Error),
}

impl Reply {
    /// What a policy makes of it. An answer is judged by its status alone, so that any HTTP server can be the backend.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(answer) => Outcome::of_status(answer.status),
            Self::Timeout => Outcome::TimedOut,
            Self::Broken(_) => Outcome::Retryable,
        }
    }

    /// What the answer said about when to come back.
    pub const fn pushback(&self) -> Option<Pushback> {
        match self {
            Self::Answer(answer) => answer.pushback,
            Self::Timeout | Self::Broken(_) => None,
        }
    }
}

impl Upstream {
    /// No connection yet.
    pub fn new(backend: BackendUrl) -> Self {
        Self { addresses: Arc::new(Addresses::new(backend.address.clone())), backend, idle: Mutex::default() }
    }

    /// Where it is.
    pub const fn backend(&self) -> &BackendUrl {
        &self.backend
    }

    /// Makes one attempt. On a timeout, or when it is dropped, its connection is closed, as soon as the request is on it:
    /// an attempt is in the backend's books also when it was given up before its connection was open. `books`: of its run.
    pub async fn attempt(&self, request: Request<Empty<Bytes>>, timeout: Duration, books: Option<Arc<Books>>) -> Reply {
        match tokio::time::timeout(timeout, self.exchange(request, books)).await {
            Ok(Ok(answer)) => Reply::Answer(answer),
            Ok(Err(e)) => Reply::Broken(e),
            Err(_) => Reply::Timeout,
        }
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>, books: Option<Arc<Books>>) -> io::Result<Answer> {
        let (mut connection, request) = match self.take_idle() {
            Some(connection) => (connection, request),
            None => Opening::new(Arc::clone(&self.addresses), request, books).await?,
        };
        let answer = connection.exchange(request).await?;
        if connection.is_usable() {
            self.keep_idle(connection);
        }
        Ok(answer)
    }

    /// What an attempt sends that is waited for so long.
    pub fn request(&self, attempt: Attempt<'_>, timeout: Duration) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.backend.process.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.backend.host.clone());
        headers.insert(HeaderName::from_static(ATTEMPT_HEADER), attempt.number.into());
        headers.insert(HeaderName::from_static(TIMEOUT_HEADER), (timeout.as_micros() as u64).into());
        let mut insert = |name, value: String| {
            // All values are made of characters that a header may have: digits, letters, `-` and what a tag was read from.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        insert(TRACE_HEADER, attempt.traceparent);
        if let Some(state) = attempt.tracestate {
            insert(TRACE_STATE_HEADER, state.to_owned());
        }
        if let Some(left) = attempt.left {
            insert(DEADLINE_HEADER, left.as_micros().to_string());
        }
        if let Some(tag) = attempt.tag {
            insert(RUN_HEADER, tag.to_string());
        }
        request
    }

    fn take_idle(&self) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.lock().pop_back()?;
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    fn keep_idle(&self, connection: Connection) {
        let now = Instant::now();
        let mut idle = self.lock();
        while idle.front().is_some_and(|(since, _)| idle.len() >= MAX_IDLE || now.duration_since(*since) > IDLE_TIMEOUT)
        {
            idle.pop_front();
        }
        idle.push_back((now, connection));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
