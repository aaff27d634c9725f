//! The rules of a spec in Rust, over the table of objects that must be refused, and the CRD's shape.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use retrylab_api::{Caps, RetryExperimentSpec, arm_plan, crd, validate};
use serde::Deserialize;
use serde_json::Value;

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
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
    patch: Value,
}

fn table() -> Table {
    serde_saphyr::from_str(include_str!("refused.yaml")).unwrap()
}

fn check_rules(spec: Value) -> Result<(), String> {
    let spec: RetryExperimentSpec = serde_path_to_error::deserialize(spec).map_err(|e| e.to_string())?;
    validate(&spec, Caps::default()).map_err(|e| e.to_string())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

#[test]
fn the_table_s_base_is_accepted() {
    assert_eq!(check_rules(table().base), Ok(()));
}

#[test]
fn an_error_s_retry_after_reaches_the_backend_in_seconds() {
    let mut spec = table().base;
    let fault = serde_json::json!({"name": "f", "at": "1s", "for": "1s", "type": "Error", "retryAfter": "2m"});
    merge(&mut spec, &serde_json::json!({"faults": [fault]}));
    assert_eq!(check_rules(spec.clone()), Ok(()));
    let spec: RetryExperimentSpec = serde_json::from_value(spec).unwrap();
    let plan = arm_plan(&spec, &spec.arms[0], "client:8000");
    assert_eq!(plan.backend.faults[0].kind.retry_after_s(), Some(120));
}

#[test]
fn every_object_of_the_table_is_refused_with_a_message_that_names_the_field() {
    let table = table();
    assert!(table.cases.len() >= 40, "{} cases", table.cases.len());
    let mut wrong = Vec::new();
    for case in table.cases {
        let mut spec = table.base.clone();
        merge(&mut spec, &case.patch);
        match check_rules(spec) {
            Err(message) if message.contains(&case.field) => {}
            other => wrong.push(format!("{}: expected a message with {:?}, got {other:?}", case.name, case.field)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_object_at_the_edge_of_what_is_allowed_is_accepted() {
    let Table { base, accepted, .. } = table();
    for Accepted { name, patch } in accepted {
        let mut spec = base.clone();
        merge(&mut spec, &patch);
        assert_eq!(check_rules(spec), Ok(()), "{name}");
    }
}

#[test]
fn the_operator_s_cap_on_the_rate_is_a_rule() {
    let mut spec = table().base;
    spec["load"]["rate"] = 500.into();
    let spec: RetryExperimentSpec = serde_json::from_value(spec).unwrap();
    let error = validate(&spec, Caps { rate_max: 100 }).unwrap_err();
    assert_eq!((error.field.as_str(), error.allowed.as_str()), ("spec.load.rate", "1 to 100"));
}

#[test]
fn nothing_in_the_definition_is_unbounded_or_of_an_unknown_format() {
    fn walk(path: &str, schema: &Value, wrong: &mut Vec<String>) {
        let kind = schema["type"].as_str().unwrap_or_default();
        let bounded = match kind {
            "array" => schema["maxItems"].is_u64(),
            "string" => schema["maxLength"].is_u64() || schema["enum"].is_array(),
            "integer" => schema["maximum"].is_number(),
            _ => true,
        };
        if !bounded || schema["format"].as_str().is_some_and(|f| f.starts_with('u')) || kind == "number" {
            wrong.push(path.to_owned());
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, wrong);
        }
        if schema["items"].is_object() {
            walk(&format!("{path}[]"), &schema["items"], wrong);
        }
    }
    let definition = serde_json::to_value(crd()).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut wrong = Vec::new();
    walk("spec", schema, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?}");
}
