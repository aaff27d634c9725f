//! Traces: spans that a service records and sends as OTLP. Without an endpoint there is no exporter and no span, and a
//! request costs what it costs without this module: one look at an `Option`.
//!
//! Whoever serves never waits for whoever sends. A span that has ended goes into a queue with a bound (`queue`), and one that
//! finds it full is dropped and counted.

mod queue;
mod span;

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, InstrumentationScope,
    trace::{Span as _, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use prometheus::Registry;

pub use span::{Span, attribute};

use crate::headers::TraceContext;
use queue::Counts;

/// Either of them turns traces on. Where the second one is set, it is the whole URL.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// How long a process that ends waits for its last spans to be sent. With the time that its requests are given, less than
/// a pod has.
const LAST_EXPORT: Duration = Duration::from_secs(1);

/// Where a service's spans go; by default nowhere.
#[derive(Clone, Debug, Default)]
pub struct Spans(Option<Arc<Recorder>>);

/// Why there are no traces though the environment asks for them.
#[derive(Debug, thiserror::Error)]
pub enum NoTraces {
    /// It names no endpoint that can be used.
    #[error("cannot send traces: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// A metric can't be made.
    #[error("cannot count spans: {0}")]
    Counts(#[from] prometheus::Error),
}

#[derive(Debug)]
struct Recorder {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    counts: Counts,
}

impl Spans {
    /// To the collector that OpenTelemetry's environment variables name; nowhere, if they name none.
    ///
    /// # Errors
    /// When the variables name no endpoint that can be used.
    pub fn from_env(service: &'static str) -> Result<Self, NoTraces> {
        if ENDPOINTS.iter().all(|name| env::var(name).unwrap_or_default().is_empty()) {
            return Ok(Self::default());
        }
        let exporter = SpanExporter::builder().with_http().build()?;
        Self::to(exporter, service, queue::capacity())
    }

    /// To an exporter, through a queue of so many spans.
    ///
    /// # Errors
    /// When a metric can't be made.
    pub fn to(
        exporter: impl opentelemetry_sdk::trace::SpanExporter + 'static,
        service: &'static str,
        capacity: usize,
    ) -> Result<Self, NoTraces> {
        let (processor, counts) = queue::bounded(exporter, capacity)?;
        // A name in the environment goes before the service's own.
        let named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name(service) };
        let provider =
            SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource.build()).build();
        let scope = InstrumentationScope::builder("retrylab").with_version(env!("CARGO_PKG_VERSION")).build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self(Some(Arc::new(Recorder { provider, tracer, counts }))))
    }

    /// Registers what is counted of spans; nothing where there are none.
    ///
    /// # Errors
    /// When the registry has a metric of its name.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        self.0.as_ref().map_or(Ok(()), |recorder| recorder.counts.register(registry))
    }

    /// A request arrives: its trace, which is the one that it came with or a new one, and its span, if one is recorded.
    /// `draw`: the id of a new trace that nobody records.
    pub fn arrive(&self, headers: &HeaderMap, draw: impl FnOnce() -> u128) -> (TraceContext, Option<Box<Span>>) {
        let Some(recorder) = &self.0 else { return (TraceContext::of(headers, draw), None) };
        let parent = match TraceContext::given(headers) {
            Some(trace) => Context::new().with_remote_span_context(trace.into()),
            None => Context::new(),
        };
        let begun = (Instant::now(), SystemTime::now());
        let builder = span::of_a_request().with_start_time(begun.1);
        let span = recorder.tracer.build_with_context(builder, &parent);
        let trace = span.span_context().into();
        let is_recorded = span.is_recording();
        (trace, is_recorded.then(|| Box::new(Span::new(span, recorder.tracer.clone(), begun))))
    }

    /// Sends what has ended; call when nothing is served any more. Blocks for a second at most.
    pub fn flush(&self) {
        if let Some(recorder) = &self.0 {
            // What could not be sent in time is said with what was lost before.
            let _ended = recorder.provider.shutdown_with_timeout(LAST_EXPORT);
            recorder.counts.say_losses();
        }
    }
}

#[cfg(test)]
mod tests;
