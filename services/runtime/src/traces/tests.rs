//! The queue has a bound, nobody waits for the exporter, and what is lost is counted.

use std::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::SpanData,
};
use prometheus::TextEncoder;

use super::*;

/// An exporter that says that it has a batch, and waits to be told what becomes of it.
#[derive(Debug)]
struct Told {
    batches: Sender<usize>,
    results: Mutex<Receiver<OTelSdkResult>>,
}

impl opentelemetry_sdk::trace::SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.batches.send(batch.len()).unwrap();
        self.results.lock().unwrap().recv().unwrap()
    }
}

/// Spans through a queue of `capacity`, with the batches that its exporter is given and the way to tell it what becomes of
/// them.
fn told(capacity: usize) -> (Spans, Receiver<usize>, Sender<OTelSdkResult>) {
    let ((batches, given), (tell, results)) = (channel(), channel());
    let exporter = Told { batches, results: Mutex::new(results) };
    (Spans::to(exporter, "test", capacity).unwrap(), given, tell)
}

fn request(spans: &Spans) {
    let (_, span) = spans.arrive(&HeaderMap::new(), || panic!("the id is the span's"));
    drop(span.expect("it is recorded"));
}

fn check_counts(spans: &Spans, dropped: u64, failed: u64, sent: u64) {
    let registry = Registry::new();
    spans.register(&registry).unwrap();
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for (result, count) in [("dropped", dropped), ("failed", failed), ("sent", sent)] {
        let line = format!("retrylab_spans_total{{result=\"{result}\"}} {count}\n");
        assert!(text.contains(&line), "no {line} in {text}");
    }
}

#[test]
fn what_finds_the_queue_full_is_dropped_and_counted_and_nobody_waits() {
    let (spans, given, tell) = told(4);
    // The exporter takes the first four and is stuck with them: they are waiting still.
    for _ in 0..10 {
        request(&spans);
    }
    assert_eq!(given.recv().unwrap(), 4);
    check_counts(&spans, 6, 0, 0);
    tell.send(Ok(())).unwrap();
    spans.flush();
    check_counts(&spans, 6, 0, 4);
}

#[test]
fn what_can_not_be_sent_is_counted() {
    let (spans, _given, tell) = told(4);
    request(&spans);
    tell.send(Err(OTelSdkError::InternalFailure("the collector is away".into()))).unwrap();
    spans.flush();
    check_counts(&spans, 0, 1, 0);
}

#[test]
fn without_an_exporter_there_is_no_span_and_the_trace_is_drawn_as_ever() {
    let spans = Spans::default();
    let (trace, span) = spans.arrive(&HeaderMap::new(), || 7);
    assert!(span.is_none());
    assert_eq!(trace, TraceContext::of(&HeaderMap::new(), || 7));
    spans.flush();
}

#[test]
fn whoever_has_no_span_carries_only_the_room_for_a_pointer() {
    assert_eq!(size_of::<Option<Box<Span>>>(), size_of::<usize>());
}
