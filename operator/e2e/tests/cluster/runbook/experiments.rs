//! The runbook's experiments, once they are over: each does what the first lines of its sample say.

use retrylab_api::{FatesStatus, RetryExperimentStatus};

use crate::{
    closed_forms::{Law, Outage},
    harness::{Experiment, Lab, arm, window},
    samples::check_passed,
};

/// Checks all of them; they are over.
pub async fn check(lab: &Lab) {
    let passed = async |name| check_passed(&Experiment::new(lab, name)).await;
    baseline_makes_no_retry(&passed("baseline").await);
    naive_makes_exactly_thirty_backend_requests_of_a_burst_of_ten(&passed("naive").await);
    backoff_sends_2_90_on_the_wire_makes_3_60_by_cohort_and_loses_30_percent(&passed("backoff").await);
    jitter_is_what_the_closed_form_says(&passed("jitter").await);
    load_test_shows_what_an_outage_does_to_users_who_wait(&passed("load-test").await);
    comparison_gives_every_arm_the_same_requests(&passed("comparison").await);
}

fn baseline_makes_no_retry(status: &RetryExperimentStatus) {
    let total = window(&status.arms[0], "total");
    assert!(total.requests > 0);
    assert_eq!((total.attempts, total.fates.ok), (total.requests, total.requests));
}

fn naive_makes_exactly_thirty_backend_requests_of_a_burst_of_ten(status: &RetryExperimentStatus) {
    let outage = window(&status.arms[0], "outage");
    assert_eq!((outage.requests, outage.attempts, outage.wire_attempts, outage.backend_requests), (10, 30, 30, 30));
    assert_eq!(outage.amplification.as_deref(), Some("3.000"));
    assert_eq!(outage.backend_amplification.as_deref(), Some("3.000"));
    assert_eq!(outage.success_rate.as_deref(), Some("0.000"));
    assert_eq!(outage.fates, FatesStatus { exhausted: 10, ..FatesStatus::default() });
}

fn backoff_sends_2_90_on_the_wire_makes_3_60_by_cohort_and_loses_30_percent(status: &RetryExperimentStatus) {
    check_outage(status, &Outage { length_s: 10.0, offsets_s: &[0.0, 1.0, 3.0, 7.0] });
    let outage = window(&status.arms[0], "outage");
    let lost = outage.fates.exhausted as f64 / outage.requests as f64;
    Law::chance(0.3).check("lost", Some(&lost.to_string()), outage.requests);
}

fn jitter_is_what_the_closed_form_says(status: &RetryExperimentStatus) {
    check_outage(status, &Outage { length_s: 15.0, offsets_s: &[0.0, 1.5, 4.5, 10.5] });
}

fn comparison_gives_every_arm_the_same_requests(status: &RetryExperimentStatus) {
    let requests = |name| arm(status, name).windows.iter().map(|w| (w.name.clone(), w.requests)).collect::<Vec<_>>();
    assert!(window(arm(status, "naive"), "outage").requests > 10);
    for name in ["backoff", "jitter"] {
        assert_eq!(requests(name), requests("naive"), "{name}");
    }
    let peak = |name| window(arm(status, name), "total").peak_amplification.clone().unwrap();
    println!("peaks: naive {}, backoff {}, jitter {}", peak("naive"), peak("backoff"), peak("jitter"));
}

fn load_test_shows_what_an_outage_does_to_users_who_wait(status: &RetryExperimentStatus) {
    let in_outage = |name| window(arm(status, name), "outage").requests;
    assert!(in_outage("naive") > in_outage("jitter"), "{} and {}", in_outage("naive"), in_outage("jitter"));
}

/// Checks the window `outage` of the one arm against theory.
fn check_outage(status: &RetryExperimentStatus, expected: &Outage<'_>) {
    let outage = window(&status.arms[0], "outage");
    expected.wire_attempts().check("wire amplification", outage.wire_amplification.as_deref(), outage.requests);
    expected.attempts().check("cohort amplification", outage.amplification.as_deref(), outage.requests);
    expected.saved().check("saved", outage.success_rate.as_deref(), outage.requests);
}
