//! Timelines: given once, with the status that finishes their arm, and the status says where they are kept.

use retrylab_api::ReportRef;
use serde_json::json;

use super::given::{decide, everywhere, settled, step, two_arms, whole};
use crate::Observed;
use retrylab_core::wire::RunState;

fn kept_in(observed: &Observed, name: Option<&str>) -> Observed {
    let kept_in = name.map(|name| ReportRef { kind: "ConfigMap".into(), name: name.into() });
    Observed { kept_in, ..observed.clone() }
}

#[test]
fn the_timeline_of_an_arm_comes_with_the_status_that_finishes_it_and_with_no_other() {
    let (mut experiment, pods) = settled(two_arms());
    assert_eq!(decide(&experiment, &everywhere(&experiment, &pods, RunState::Running), 2_000).series, None);
    let plan = decide(&experiment, &whole(&experiment, &pods), 5_100);
    let series = plan.series.unwrap();
    let total = plan.status.arms[0].windows.last().unwrap();
    assert_eq!((series.arm.as_str(), series.bucket_ms), ("first", 100));
    assert_eq!(series.arrivals.iter().sum::<u64>(), total.requests);
    assert_eq!(series.attempts.iter().sum::<u64>(), total.wire_attempts);
    // The same look gives the same timeline, as often as it is taken: it may be kept again.
    assert_eq!(decide(&experiment, &whole(&experiment, &pods), 5_200).series, Some(series));
    let over = whole(&experiment, &pods);
    step(&mut experiment, &over, 5_100);
    assert_eq!(decide(&experiment, &everywhere(&experiment, &pods, RunState::Running), 7_000).series, None);
    let over = whole(&experiment, &pods);
    let ended = step(&mut experiment, &over, 12_000);
    assert_eq!(ended.series.map(|series| series.arm).as_deref(), Some("second"));
    assert_eq!(decide(&experiment, &pods, 12_001).series, None);
}

#[test]
fn the_status_says_where_timelines_are_kept_once_one_is() {
    let (mut experiment, pods) = settled(two_arms());
    let named = |plan: crate::Plan| plan.status.report_ref.map(|place| place.name);
    let running = kept_in(&everywhere(&experiment, &pods, RunState::Running), Some("lab-report"));
    assert_eq!(named(decide(&experiment, &running, 2_000)), None);
    let over = whole(&experiment, &pods);
    assert_eq!(named(decide(&experiment, &kept_in(&over, None), 5_100)), None);
    assert_eq!(named(step(&mut experiment, &kept_in(&over, Some("lab-report")), 5_100)).as_deref(), Some("lab-report"));
    // The second one can't be kept: the first one still is.
    let over = whole(&experiment, &pods);
    assert_eq!(named(step(&mut experiment, &kept_in(&over, None), 12_000)).as_deref(), Some("lab-report"));
}

#[test]
fn an_arm_that_is_stopped_has_no_timeline() {
    let (mut experiment, pods) = settled(json!({}));
    super::given::edit(&mut experiment, |spec| spec.abort = true);
    let plan = decide(&experiment, &everywhere(&experiment, &pods, RunState::Stopped), 2_000);
    assert_eq!((plan.status.verdict, plan.series), (Some(retrylab_api::Verdict::Aborted), None));
}
