//! The samples, applied as they are: each does what its first lines say. Those of the runbook are applied by it.

use std::time::Duration;

use retrylab_api::{RetryExperimentStatus, Verdict};

use crate::harness::{Experiment, Lab, arm, check_books, window};

/// Applies a sample, waits for its end, and checks that it has passed with balanced books and as predicted.
async fn passes(manifest: &str, deadline_s: u64) -> RetryExperimentStatus {
    passes_in(&Lab::shared().await, manifest, deadline_s).await
}

async fn passes_in(lab: &Lab, manifest: &str, deadline_s: u64) -> RetryExperimentStatus {
    let experiment = lab.apply(manifest).await;
    experiment.complete(Duration::from_secs(deadline_s)).await;
    check_passed(&experiment).await
}

/// Checks that an experiment that is over has passed with balanced books and as predicted.
pub async fn check_passed(experiment: &Experiment) -> RetryExperimentStatus {
    let status = experiment.status().await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    assert!(experiment.succeeded().await);
    check_books(&status);
    check_predictions(&status);
    status
}

/// Every arm was predicted, and what retries did in it is what was predicted. Times to recovery go by the latencies of a node
/// that others use as well.
fn check_predictions(status: &RetryExperimentStatus) {
    for arm in &status.arms {
        assert_eq!(arm.no_prediction, None, "{}", arm.name);
        let predicted = arm.windows.iter().filter(|window| window.predicted.is_some()).count();
        assert_eq!(predicted, arm.windows.len(), "{}", arm.name);
        let counts: Vec<_> = arm.outside_prediction.iter().filter(|what| !what.starts_with("recovery after")).collect();
        assert!(counts.is_empty(), "{}: {counts:?}", arm.name);
    }
}

#[tokio::test]
async fn budgets_filled_by_requests_go_on_in_an_outage_and_those_filled_by_success_run_dry() {
    let status = passes(include_str!("../../../../deploy/samples/budgets.yaml"), 240).await;
    let retries = |name| {
        let outage = window(arm(&status, name), "outage");
        (outage.wire_attempts - outage.requests, outage.requests)
    };
    // A tenth of what any 10 s deposited: these lie within baseline and outage.
    let baseline = window(arm(&status, "by-success"), "baseline").requests;
    let (by_requests, requests) = retries("by-requests");
    assert!(
        (by_requests + 10) * 10 > requests && by_requests <= (baseline + requests) / 10,
        "{by_requests} of {requests}"
    );
    let (by_success, _) = retries("by-success");
    assert!(by_success > 0 && by_success <= baseline / 10, "{by_success} retries after {baseline} successes");
    let fates = window(arm(&status, "by-success"), "outage").fates;
    assert!(fates.budget_denied > requests * 8 / 10, "{fates:?}");
}

#[tokio::test]
async fn hedging_makes_one_more_attempt_of_what_is_late() {
    let status = passes(include_str!("../../../../deploy/samples/hedging.yaml"), 240).await;
    let late = |name| window(arm(&status, name), "late");
    assert!(late("hedged").fates.ok_after_retry > 0, "{:?}", late("hedged").fates);
    for name in ["plain", "hedged", "within-budget"] {
        let figures = late(name);
        assert_eq!(figures.fates.ok + figures.fates.ok_after_retry, figures.requests, "{name}: {:?}", figures.fates);
    }
}

#[tokio::test]
async fn synchronisation_is_undone_by_jitter_and_nothing_else_is() {
    let status = passes(include_str!("../../../../deploy/samples/synchronisation.yaml"), 240).await;
    // Retries of the worst 100 ms, of the mean of 160 buckets: 1200 / 160.
    let worst = |name| {
        let outage = window(arm(&status, name), "outage");
        assert_eq!((outage.requests, outage.wire_attempts), (400, 1_600), "{name}");
        let index: f64 = outage.sync_index.as_deref().unwrap().parse().unwrap();
        println!("{name}: syncIndex {index}, worst 100 ms {:.0}", index * 1_200.0 / 160.0);
        index * 1_200.0 / 160.0
    };
    assert!(worst("exponential") > 300.0, "nearly all of the 400 come back at one moment");
    // 80, 61 and 40 are expected of one bucket, and the worst of several is up to four standard deviations above it.
    for (name, share) in [("equal", 0.2), ("full", 0.153), ("additive", 0.1)] {
        let (mean, deviation) = (400.0 * share, f64::sqrt(400.0 * share * (1.0 - share)));
        let worst = worst(name);
        assert!((mean - deviation..mean + 4.0 * deviation).contains(&worst), "{name}: {worst} of {mean:.0}");
    }
}

#[tokio::test]
async fn layers_multiply_and_budgets_in_each_bound_the_product() {
    let status = passes(include_str!("../../../../deploy/samples/layers.yaml"), 120).await;
    let outage = |name| window(arm(&status, name), "outage");
    let (naive, budget) = (outage("naive"), outage("budget"));
    assert_eq!(naive.requests, budget.requests);
    for pair in naive.layer_attempts.windows(2) {
        assert!((2.9..=3.0).contains(&(pair[1] as f64 / pair[0] as f64)), "{:?}", naive.layer_attempts);
    }
    for pair in budget.layer_attempts.windows(2) {
        assert!((1.05..=1.13).contains(&(pair[1] as f64 / pair[0] as f64)), "{:?}", budget.layer_attempts);
    }
}

#[tokio::test]
async fn the_tipping_point_lies_at_the_capacity_over_the_attempts() {
    let status =
        passes_in(&Lab::alone().await, include_str!("../../../../deploy/samples/tipping-point.yaml"), 240).await;
    let stuck = window(arm(&status, "three-attempts"), "recovery");
    assert_eq!(stuck.fates.ok + stuck.fates.ok_after_retry, 0, "goodput is 0 for good: {:?}", stuck.fates);
}

#[tokio::test]
async fn metastability_is_confirmed_by_shedding_load() {
    let status =
        passes_in(&Lab::alone().await, include_str!("../../../../deploy/samples/metastability.yaml"), 300).await;
    let retrying = arm(&status, "one-retry");
    let (stuck, after) = (window(retrying, "recovery"), window(retrying, "after-shed"));
    println!("stuck: {:?}, after: {:?}", stuck.fates, after.fates);
    assert!((after.fates.ok + after.fates.ok_after_retry) * 100 >= after.requests * 95, "{:?}", after.fates);
}
