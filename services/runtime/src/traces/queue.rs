//! The queue between whoever serves and whoever sends, with a bound and with counts.
//!
//! OpenTelemetry's batch processor has a thread of its own and a bound, and tells how many spans it has dropped only as it
//! ends. So spans are counted on both sides of it: those that wait never exceed its own bound, and it drops none.

use std::{
    env,
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Spans that wait for the exporter at most, unless the environment says otherwise.
const CAPACITY: usize = 2_048;

/// The bound that the environment sets, or the default.
pub(super) fn capacity() -> usize {
    let given = env::var("OTEL_BSP_MAX_QUEUE_SIZE").ok().and_then(|text| text.parse().ok());
    given.filter(|&capacity| capacity > 0).unwrap_or(CAPACITY)
}

/// A processor that hands spans to an exporter, of which so many may wait.
///
/// # Errors
/// When the counts can't be made.
pub(super) fn bounded(
    exporter: impl SpanExporter + 'static,
    capacity: usize,
) -> prometheus::Result<(impl SpanProcessor, Counts)> {
    let counts = Counts::new()?;
    let exporter = Counting { exporter, counts: counts.clone() };
    let config = BatchConfigBuilder::default().with_max_queue_size(capacity).build();
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    Ok((Bounded { batches, capacity, counts: counts.clone() }, counts))
}

/// What became of spans.
#[derive(Clone, Debug)]
pub(super) struct Counts(Arc<Tally>);

#[derive(Debug)]
struct Tally {
    waiting: AtomicUsize,
    /// The last batch could not be sent.
    failing: AtomicBool,
    spans: IntCounterVec,
    sent: IntCounter,
    dropped: IntCounter,
    failed: IntCounter,
}

impl Counts {
    fn new() -> prometheus::Result<Self> {
        let help = "Spans that have ended: sent, dropped since too many waited to be sent, or failed to be sent";
        let spans = IntCounterVec::new(Opts::new("retrylab_spans_total", help), &["result"])?;
        let [sent, dropped, failed] = ["sent", "dropped", "failed"].map(|result| spans.with_label_values(&[result]));
        let (waiting, failing) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Self(Arc::new(Tally { waiting, failing, spans, sent, dropped, failed })))
    }

    /// Registers `retrylab_spans_total`.
    pub(super) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.0.spans.clone()))
    }

    /// Says at the end how many spans were lost, if any were.
    pub(super) fn say_losses(&self) {
        let (dropped, failed) = (self.0.dropped.get(), self.0.failed.get());
        let unsent = self.0.waiting.load(Ordering::Acquire) as u64;
        if dropped + failed + unsent > 0 {
            tracing::warn!(dropped, failed, unsent, sent = self.0.sent.get(), "spans were lost");
        }
    }

    /// Whether there is room for another span, which is taken.
    fn enter(&self, capacity: usize) -> bool {
        let entered = self
            .0
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| (waiting < capacity).then_some(waiting + 1));
        if entered.is_err() {
            if self.0.dropped.get() == 0 {
                tracing::warn!(capacity, "spans are dropped: more end than can be sent");
            }
            self.0.dropped.inc();
        }
        entered.is_ok()
    }

    /// Spans have left the queue.
    fn leave(&self, spans: usize, result: &OTelSdkResult) {
        self.0.waiting.fetch_sub(spans, Ordering::AcqRel);
        let counter = if result.is_ok() { &self.0.sent } else { &self.0.failed };
        counter.inc_by(spans as u64);
        // A collector that is away is said once, not with every batch.
        let failed_before = self.0.failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(error) if !failed_before => tracing::warn!(%error, "spans can't be sent"),
            Ok(()) if failed_before => tracing::info!(lost = self.0.failed.get(), "spans are sent again"),
            _ => {}
        }
    }
}

/// Lets no more spans in than may wait.
#[derive(Debug)]
struct Bounded {
    batches: BatchSpanProcessor,
    capacity: usize,
    counts: Counts,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.counts.enter(self.capacity) {
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Counts what an exporter is given and what it makes of it.
#[derive(Debug)]
struct Counting<E> {
    exporter: E,
    counts: Counts,
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.counts.leave(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
