//! `values.schema.json`: what is refused, and that it knows the same keys as `values.yaml`.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::harness::{chart, render};

/// Keys that are Helm's, and no values of ours.
const HELM_S: [&str; 2] = ["global", "retrylab-crds"];

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(format!("{}/values.schema.json", chart("retrylab"))).unwrap()).unwrap()
}

/// What is empty by default though its keys are fixed: they are Kubernetes' own.
const KUBERNETES_S: [&str; 2] = ["/affinity", "/workloads/resources"];

/// A schema, with its reference followed.
fn resolved<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

/// Where something is among the values: by keys, and in a list as its first item.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item,
}

fn pointer(path: &[Step]) -> String {
    path.iter().map(|step| if let Step::Key(key) = step { format!("/{key}") } else { "/0".to_owned() }).collect()
}

/// Values that have something in one place, and nothing else.
fn values_with(path: &[Step], what: Value) -> Value {
    path.iter()
        .rev()
        .fold(what, |inner, step| if let Step::Key(key) = step { json!({key: inner}) } else { json!([inner]) })
}

/// Calls `visit` with the path and the schema of every object that has a fixed set of keys. Every other place must have a type,
/// and what it holds as well: nothing may be put anywhere.
fn each_object(schema: &Value, part: &Value, path: &mut Vec<Step>, visit: &mut impl FnMut(&[Step], &Value)) {
    let part = resolved(schema, part);
    let place = pointer(path);
    let types: Vec<&str> = match &part["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    assert!(!types.is_empty() || part["enum"].is_array(), "{place} may be anything");
    if types.contains(&"array") {
        path.push(Step::Item);
        each_object(schema, &part["items"], path, visit);
        path.pop();
    }
    if !types.contains(&"object") {
        return;
    }
    let Some(properties) = part["properties"].as_object() else {
        // Whose keys are free, such as labels: then what they hold is not.
        let held = &part["additionalProperties"]["type"];
        assert!(held.is_string() || held.is_array(), "{place} may hold anything");
        return;
    };
    visit(path, part);
    for (key, property) in properties.iter().filter(|(key, _)| !HELM_S.contains(&key.as_str())) {
        path.push(Step::Key(key.clone()));
        each_object(schema, property, path, visit);
        path.pop();
    }
}

#[test]
fn an_unknown_key_is_refused_wherever_keys_are_fixed_and_the_message_names_it_and_its_place() {
    let schema = schema();
    let mut places = Vec::new();
    each_object(&schema, &schema, &mut Vec::new(), &mut |path, _| places.push(path.to_vec()));
    let known: BTreeSet<String> = places.iter().map(|path| pointer(path)).collect();
    for place in
        ["", "/resources", "/affinity/nodeAffinity", "/networkPolicy/scrapers/0/ipBlock", "/workloads/tolerations/0"]
    {
        assert!(known.contains(place), "{place} is not in {known:?}");
    }
    for place in places {
        let values = values_with(&place, json!({"tpyo": 1}));
        let said = render(&chart("retrylab"), &values, &[]).expect_err(&values.to_string());
        let expected = format!("- at '{}': additional properties 'tpyo' not allowed", pointer(&place));
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
        (json!({"resources": {"limit": {"memory": "1Gi"}}}), "/resources"),
        (json!({"resources": {"limits": {"memory": true}}}), "/resources/limits/memory"),
        (json!({"affinity": {"typo": 1}}), "/affinity"),
        (json!({"networkPolicy": {"scrapers": [{"tpyo": 1}]}}), "/networkPolicy/scrapers/0"),
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
        let pointer = pointer(path);
        let keys = |object: &Value| -> BTreeSet<String> { object.as_object().unwrap().keys().cloned().collect() };
        let mut known = keys(&part["properties"]);
        known.retain(|key| !HELM_S.contains(&key.as_str()));
        match values.pointer(&pointer) {
            // Lists are empty by default, and what has Kubernetes' own keys may be, with what would be in it.
            None => assert!(is_empty_above(&values, path), "values.yaml has no {pointer}"),
            Some(defaults) if defaults == &json!({}) => {
                assert!(KUBERNETES_S.contains(&&*pointer), "{pointer} is empty");
            }
            Some(defaults) => assert_eq!(known, keys(defaults), "{pointer}"),
        }
    });
}

/// Whether the defaults have an empty list or object on the way to a place.
fn is_empty_above(defaults: &Value, path: &[Step]) -> bool {
    (0..path.len()).any(|n| match defaults.pointer(&pointer(&path[..n])) {
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(object)) => object.is_empty(),
        _ => false,
    })
}
