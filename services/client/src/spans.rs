//! What the spans of a request and of its attempts say.

use std::time::{Duration, Instant};

use retrylab_core::{
    policy::{AttemptKind, Fate, Outcome, Start},
    wire::RunTag,
};
use retrylab_runtime::{Span, attribute};

use crate::{config::BackendUrl, strategy::InForce, upstream::Reply};

/// How long attempts were waited for. For a request without a span no time is taken.
pub struct Waits {
    since: Option<Instant>,
}

impl Waits {
    /// From when the request began, if it has a span.
    pub const fn of(since: Option<Instant>) -> Self {
        Self { since }
    }

    /// An attempt begins or ends; gives the time since one last did.
    pub fn lap(&mut self) -> Option<Duration> {
        let (since, now) = (self.since?, Instant::now());
        self.since = Some(now);
        Some(now - since)
    }
}

/// The span of an attempt; given up, if it is dropped without having ended.
pub struct AttemptSpan {
    span: Span,
    has_ended: bool,
}

impl AttemptSpan {
    /// An attempt begins, after so long a wait.
    pub fn begin(request: &Span, backend: &BackendUrl, start: Start, waited: Duration) -> Self {
        let mut span = request.of_a_call();
        let (host, port) = backend.host_and_port();
        span.set(attribute::SERVER_ADDRESS, host);
        span.set(attribute::SERVER_PORT, i64::from(port));
        span.set(attribute::URL_FULL, backend.url());
        if start.number > 1 {
            span.set(attribute::HTTP_REQUEST_RESEND_COUNT, i64::from(start.number) - 1);
        }
        span.set("retrylab.attempt.number", i64::from(start.number));
        span.set("retrylab.attempt.kind", kind(start.kind));
        span.set("retrylab.attempt.wait_ms", waited.as_micros() as f64 / 1_000.0);
        Self { span, has_ended: false }
    }

    /// The span's id.
    pub fn id(&self) -> u64 {
        self.span.id()
    }

    /// The attempt ended.
    pub fn ended(mut self, reply: &Reply) {
        self.has_ended = true;
        match reply {
            Reply::Answer(answer) => self.span.answered(answer.status, 400),
            Reply::Timeout => self.span.failed("timeout"),
            Reply::Broken(_) => self.span.failed("connection"),
        }
        self.span.set("retrylab.attempt.outcome", outcome(reply.outcome()));
    }
}

impl Drop for AttemptSpan {
    fn drop(&mut self) {
        if !self.has_ended {
            self.span.set("retrylab.attempt.outcome", "givenUp");
        }
    }
}

/// A request ended; its span ends with this.
pub fn end(
    mut span: Box<Span>,
    attempts: u32,
    fate: Fate,
    status: u16,
    in_force: &InForce,
    of_run: Option<(&str, &RunTag)>,
) {
    span.answered(status, 500);
    span.set("retrylab.strategy", in_force.setting.strategy.as_str());
    span.set("retrylab.attempts", i64::from(attempts));
    span.set("retrylab.fate", fate.as_str());
    if let Some((arm, tag)) = of_run {
        span.of_run(arm, tag);
    }
}

const fn kind(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::First => "first",
        AttemptKind::Retry => "retry",
        AttemptKind::Hedge => "hedge",
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Retryable => "retryable",
        Outcome::TimedOut => "timedOut",
        Outcome::NotRetryable => "notRetryable",
    }
}
