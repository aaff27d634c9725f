//! Attempts that fail independently of each other: amplification is (1 − pⁿ)/(1 − p).

use std::time::Duration;

use retrylab_api::Verdict;
use serde_json::json;

use crate::{
    closed_forms::{Law, independent_failures},
    harness::{Lab, arm, check_books, window},
};

#[tokio::test]
async fn four_attempts_under_failures_of_30_50_and_90_percent_amplify_by_1_417_1_875_and_3_439() {
    let lab = Lab::shared().await;
    let fault = |percent: u32, at_s: u32| {
        let (name, at) = (format!("percent-{percent}"), format!("{at_s}s"));
        json!({"name": name, "at": at, "for": "10s", "type": "Error", "percent": percent})
    };
    let spec = json!({
        "arms": [{"name": "four", "strategy": {"type": "Naive", "naive": {"maxAttempts": 4}}}],
        "load": {"rate": 200},
        "faults": [fault(30, 2), fault(50, 13), fault(90, 24)],
        "duration": "36s",
    });
    let experiment = lab.experiment("independent", &spec).await;
    let status = experiment.complete(Duration::from_secs(90)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    for (percent, shown) in [(30, "1.417"), (50, "1.875"), (90, "3.439")] {
        let (name, p) = (format!("percent-{percent}"), f64::from(percent) / 100.0);
        let fault = window(arm(&status, "four"), &name);
        let law = independent_failures(p, 4);
        assert_eq!(format!("{:.3}", law.mean), shown);
        law.check(&name, fault.amplification.as_deref(), fault.requests);
        Law::chance(1.0 - p.powi(4)).check(&name, fault.success_rate.as_deref(), fault.requests);
    }
}
