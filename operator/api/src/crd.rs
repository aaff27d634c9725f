//! The `CustomResourceDefinition`, as it is applied.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::RetryExperiment;

/// The definition of `RetryExperiment`.
///
/// # Panics
/// Never: the definition is made of constants, and a test makes it.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = serde_json::to_value(RetryExperiment::crd()).expect("a definition is JSON");
    strip_unknown_formats(&mut crd);
    join_lines(&mut crd);
    // It is a template of the chart retrylab-crds: uninstalling must not take every experiment and its results along.
    crd["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    // kstatus takes an object that tells no generation for one that is as it should be: nobody has looked at this one yet.
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    schema["properties"]["status"]["default"] = json!({"observedGeneration": -1});
    serde_json::from_value(crd).expect("a definition without formats is a definition")
}

/// Removes the formats that schemars gives to unsigned integers and that the API server warns about.
fn strip_unknown_formats(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("uint")) {
                map.remove("format");
            }
            map.values_mut().for_each(strip_unknown_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_unknown_formats),
        _ => {}
    }
}

/// Joins the lines of doc comments: `kubectl explain` wraps a description by itself, and keeps the breaks that are in it.
fn join_lines(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            map.values_mut().for_each(join_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}
