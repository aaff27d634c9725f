//! The rules of a spec in Rust, over the table of objects that must be refused, and the CRD's shape.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use retrylab_api::{Caps, RetryExperimentSpec, Span, arm_plan, crd, validate};
use serde::Deserialize;
use serde_json::{Value, json};

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
fn the_operator_s_caps_are_rules() {
    let caps = Caps { rate_max: 100, duration_max: Span::from_millis(60_000), replicas_max: 2 };
    let check = |patch: Value, expected: Option<(&str, &str)>| {
        let mut spec = table().base;
        merge(&mut spec, &patch);
        let spec: RetryExperimentSpec = serde_json::from_value(spec).unwrap();
        validate(&spec, Caps::default()).unwrap();
        let error = validate(&spec, caps).err();
        assert_eq!(error.as_ref().map(|e| (e.field.as_str(), e.allowed.as_str())), expected, "{patch}");
    };
    check(json!({"load": {"rate": 100}}), None);
    check(json!({"load": {"rate": 101}}), Some(("spec.load.rate", "1 to 100")));
    let bursts = |requests: u32, rate: u32| {
        json!({"load": {"rate": null, "bursts": [
            {"name": "instant", "at": "1s", "requests": requests}, {"name": "wave", "at": "2s", "rate": rate, "for": "1s"},
        ]}})
    };
    check(bursts(100, 100), None);
    check(bursts(101, 100), Some(("spec.load.bursts[0].requests", "1 to 100")));
    check(bursts(100, 101), Some(("spec.load.bursts[1].rate", "1 to 100")));
    let bursts = |steady: u32, bursts: Value| json!({"load": {"rate": steady, "bursts": bursts}});
    let wave = |name: &str, at: &str, rate: u32| json!({"name": name, "at": at, "rate": rate, "for": "2s"});
    let overlapping = json!([wave("a", "1s", 50), wave("b", "2s", 30)]);
    check(bursts(20, overlapping.clone()), None);
    check(bursts(21, overlapping), Some(("spec.load (its requests per second)", "1 to 100")));
    check(bursts(50, json!([wave("a", "1s", 50), wave("b", "3s", 50)])), None);
    let instant = |name: &str, at: &str, requests: u32| json!({"name": name, "at": at, "requests": requests});
    check(bursts(100, json!([instant("a", "1s", 60), instant("b", "1s", 40), instant("c", "2s", 100)])), None);
    let together = "spec.load.bursts (their requests at one instant)";
    check(bursts(1, json!([instant("a", "1s", 60), instant("b", "1s", 41)])), Some((together, "1 to 100")));
    check(json!({"duration": "60s"}), None);
    check(json!({"duration": "61s"}), Some(("spec.duration", "1s to 60s")));
    for role in ["client", "backend"] {
        check(json!({role: {"replicas": 2}}), None);
        check(json!({role: {"replicas": 3}}), Some((&format!("spec.{role}.replicas"), "1 to 2")));
    }
}

/// What users send depends on the answers, but it can't be more than users / pause, and all of them at one instant.
#[test]
fn a_closed_loop_that_could_send_more_than_a_cap_that_was_lowered_is_refused() {
    let check = |load: Value, cap: u32, expected: Option<(&str, &str, &str)>| {
        let mut spec = table().base;
        let mut load = load;
        load["rate"] = Value::Null;
        merge(&mut spec, &json!({"load": load}));
        let spec: RetryExperimentSpec = serde_json::from_value(spec).unwrap();
        let error = validate(&spec, Caps { rate_max: cap, ..Caps::default() }).err();
        let said = error.as_ref().map(|e| (e.field.as_str(), e.given.as_str(), e.allowed.as_str()));
        assert_eq!(said, expected, "{load}");
    };
    let sum = "spec.load (its requests per second)";
    check(json!({"users": 100}), 100, None);
    check(json!({"users": 101}), 100, Some((sum, "101", "1 to 100")));
    check(json!({"users": 10, "thinkTime": "100ms"}), 100, None);
    check(json!({"users": 10, "thinkTime": "99ms"}), 100, Some((sum, "102", "1 to 100")));
    check(json!({"users": 101, "thinkTime": "1m"}), 100, Some((sum, "101", "1 to 100")));
    check(json!({"stages": [{"for": "1s", "users": 100}, {"for": "1s", "users": 0}]}), 100, None);
    check(
        json!({"stages": [{"for": "1s", "users": 101}, {"for": "1s", "users": 0}]}),
        100,
        Some((sum, "101", "1 to 100")),
    );
    let wave = json!([{"name": "wave", "at": "1s", "rate": 50, "for": "1s"}]);
    check(json!({"users": 50, "bursts": wave}), 100, None);
    check(json!({"users": 51, "bursts": wave}), 100, Some((sum, "101", "1 to 100")));
    let pause = "more than 0s, since the operator allows 19999 requests per second";
    check(json!({"users": 1, "thinkTime": "0s"}), 19_999, Some(("spec.load.thinkTime", "0s", pause)));
    check(json!({"users": 1_000, "thinkTime": "0s"}), 20_000, None);
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
