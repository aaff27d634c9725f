//! What the API server refuses, by the CRD alone: no operator has a part in this.

use kube::api::{PostParams, Request};
use retrylab_api::{ConditionType, RetryExperiment};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Lab, SOON, manifest};

/// The table that the rules in Rust are held against as well.
#[derive(Deserialize)]
struct Table {
    base: Value,
    cases: Vec<Case>,
    accepted: Vec<Accepted>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    patch: Value,
    field: String,
    #[serde(default)]
    item: String,
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
    patch: Value,
}

/// Creates an experiment for show, with strict validation as `kubectl` asks for it.
async fn create(lab: &Lab, spec: &Value) -> Result<(), String> {
    let path = format!("/apis/retrylab.dev/v1alpha1/namespaces/{}/retryexperiments", lab.namespace);
    let body = serde_json::to_vec(&manifest("refused", spec)).unwrap();
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let mut request = Request::new(path).create(&dry_run, body).unwrap();
    *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri()).parse().unwrap();
    lab.client.request::<Value>(request).await.map(drop).map_err(|e| e.to_string())
}

/// JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[tokio::test]
async fn every_bad_object_of_the_table_is_refused_with_a_message_that_names_the_field_and_no_other_one() {
    let lab = Lab::shared().await;
    let table: Table = serde_saphyr::from_str(include_str!("../../../api/tests/refused.yaml")).unwrap();
    assert!(table.cases.len() >= 40, "{} cases", table.cases.len());
    assert_eq!(create(&lab, &table.base).await, Ok(()));
    let mut wrong = Vec::new();
    for Case { name, patch, field, item } in table.cases {
        let mut spec = table.base.clone();
        merge(&mut spec, &patch);
        match create(&lab, &spec).await {
            Err(message) if message.contains(&field) && message.contains(&item) => {}
            other => wrong.push(format!("{name}: expected a message with {field:?} and {item:?}, got {other:?}")),
        }
    }
    for Accepted { name, patch } in table.accepted {
        let mut spec = table.base.clone();
        merge(&mut spec, &patch);
        if let Err(message) = create(&lab, &spec).await {
            wrong.push(format!("{name}: expected to be accepted, got {message}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_spec_can_be_edited_before_the_start_and_then_only_in_three_fields() {
    let lab = Lab::shared().await;
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 10},
        "faults": [{"name": "outage", "at": "1s", "for": "2s", "type": "Error"}],
        "duration": "60s",
        "suspend": true,
    });
    let experiment = lab.experiment("fixed", &spec).await;
    experiment.until_condition(ConditionType::Paused, SOON).await;
    let rate = |edited: RetryExperiment| edited.spec.load.rate;
    assert_eq!(experiment.patch_spec(&json!({"load": {"rate": 11}})).await.map(rate).unwrap(), Some(11));
    experiment.patch_spec(&json!({"suspend": false})).await.unwrap();
    let started = experiment.until("started", SOON, |status| status.started_at.is_some()).await;
    for edit in [
        json!({"seed": 2}),
        json!({"arms": [{"name": "none", "strategy": {"type": "None"}}]}),
        json!({"load": {"rate": 12}}),
        json!({"faults": []}),
        json!({"duration": "61s"}),
        json!({"client": {"replicas": 2}}),
        json!({"backend": {"concurrency": 1}}),
        json!({"loadgen": {"image": "other"}}),
        json!({"criteria": [{"name": "c", "metric": "Amplification", "max": "1"}]}),
        json!({"readyTimeout": "20s"}),
    ] {
        let message = experiment.patch_spec(&edit).await.expect_err(&edit.to_string()).to_string();
        assert!(message.contains("an experiment that has started can't be changed"), "{edit}: {message}");
    }
    for edit in [json!({"ttlSecondsAfterFinished": 1}), json!({"suspend": true}), json!({"abort": true})] {
        experiment.patch_spec(&edit).await.unwrap_or_else(|e| panic!("{edit}: {e}"));
    }
    let status = experiment.complete(SOON).await;
    assert_eq!(status.arms[0].run, started.arms[0].run);
}
