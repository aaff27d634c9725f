//! One request, from its arrival to its fate: attempts and waits as the policy in force says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use retrylab_core::{
    policy::{Decision, Fate, Outcome, Retrier},
    rng,
    wire::{BackendAnswer, ClientAnswer, RunTag},
};
use retrylab_runtime::{TraceContext, run_tag};

use crate::{
    books::Books,
    client::Client,
    strategy::InForce,
    upstream::{Attempt, Reply},
};

/// The purpose of a draw is in the upper bits of its RNG stream: the load generator's are 0, the backend's 2.
const STREAM: u64 = 1 << 62;

/// A request under way. Kept small: a storm parks many of them in backoff.
pub struct Call {
    client: Arc<Client>,
    in_force: Arc<InForce>,
    begun: Instant,
    trace: TraceContext,
    tag: Option<RunTag>,
    /// Of the run that the request belongs to.
    books: Option<Arc<Books>>,
}

impl Call {
    /// A request arrives, and is counted.
    pub fn arrive(client: &Arc<Client>, headers: &HeaderMap) -> Self {
        let begun = Instant::now();
        let tag = run_tag(headers);
        client.metrics.request();
        Self {
            client: Arc::clone(client),
            in_force: client.strategy.in_force(),
            begun,
            trace: TraceContext::of(headers, || client.unforeseen.trace_id()),
            books: client.open_books.request(tag.as_ref()),
            tag,
        }
    }

    /// Makes attempts until the policy says that it is over. Whoever calls this sees it through, or the request has no
    /// fate.
    pub async fn carry_through(self) -> ClientAnswer {
        let mut retrier = Retrier::new(&self.in_force.setting.policy);
        loop {
            let number = retrier.attempts() + 1;
            // Boxed, and so gone during the wait, with all of the answer.
            let reply = Box::pin(self.attempt(number)).await;
            match self.decide(&mut retrier, number, reply.outcome()) {
                Decision::End(fate) => return self.end(number, fate, Some(reply)),
                Decision::Retry(wait) => {
                    drop(reply);
                    if !self.waited(wait).await {
                        return self.end(number, Fate::Exhausted, None);
                    }
                }
            }
        }
    }

    async fn attempt(&self, number: u32) -> Reply {
        let Client { metrics, upstream, unforeseen, .. } = &*self.client;
        metrics.attempt(self.in_force.setting.strategy, number);
        if let Some((books, tag)) = self.of_run() {
            books.attempt(tag.offset_us, number);
        }
        let traceparent = self.trace.traceparent(unforeseen.span_id());
        let attempt = Attempt { number, traceparent, tag: self.tag.as_ref() };
        let reply = upstream.attempt(attempt, self.in_force.timeout).await;
        metrics.reply(&reply);
        reply
    }

    /// What follows an attempt. A run's request draws its jitter from the run's seed, by its own number and the
    /// attempt's, so that it waits as long in every repetition; anything else draws what nobody can foresee.
    fn decide(&self, retrier: &mut Retrier<'_>, number: u32, outcome: Outcome) -> Decision {
        match self.of_run() {
            Some((books, tag)) => retrier.after(outcome, &mut rng(books.seed, stream(tag.serial, number))),
            None => self.client.unforeseen.draw(|rng| retrier.after(outcome, rng)),
        }
    }

    /// Waits before a retry. False: the run was stopped, and there is to be no retry.
    async fn waited(&self, wait: Duration) -> bool {
        if wait.is_zero() {
            // Even the shortest sleep would take a millisecond.
            return !self.books.as_ref().is_some_and(|books| books.is_stopped());
        }
        let Some(books) = &self.books else {
            tokio::time::sleep(wait).await;
            return true;
        };
        tokio::select! {
            biased;
            () = books.until_stopped() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    fn end(&self, attempts: u32, fate: Fate, last: Option<Reply>) -> ClientAnswer {
        self.client.metrics.end(self.in_force.setting.strategy, fate);
        if let Some((books, tag)) = self.of_run() {
            books.end(tag.offset_us, fate);
        }
        let (backend, error) = match last {
            Some(Reply::Answer(answer)) => {
                let body = answer.body.and_then(|body| serde_json::from_slice::<BackendAnswer>(&body).ok());
                if fate.is_success() { (body, None) } else { (None, Some(bad_answer(answer.status, body))) }
            }
            Some(Reply::Timeout) => (None, Some(format!("no answer within {} ms", self.in_force.timeout.as_millis()))),
            Some(Reply::Broken(e)) => (None, Some(format!("no answer: {e}"))),
            None => (None, Some("the run was stopped".to_owned())),
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

    fn of_run(&self) -> Option<(&Books, &RunTag)> {
        Some((self.books.as_deref()?, self.tag.as_ref()?))
    }
}

/// The RNG stream of the wait after an attempt; a policy has fewer than 32 of them.
fn stream(serial: u64, attempt: u32) -> u64 {
    STREAM | (serial << 5) & (STREAM - 1) | u64::from(attempt & 31)
}

fn bad_answer(status: u16, body: Option<BackendAnswer>) -> String {
    let why = body.and_then(|body| body.error).map_or_else(String::new, |error| format!(": {error}"));
    format!("the backend answered {status}{why}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;

    #[test]
    fn every_wait_of_every_request_has_a_stream_of_its_own() {
        let all: BTreeSet<u64> = (0..100).flat_map(|serial| (1..=20).map(move |n| stream(serial, n))).collect();
        assert_eq!(all.len(), 2_000);
        assert!(stream(u64::MAX, 20) < 2 * STREAM, "beyond the client's streams begin the backend's");
    }

    #[test]
    fn a_request_parked_in_backoff_takes_less_than_a_kilobyte() {
        let client = Client::new(&Config::new("http://localhost:1".parse().unwrap())).unwrap();
        let call = Call::arrive(&Arc::new(client), &HeaderMap::new());
        let bytes = size_of_val(&call.carry_through());
        assert!(bytes < 1_024, "{bytes} bytes");
    }
}
