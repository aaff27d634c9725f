//! What is measured is what the documentation says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exposition;
mod labels;
mod table;

use std::{env, fs, path::PathBuf};

#[tokio::test]
async fn the_metric_table_is_that_of_the_components() {
    let expected = table::document(&exposition::expositions().await);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/metrics.md is out of date: UPDATE=1 cargo test -p retrylab-operator --test monitoring"
    );
}

#[tokio::test]
async fn new_metrics_have_the_products_prefix() {
    let theirs = [
        "backend_calls_total",
        "failure_injection_active",
        "failure_requests_total",
        "http_request_duration_seconds",
        "http_requests_total",
        "requests_during_failure_total",
        "retry_attempts_total",
        "retry_strategy_active",
    ];
    for (component, exposition) in exposition::expositions().await {
        for name in exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(name.starts_with("retrylab_") || theirs.contains(&name), "{name} of {component}");
        }
    }
}
