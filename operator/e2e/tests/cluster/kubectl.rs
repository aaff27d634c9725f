//! What `kubectl` shows without any plugin.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Lab, SOON, eventually, kubectl, try_kubectl};

#[tokio::test]
async fn explain_has_a_text_for_every_level() {
    // The API server publishes the texts a moment after it serves the kind.
    let published = async || try_kubectl(&["explain", "rx"]).await.ok();
    eventually("the texts are published", SOON, published).await;
    for field in [
        "rx",
        "rx.spec",
        "rx.spec.seed",
        "rx.spec.arms",
        "rx.spec.arms.strategy",
        "rx.spec.arms.strategy.backoff",
        "rx.spec.arms.strategy.backoff.maxAttempts",
        "rx.spec.load",
        "rx.spec.load.bursts",
        "rx.spec.load.bursts.requests",
        "rx.spec.load.stages.for",
        "rx.spec.faults",
        "rx.spec.faults.percent",
        "rx.spec.duration",
        "rx.spec.client.timeout",
        "rx.spec.backend.serviceTime",
        "rx.spec.criteria.window",
        "rx.status",
        "rx.status.verdict",
        "rx.status.arms",
        "rx.status.arms.run.startsAt",
        "rx.status.arms.windows",
        "rx.status.arms.windows.wireAmplification",
        "rx.status.arms.windows.fates.exhausted",
        "rx.status.arms.evidence.accountingGap",
        "rx.status.conditions",
    ] {
        let shown = kubectl(&["explain", field]).await;
        let (_, description) = shown.split_once("DESCRIPTION:\n").unwrap_or_else(|| panic!("{field}: {shown}"));
        let text = description.lines().next().unwrap_or_default().trim();
        assert!(!text.is_empty() && text != "<empty>", "{field}: {shown}");
    }
}

#[tokio::test]
async fn get_shows_the_result_in_columns() {
    let lab = Lab::shared().await;
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 50, "arrivals": "Uniform"},
        "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
        "duration": "14s",
    });
    let experiment = lab.experiment("columns", &spec).await;
    let status = experiment.complete(Duration::from_secs(60)).await;
    let summary = status.summary.unwrap();
    for resource in ["rx", "retryexperiments", "retrylab"] {
        let shown = kubectl(&["get", resource, "--namespace", &lab.namespace]).await;
        // Columns are three spaces apart, since values may have one.
        let mut rows = shown
            .lines()
            .map(|line| line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>());
        let headings = ["NAME", "PHASE", "VERDICT", "ARM", "AMP", "PEAK", "SUCCESS", "RECOVERY", "AGE"];
        assert_eq!(rows.next().unwrap(), headings);
        let row = rows.next().unwrap();
        let figures =
            [&summary.amplification, &summary.peak_amplification, &summary.success_rate, &summary.time_to_recovery];
        let figures = figures.map(|figure| figure.as_deref().unwrap());
        assert_eq!(row[..4], ["columns", "Complete", "Passed", "naive"]);
        assert_eq!(row[4..8], figures);
    }
}
