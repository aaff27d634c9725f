//! What the span of a request says.

use std::time::Duration;

use retrylab_core::{fault::FaultKind, station::End, wire::RunTag};
use retrylab_runtime::Span;

/// A request's span, if one is recorded. It ends when nobody waits for the request any more.
#[derive(Debug)]
pub struct RequestSpan {
    span: Option<Box<Span>>,
    /// Whether its end has been said.
    is_told: bool,
}

impl RequestSpan {
    /// The span of a request, an attempt of this number if that was said, of the arm's run.
    pub fn new(span: Option<Box<Span>>, attempt: Option<u32>, of_run: Option<(&str, &RunTag)>) -> Self {
        let span = span.map(|mut span| {
            if let Some(attempt) = attempt {
                span.set("retrylab.attempt.number", i64::from(attempt));
            }
            if let Some((arm, tag)) = of_run {
                span.of_run(arm, tag);
            }
            span
        });
        Self { span, is_told: false }
    }

    /// Whether anything is recorded.
    pub const fn is_recorded(&self) -> bool {
        self.span.is_some()
    }

    /// A fault strikes the request.
    pub fn struck(&mut self, kind: &FaultKind) {
        let Some(span) = &mut self.span else { return };
        let name = match kind {
            FaultKind::Error { .. } => "Error",
            FaultKind::Latency { .. } => "Latency",
            FaultKind::Blackhole { .. } => "Blackhole",
            FaultKind::Reset { .. } => "Reset",
            FaultKind::Refuse { .. } => "Refuse",
            FaultKind::Freeze => "Freeze",
            FaultKind::Capacity { .. } => "Capacity",
        };
        span.set("retrylab.fault", name);
    }

    /// A fault ends the request.
    pub fn injected(&mut self) {
        self.tell("injected");
    }

    /// Its connection is cut.
    pub fn cut_off(&mut self) {
        self.tell("cutOff");
    }

    /// The request has left the station, where it was in service for so long.
    pub fn left(&mut self, end: End, processing: Duration) {
        self.tell(end.as_str());
        if let Some(span) = &mut self.span {
            span.set("retrylab.processing_ms", processing.as_micros() as f64 / 1_000.0);
        }
    }

    /// It is answered.
    pub fn answered(&mut self, status: u16) {
        if let Some(span) = &mut self.span {
            span.answered(status, 500);
        }
    }

    fn tell(&mut self, end: &'static str) {
        self.is_told = true;
        if let Some(span) = &mut self.span {
            span.set("retrylab.end", end);
        }
    }
}

impl Drop for RequestSpan {
    /// Whoever waited has gone.
    fn drop(&mut self) {
        if !self.is_told {
            self.tell("disconnected");
        }
    }
}
