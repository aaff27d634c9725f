//! What is predicted stands beside what was measured, and changes no verdict.

use std::sync::Arc;

use retrylab_api::{ArmPhase, ArmStatus, Verdict, arm_plan, setup};
use retrylab_core::sim::predict;
use serde_json::json;

use super::given::{GIVEN_UP, decide, settled, spec, step, whole};
use crate::Foresight;

/// When every pod is done.
const DONE: i64 = 5_100;

/// The prediction of an arm with this strategy, under the load and the fault of the examples.
fn prediction(strategy: &str) -> Foresight {
    let spec = spec(json!({"arms": [{"name": "none", "strategy": {"type": strategy}}]}));
    let plan = arm_plan(&spec, &spec.arms[0], "client:8000");
    Foresight::Known(Arc::new(predict(&setup(&spec, &plan), 12, 1_000_000).unwrap()))
}

/// How an experiment ends whose run went as planned, with this foresight; at `ms` the pods are looked at.
fn ended(foresight: Foresight, ms: i64) -> (Option<Verdict>, ArmStatus) {
    let (mut experiment, pods) = settled(json!({}));
    let mut observed = whole(&experiment, &pods);
    observed.foresight = foresight;
    step(&mut experiment, &observed, ms);
    let status = decide(&experiment, &pods, ms + 1).status;
    (status.verdict, status.arms[0].clone())
}

#[test]
fn figures_within_their_band_are_shown_beside_it() {
    let (verdict, arm) = ended(prediction("None"), DONE);
    assert_eq!(verdict, Some(Verdict::Passed));
    assert_eq!((arm.outside_prediction, arm.no_prediction), (vec![], None));
    let outage = arm.windows.iter().find(|window| window.name == "outage").unwrap();
    let predicted = outage.predicted.clone().unwrap();
    let band = predicted.amplification.unwrap();
    assert!(band.low.as_str() <= "1.000" && "1.000" <= band.high.as_str(), "{band:?}");
    assert!(predicted.success_rate.is_some() && predicted.wire_amplification.is_some());
    assert_eq!(arm.worst_case.as_deref(), Some("1.000"));
}

/// What is measured is an arm that does not retry, and what is predicted one that does.
#[test]
fn figures_outside_their_band_are_called_out_and_the_verdict_stays() {
    let (verdict, arm) = ended(prediction("Naive"), DONE);
    assert_eq!(verdict, Some(Verdict::Passed));
    let outside: Vec<_> =
        arm.outside_prediction.iter().map(|words| words.split(", predicted").next().unwrap()).collect();
    assert!(outside.contains(&"outage: amplification 1.000"), "{outside:?}");
    assert!(outside.contains(&"outage: wireAmplification 1.000"), "{outside:?}");
    assert!(!outside.iter().any(|words| words.starts_with("baseline")), "{outside:?}");
}

#[test]
fn an_arm_that_is_over_waits_for_its_prediction_and_not_for_ever() {
    let (verdict, arm) = ended(Foresight::Pending, DONE);
    assert_eq!((verdict, arm.phase), (None, ArmPhase::Running));
    let (verdict, arm) = ended(Foresight::Pending, GIVEN_UP + 1);
    assert_eq!((verdict, arm.phase), (Some(Verdict::Passed), ArmPhase::Complete));
    assert_eq!(arm.no_prediction.as_deref(), Some("it was not ready in time"));
}

#[test]
fn a_prediction_that_can_not_be_made_is_none_and_says_why() {
    let (verdict, arm) = ended(Foresight::Impossible("too large to simulate".into()), DONE);
    assert_eq!((verdict, arm.no_prediction.as_deref()), (Some(Verdict::Passed), Some("too large to simulate")));
    assert!(arm.windows.iter().all(|window| window.predicted.is_none()));
    assert_eq!(ended(Foresight::None, DONE).1.no_prediction, None, "a world that predicts nothing");
}
