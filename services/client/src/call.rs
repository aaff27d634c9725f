//! One request, from its arrival to its fate: attempts and waits as the policy in force says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use retrylab_core::{
    policy::{AttemptEnd, Draws, Fate, Retrier, Start, Step, Turn},
    wire::{BackendAnswer, ClientAnswer, RunTag, nested_attempt},
};
use retrylab_runtime::{Span, TraceContext, attempt_number, run_tag, time_left};

use crate::{
    books::Books,
    client::{Client, status},
    connection::Answer,
    spans::{self, AttemptSpan, Waits},
    strategy::InForce,
    under_way::UnderWay,
    upstream::{Attempt, Reply},
};

/// A request under way. Kept small: a storm parks many of them in backoff.
pub struct Call {
    client: Arc<Client>,
    in_force: Arc<InForce>,
    begun: Instant,
    trace: TraceContext,
    /// `None`: nobody records it.
    span: Option<Box<Span>>,
    tag: Option<RunTag>,
    /// Of the run that the request belongs to.
    books: Option<Arc<Books>>,
    draws: Draws,
    /// In a chain: the number of the attempt that the request is, for the client before.
    outer_attempt: u32,
    retrier: Retrier,
}

/// What a request waited for.
enum Event {
    /// The attempt of this number ended.
    Ended(u32, Reply),
    /// The time of the policy's next step has come.
    Woken,
    /// The run was stopped while no attempt was in flight.
    Stopped,
}

impl Call {
    /// A request arrives, and is counted.
    pub fn arrive(client: &Arc<Client>, headers: &HeaderMap) -> Self {
        let begun = Instant::now();
        let tag = run_tag(headers);
        let outer_attempt = attempt_number(headers).unwrap_or(0);
        client.metrics.request();
        let books = client.open_books.request(tag.as_ref());
        // A run's request draws its jitter from the run's seed, by its own number, so that it waits as long in every
        // repetition; anything else draws what nobody can foresee.
        let draws = match (&books, &tag) {
            (Some(books), Some(tag)) => Draws::nested(books.seed, tag.serial, outer_attempt),
            _ => Draws::new(client.unforeseen.span_id(), 0),
        };
        let in_force = client.strategy.in_force();
        let left_ns = time_left(headers).map(|left| left.as_nanos() as u64);
        let (trace, span) = client.spans.arrive(headers, || client.unforeseen.trace_id());
        Self {
            client: Arc::clone(client),
            retrier: Retrier::new(&in_force.setting.policy, in_force.now_ns(), left_ns),
            in_force,
            begun,
            trace,
            span,
            books,
            draws,
            outer_attempt,
            tag,
        }
    }

    /// Makes attempts until the policy says that it is over. Whoever calls this sees it through, or the request has no
    /// fate.
    pub async fn carry_through(self) -> ClientAnswer {
        let (mut retrier, mut under_way, mut last) = (self.retrier.clone(), UnderWay::new(), None);
        let mut waits = Waits::of(self.span.is_some().then_some(self.begun));
        let (mut step, mut attempts) = (self.turn(&mut retrier, Retrier::begin), 0);
        let fate = loop {
            step = match step {
                Step::End(fate) => break fate,
                Step::Start(start) if start.number > 1 && self.is_stopped() => break self.give_up(&mut retrier),
                Step::Start(start) => {
                    attempts = start.number;
                    self.count(start);
                    under_way.add(self.attempt(start, waits.lap().unwrap_or_default()));
                    Step::Wait
                }
                Step::Wait => {
                    if under_way.is_empty() {
                        last = None; // gone during the wait, with all of the answer
                    }
                    match self.wait(&mut under_way, retrier.wake_at_ns()).await {
                        Event::Ended(number, reply) => {
                            let end = AttemptEnd { number, outcome: reply.outcome(), pushback: reply.pushback() };
                            last = Some(reply);
                            waits.lap();
                            self.turn(&mut retrier, |retrier, turn| retrier.ended(end, turn))
                        }
                        Event::Woken => self.turn(&mut retrier, Retrier::wake),
                        Event::Stopped => break self.give_up(&mut retrier),
                    }
                }
            };
        };
        drop(under_way); // whoever has lost the race is hung up on
        self.end(attempts, fate, last)
    }

    /// Takes a turn of the policy.
    fn turn(&self, retrier: &mut Retrier, take: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) -> Step {
        let step = self.in_force.turn(self.draws, |turn| take(retrier, turn));
        if let Some(denial) = retrier.take_denial() {
            self.client.metrics.denied(self.in_force.setting.strategy, denial);
        }
        step
    }

    /// Waits for whatever comes first: the end of an attempt, the policy's next step, or the end of a run while nothing is
    /// in flight.
    async fn wait(
        &self,
        under_way: &mut UnderWay<impl Future<Output = (u32, Reply)>>,
        wake_at_ns: Option<u64>,
    ) -> Event {
        let is_parked = under_way.is_empty();
        tokio::select! {
            biased;
            () = self.until_stopped(), if is_parked => Event::Stopped,
            (number, reply) = under_way.first(), if !is_parked => Event::Ended(number, reply),
            () = self.sleep_until(wake_at_ns.unwrap_or_default()), if wake_at_ns.is_some() => Event::Woken,
        }
    }

    /// An attempt begins.
    fn count(&self, start: Start) {
        self.client.metrics.attempt(self.in_force.setting.strategy, self.arm(), start.number);
        if let Some((books, tag)) = self.of_run() {
            books.attempt(tag.offset_us, start.number);
        }
    }

    /// An attempt after so long a wait. It borrows nothing from its request: it may outlive it.
    fn attempt(&self, start: Start, waited: Duration) -> impl Future<Output = (u32, Reply)> + Send + use<> {
        let client = Arc::clone(&self.client);
        let begin = |request| AttemptSpan::begin(request, client.upstream.backend(), start, waited);
        // In a box, so that an attempt without a span is no larger for it.
        let span = self.span.as_deref().map(begin).map(Box::new);
        let span_id = span.as_ref().map_or_else(|| client.unforeseen.span_id(), |span| span.id());
        let traceparent = self.trace.traceparent(span_id);
        let left = start.left_ns.map(Duration::from_nanos);
        let number = nested_attempt(self.outer_attempt, start.number);
        let timeout = self.in_force.timeout;
        let waits = left.map_or(timeout, |left| left.min(timeout));
        let attempt =
            Attempt { number, left, traceparent, tracestate: self.trace.tracestate(), tag: self.tag.as_ref() };
        let request = client.upstream.request(attempt, waits);
        let books = self.books.clone();
        async move {
            let reply = client.upstream.attempt(request, waits, books).await;
            client.metrics.reply(&reply);
            if let Some(span) = span {
                span.ended(&reply);
            }
            (start.number, reply)
        }
    }

    async fn sleep_until(&self, ns: u64) {
        tokio::time::sleep_until(self.in_force.moment(ns).into()).await;
    }

    async fn until_stopped(&self) {
        match &self.books {
            Some(books) => books.until_stopped().await,
            None => std::future::pending().await,
        }
    }

    fn is_stopped(&self) -> bool {
        self.books.as_ref().is_some_and(|books| books.is_stopped())
    }

    /// The run was stopped: no more attempts.
    fn give_up(&self, retrier: &mut Retrier) -> Fate {
        self.in_force.with_limits(|limits| retrier.abandon(limits));
        Fate::Exhausted
    }

    fn end(mut self, attempts: u32, fate: Fate, last: Option<Reply>) -> ClientAnswer {
        self.client.metrics.end(self.in_force.setting.strategy, self.arm(), fate);
        if let Some((books, tag)) = self.of_run() {
            books.end(tag.offset_us, fate);
        }
        self.end_span(attempts, fate);
        let (backend, error) = match (fate.is_success(), last) {
            (true, Some(Reply::Answer(answer))) => (body(answer), None),
            (_, last) => (None, Some(self.why(fate, last))),
        };
        ClientAnswer {
            service: "client".to_owned(),
            trace_id: self.trace.trace_id(),
            duration_ms: self.begun.elapsed().as_micros() as f64 / 1_000.0,
            retry_strategy: self.in_force.setting.strategy.as_str().to_owned(),
            attempts,
            success: fate.is_success(),
            backend,
            error,
        }
    }

    /// The trace learns the end, and so does the log: of a run's requests, which are many, only where it is asked for more.
    fn end_span(&mut self, attempts: u32, fate: Fate) {
        let (span, trace_id) = (self.span.take(), &self.trace);
        if span.is_some() && self.books.is_none() {
            tracing::info!(%trace_id, fate = fate.as_str(), attempts, "request ended");
        } else {
            tracing::debug!(%trace_id, fate = fate.as_str(), attempts, "request ended");
        }
        let of_run = self.of_run().map(|(books, tag)| (books.arm(), tag));
        let status = status(fate.is_success()).as_u16();
        if let Some(span) = span {
            spans::end(span, attempts, fate, status, &self.in_force, of_run);
        }
    }

    /// Why there is no good answer: what became of the last attempt, and why there is no other.
    fn why(&self, fate: Fate, last: Option<Reply>) -> String {
        let failure = last.map(|reply| match reply {
            Reply::Answer(answer) => bad_answer(answer),
            Reply::Timeout if fate == Fate::Deadline => "no answer in time".to_owned(),
            Reply::Timeout => format!("no answer within {} ms", self.in_force.timeout.as_millis()),
            Reply::Broken(e) => format!("no answer: {e}"),
        });
        let reason = match fate {
            Fate::Ok | Fate::OkAfterRetry | Fate::NotRetryable => None,
            Fate::Exhausted => failure.is_none().then_some("the run was stopped"),
            Fate::BudgetDenied => Some("the retry budget is used up"),
            Fate::BreakerOpen => Some("the breaker is open"),
            Fate::Deadline => Some("the deadline leaves no time"),
        };
        failure.into_iter().chain(reason.map(str::to_owned)).collect::<Vec<_>>().join("; ")
    }

    /// The arm whose run the request is of; empty for one of no run.
    fn arm(&self) -> &str {
        self.books.as_ref().map_or("", |books| books.arm())
    }

    fn of_run(&self) -> Option<(&Books, &RunTag)> {
        Some((self.books.as_deref()?, self.tag.as_ref()?))
    }
}

fn body(answer: Answer) -> Option<BackendAnswer> {
    serde_json::from_slice(&answer.body?).ok()
}

fn bad_answer(answer: Answer) -> String {
    let status = answer.status;
    let why = body(answer).and_then(|body| body.error).map_or_else(String::new, |error| format!(": {error}"));
    format!("the backend answered {status}{why}")
}

#[cfg(test)]
mod tests {
    use retrylab_runtime::Spans;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_request_parked_in_backoff_takes_less_than_a_kilobyte() {
        let client = Client::new(&Config::new("http://localhost:1".parse().unwrap()), Spans::default()).unwrap();
        let call = Call::arrive(&Arc::new(client), &HeaderMap::new());
        let bytes = size_of_val(&call.carry_through());
        assert!(bytes < 1_024, "{bytes} bytes");
    }
}
