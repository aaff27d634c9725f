//! "Is it finished, did it pass?": answered by two conditions, whatever the verdict.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use retrylab_api::{ArmPhase, ConditionType, Phase, RetryExperimentStatus, Verdict};
use serde_json::{Value, json};

use crate::harness::{Experiment, Lab, SOON, check_books, set_operator_env};

/// Five seconds of load with a failure window of two.
fn quick() -> Value {
    json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 20},
        "faults": [{"name": "outage", "at": "1s", "for": "2s", "type": "Error"}],
        "duration": "5s",
    })
}

fn with(mut spec: Value, field: &str, value: Value) -> Value {
    spec[field] = value;
    spec
}

/// Waits for the end; checks that the verdict, the phase and the conditions say the same, for this generation.
async fn ends(experiment: &Experiment, deadline: Duration, verdict: Verdict) -> RetryExperimentStatus {
    let status = experiment.complete(deadline).await;
    assert_eq!((status.verdict, status.phase), (Some(verdict), Some(Phase::Complete)), "{:?}", status.message);
    assert_eq!(experiment.succeeded().await, verdict == Verdict::Passed);
    let generation = experiment.api.get(&experiment.name).await.unwrap().metadata.generation;
    assert_eq!(status.observed_generation, generation);
    for condition in &status.conditions {
        assert_eq!(condition.observed_generation, generation, "{}", condition.type_);
    }
    status
}

fn condition(status: &RetryExperimentStatus, kind: ConditionType) -> &Condition {
    status.conditions.iter().find(|c| c.type_ == kind.as_str()).unwrap()
}

#[tokio::test]
async fn one_whose_criteria_hold_is_complete_and_succeeded() {
    let lab = Lab::shared().await;
    let criteria = json!([{"name": "amp", "metric": "Amplification", "window": "outage", "min": "3", "max": "3"}]);
    let experiment = lab.experiment("passes", &with(quick(), "criteria", criteria)).await;
    let status = ends(&experiment, SOON, Verdict::Passed).await;
    check_books(&status);
    assert_eq!(status.criteria[0].holds, Some(true));
}

#[tokio::test]
async fn one_with_a_criterion_that_does_not_hold_is_complete_and_not_succeeded() {
    let lab = Lab::shared().await;
    let criteria = json!([{"name": "amp", "metric": "Amplification", "window": "outage", "max": "2.999"}]);
    let experiment = lab.experiment("fails", &with(quick(), "criteria", criteria)).await;
    let status = ends(&experiment, SOON, Verdict::Failed).await;
    check_books(&status);
    assert_eq!((status.criteria[0].holds, status.criteria[0].observed.as_deref()), (Some(false), Some("3.000")));
    assert!(status.message.unwrap().contains("amp in naive: 3.000"));
}

#[tokio::test]
async fn one_aborted_in_mid_window_is_complete_at_once_and_its_workloads_go() {
    let lab = Lab::shared().await;
    let long = json!([{"name": "outage", "at": "1s", "for": "60s", "type": "Error"}]);
    let experiment = lab.experiment("aborted", &with(with(quick(), "duration", json!("90s")), "faults", long)).await;
    experiment.until_condition(ConditionType::FaultActive, SOON).await;
    experiment.patch_spec(&json!({"abort": true})).await.unwrap();
    let status = ends(&experiment, Duration::from_secs(5), Verdict::Aborted).await;
    assert_eq!(status.arms[0].phase, ArmPhase::Stopped);
    assert_eq!(condition(&status, ConditionType::FaultActive).status, "False");
    experiment.until_nothing_remains(SOON).await;
    assert_eq!(experiment.status().await.verdict, Some(Verdict::Aborted));
}

#[tokio::test]
async fn one_whose_image_does_not_exist_fails_in_time_and_names_it() {
    let lab = Lab::shared().await;
    let image = "localhost/retrylab-nobody:none";
    let spec = with(with(quick(), "client", json!({"image": image})), "readyTimeout", json!("10s"));
    let experiment = lab.experiment("imageless", &spec).await;
    let status = ends(&experiment, SOON, Verdict::Error).await;
    assert!(status.message.as_ref().unwrap().contains(image), "{:?}", status.message);
    assert_eq!(condition(&status, ConditionType::WorkloadsReady).reason, "DeadlineExceeded");
    let created = experiment.api.get("imageless").await.unwrap().metadata.creation_timestamp.unwrap();
    let took = status.finished_at.unwrap().0.duration_since(created.0);
    assert!((10..=14).contains(&took.as_secs()), "it took {took:?}");
    experiment.until_nothing_remains(SOON).await;
}

/// What only the operator knows to refuse: a rate above its cap.
#[tokio::test]
async fn an_invalid_one_is_complete_at_once_names_the_field_is_never_deployed_and_runs_once_it_is_mended() {
    let lab = Lab::alone().await;
    let cap = Cap::set(100).await;
    let experiment = lab.experiment("capped", &with(quick(), "load", json!({"rate": 101}))).await;
    let status = ends(&experiment, SOON, Verdict::Error).await;
    let accepted = condition(&status, ConditionType::Accepted);
    assert_eq!((accepted.status.as_str(), accepted.reason.as_str()), ("False", "Invalid"));
    let message = status.message.as_deref().unwrap();
    assert!(message.contains("spec.load.rate") && message.contains("1 to 100"), "{message}");
    assert_eq!(experiment.remains().await, "");
    lab.experiment("capped", &with(quick(), "load", json!({"rate": 100}))).await;
    let status = experiment.until("passed", SOON, |status| status.verdict == Some(Verdict::Passed)).await;
    check_books(&status);
    cap.remove().await;
}

/// A cap on the rate, for as long as this lives.
struct Cap(bool);

impl Cap {
    async fn set(rate_max: u32) -> Self {
        let cap = Self(true);
        set_operator_env(&format!("RETRYLAB_RATE_MAX={rate_max}")).await;
        cap
    }

    async fn remove(mut self) {
        self.0 = false;
        set_operator_env("RETRYLAB_RATE_MAX-").await;
    }
}

/// Also when the test fails: the other tests want an operator without it.
impl Drop for Cap {
    fn drop(&mut self) {
        if self.0 {
            let unset =
                ["set", "env", "deployment/retrylab-operator", "--namespace=retrylab-system", "RETRYLAB_RATE_MAX-"];
            std::process::Command::new("kubectl").args(unset).output().ok();
        }
    }
}
