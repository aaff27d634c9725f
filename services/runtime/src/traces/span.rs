//! One span under way.

use std::time::{Instant, SystemTime};

use opentelemetry::{
    Context, Value,
    trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use retrylab_core::wire::RunTag;

/// The names that OpenTelemetry's semantic conventions have for what HTTP services say.
pub mod attribute {
    pub use opentelemetry_semantic_conventions::attribute::{
        ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_RESEND_COUNT, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
        SERVER_ADDRESS, SERVER_PORT, URL_FULL, URL_PATH, URL_SCHEME,
    };
}

/// The only thing that services ask of each other, as it names spans.
const NAME: &str = "GET /process";

/// A span under way; it ends when it is dropped. The wall clock is read once for a request: all times of its spans are that
/// one and what the monotonic clock has added, so that they fit together to the microsecond and none is set back.
#[derive(Debug)]
pub struct Span {
    recording: SdkSpan,
    tracer: SdkTracer,
    begun: (Instant, SystemTime),
}

/// What the span of a request that a service is sent begins with.
pub(super) fn of_a_request() -> SpanBuilder {
    use opentelemetry::KeyValue;
    SpanBuilder::from_name(NAME).with_kind(SpanKind::Server).with_attributes([
        KeyValue::new(attribute::HTTP_REQUEST_METHOD, "GET"),
        KeyValue::new(attribute::HTTP_ROUTE, "/process"),
        KeyValue::new(attribute::URL_PATH, "/process"),
        KeyValue::new(attribute::URL_SCHEME, "http"),
    ])
}

impl Span {
    pub(super) const fn new(recording: SdkSpan, tracer: SdkTracer, begun: (Instant, SystemTime)) -> Self {
        Self { recording, tracer, begun }
    }

    /// A request that the service sends on behalf of this one; it begins now.
    #[must_use]
    pub fn of_a_call(&self) -> Self {
        let builder = SpanBuilder::from_name(NAME).with_kind(SpanKind::Client).with_start_time(self.now());
        let parent = Context::new().with_remote_span_context(self.recording.span_context().clone());
        let recording = self.tracer.build_with_context(builder, &parent);
        let mut call = Self { recording, tracer: self.tracer.clone(), begun: self.begun };
        call.set(attribute::HTTP_REQUEST_METHOD, "GET");
        call
    }

    /// The span's id: what it calls is beneath it.
    pub fn id(&self) -> u64 {
        u64::from_be_bytes(self.recording.span_context().span_id().to_bytes())
    }

    /// Says something of it; once for each name.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.recording.set_attribute(opentelemetry::KeyValue::new(name, value));
    }

    /// The request is one of an arm's run.
    pub fn of_run(&mut self, arm: &str, tag: &RunTag) {
        self.set("retrylab.arm", arm.to_owned());
        self.set("retrylab.run", tag.run.clone());
        self.set("retrylab.request", tag.serial as i64);
    }

    /// It was answered with this status. `error_from`: the first that is an error; for whoever serves that is 500, for
    /// whoever calls 400.
    pub fn answered(&mut self, status: u16, error_from: u16) {
        self.set(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
        if status >= error_from {
            self.failed(status.to_string());
        }
    }

    /// It failed, in a way of which there are few.
    pub fn failed(&mut self, how: impl Into<Value>) {
        self.set(attribute::ERROR_TYPE, how);
        self.recording.set_status(Status::error(""));
    }

    fn now(&self) -> SystemTime {
        self.begun.1 + self.begun.0.elapsed()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let now = self.now();
        self.recording.end_with_timestamp(now);
    }
}
