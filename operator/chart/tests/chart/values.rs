//! `values.schema.json`: what is refused, and that it knows the same keys as `values.yaml`.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::harness::{chart, render};

/// Keys that are Helm's, and no values of ours.
const HELM_S: [&str; 2] = ["global", "retrylab-crds"];

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(format!("{}/values.schema.json", chart("retrylab"))).unwrap()).unwrap()
}

/// A schema, with its reference followed.
fn resolved<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

/// Calls `visit` with the path and the properties of every object that has a fixed set of keys.
fn each_object(schema: &Value, part: &Value, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], &Value)) {
    let part = resolved(schema, part);
    let Some(properties) = part["properties"].as_object() else { return };
    visit(path, part);
    for (key, property) in properties.iter().filter(|(key, _)| !HELM_S.contains(&key.as_str())) {
        path.push(key.clone());
        each_object(schema, property, path, visit);
        path.pop();
    }
}

#[test]
fn an_unknown_key_is_refused_wherever_keys_are_fixed_and_the_message_names_it_and_its_place() {
    let schema = schema();
    let mut places = Vec::new();
    each_object(&schema, &schema, &mut Vec::new(), &mut |path, _| places.push(path.to_vec()));
    assert!(places.len() > 15, "{places:?}");
    for place in places {
        let mut values = json!({"tpyo": 1});
        for key in place.iter().rev() {
            values = json!({key: values});
        }
        let said = render(&chart("retrylab"), &values, &[]).expect_err(&values.to_string());
        let pointer: String = place.iter().flat_map(|key| ["/", key]).collect();
        let expected = format!("- at '{pointer}': additional properties 'tpyo' not allowed");
        assert!(said.contains(&expected), "expected {expected}, got {said}");
    }
}

#[test]
fn what_a_value_cannot_be_is_refused_and_the_message_names_its_place() {
    for (values, place) in [
        (json!({"caps": {"rate": 0}}), "/caps/rate"),
        (json!({"caps": {"rate": 20_001}}), "/caps/rate"),
        (json!({"caps": {"duration": 60}}), "/caps/duration"),
        (json!({"caps": {"duration": "soon"}}), "/caps/duration"),
        (json!({"caps": {"replicas": 11}}), "/caps/replicas"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "/image/pullPolicy"),
        (json!({"image": {"operator": {"digest": "0f"}}}), "/image/operator/digest"),
        (json!({"image": {"pullSecrets": ["registry"]}}), "/image/pullSecrets/0"),
        (json!({"watchNamespaces": "lab"}), "/watchNamespaces"),
        (json!({"watchNamespaces": ["lab", "lab"]}), "/watchNamespaces"),
        (json!({"watchNamespaces": [""]}), "/watchNamespaces/0"),
        (json!({"workloads": {"resources": {"limits": {"cpu": 1}}}}), "/workloads/resources/limits/cpu"),
        (json!({"workloads": {"tolerations": [{"keys": "lab"}]}}), "/workloads/tolerations/0"),
        (json!({"podDisruptionBudget": {"maxUnavailable": 2}}), "/podDisruptionBudget/maxUnavailable"),
        (json!({"monitoring": {"podMonitor": {"interval": 1}}}), "/monitoring/podMonitor/interval"),
        (json!({"otlp": {"endpoint": "https://jaeger:4318"}}), "/otlp/endpoint"),
        (json!({"otlp": {"sampleRatio": 1.5}}), "/otlp/sampleRatio"),
        (json!({"otlp": {"sampleRatio": "1.5"}}), "/otlp/sampleRatio"),
        (json!({"monitoring": {"serviceMonitor": {"interval": "0s"}}}), "/monitoring/serviceMonitor/interval"),
        (json!({"retrylab-crds": {"enabled": false}}), "/retrylab-crds"),
    ] {
        let said = render(&chart("retrylab"), &values, &[]).expect_err(&values.to_string());
        assert!(said.contains(&format!("- at '{place}'")), "{values}: {said}");
    }
}

#[test]
fn the_schema_and_the_file_with_the_defaults_know_the_same_keys() {
    let values: Value =
        serde_saphyr::from_str(&fs::read_to_string(format!("{}/values.yaml", chart("retrylab"))).unwrap()).unwrap();
    let schema = schema();
    each_object(&schema, &schema, &mut Vec::new(), &mut |path, part| {
        let pointer: String = path.iter().flat_map(|key| ["/", key]).collect();
        let defaults = values.pointer(&pointer).unwrap_or_else(|| panic!("values.yaml has no {pointer}"));
        let keys = |object: &Value| -> BTreeSet<String> { object.as_object().unwrap().keys().cloned().collect() };
        let mut known = keys(&part["properties"]);
        known.retain(|key| !HELM_S.contains(&key.as_str()));
        // `workloads.resources` is empty by default: it is the operator's then.
        if pointer != "/workloads/resources" {
            assert_eq!(known, keys(defaults), "{pointer}");
        }
    });
}
