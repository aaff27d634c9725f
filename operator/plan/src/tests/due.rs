//! By when something happens to an experiment.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::given::{GIVEN_UP, at, edit, experiment, ready, step};
use crate::{Observed, due};

#[test]
fn every_stage_has_its_time_and_the_end_and_a_pause_have_none() {
    let mut experiment = experiment(json!({}));
    experiment.metadata.creation_timestamp = Some(Time(at(-5_000)));
    assert_eq!(due(&experiment), Some(at(-5_000)), "it should have been seen at once");
    step(&mut experiment, &Observed::default(), 0);
    assert_eq!(due(&experiment), Some(at(30_000)), "pods have the readyTimeout");
    let pods = ready(&experiment.spec);
    step(&mut experiment, &pods, 0);
    assert_eq!(due(&experiment), Some(at(GIVEN_UP + 30_000)), "a run has its longest time, and 30 s to be stopped in");
    edit(&mut experiment, |spec| spec.abort = true);
    step(&mut experiment, &pods, 2_000);
    assert_eq!(due(&experiment), None);
}

#[test]
fn what_is_suspended_waits_for_nothing() {
    let mut experiment = experiment(json!({"suspend": true}));
    let pods = ready(&experiment.spec);
    step(&mut experiment, &pods, 0);
    assert_eq!(due(&experiment), None);
}
