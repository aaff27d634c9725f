//! What `kubectl explain` says of the definition's fields, read as a user does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use retrylab_api::{Span, crd};
use serde_json::Value;

/// Does something with each field below `path`, and with the items of each list.
fn walk(path: &str, schema: &Value, act: &mut impl FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        act(&path, property);
        walk(&path, property, act);
    }
    if schema["items"].is_object() {
        let path = format!("{path}[]");
        act(&path, &schema["items"]);
        walk(&path, &schema["items"], act);
    }
}

/// The fields, but for the conditions', whose words are Kubernetes', of which something is wrong.
fn wrong(is_wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let definition = serde_json::to_value(crd()).unwrap();
    let mut wrong = Vec::new();
    walk("", &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut |path, schema| {
        if !path.starts_with(".status.conditions[]") && is_wrong(path, schema) {
            wrong.push(path.to_owned());
        }
    });
    wrong
}

fn told(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

const NOTHING: [String; 0] = [];

#[test]
fn every_field_is_explained() {
    let of_itself = [".status", ".metadata"];
    let bare = |path: &str, schema: &Value| {
        told(schema).is_empty()
            && !of_itself.contains(&path)
            && (schema["properties"].is_object() || !path.ends_with("[]"))
    };
    assert_eq!(wrong(bare), NOTHING);
}

/// `kubectl explain` wraps lines by itself, and keeps those that it is given.
#[test]
fn no_text_is_broken_into_lines() {
    assert_eq!(wrong(|_, schema| told(schema).contains('\n')), NOTHING);
}

/// `kubectl explain` shows a list's text and that of its items one after the other.
#[test]
fn a_list_and_its_items_do_not_begin_with_the_same_words() {
    let begin = |schema: &Value| told(schema).split(' ').take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        wrong(|_, schema| !told(&schema["items"]).is_empty() && begin(schema) == begin(&schema["items"])),
        NOTHING
    );
}

/// Of an optional enum it is the type's own text that is shown, which must say it all.
#[test]
fn every_value_that_may_be_chosen_is_named_in_the_text() {
    let unsaid = |_: &str, schema: &Value| {
        let values = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        values.into_iter().any(|value| !told(schema).contains(value))
    };
    assert_eq!(wrong(unsaid), NOTHING);
}

#[test]
fn every_default_is_told() {
    let untold = |path: &str, schema: &Value| {
        let default = match &schema["default"] {
            Value::String(text) => text.clone(),
            scalar @ (Value::Number(_) | Value::Bool(_)) => scalar.to_string(),
            _ => return false,
        };
        let said = told(schema).split_once("Default: ").map_or("", |(_, rest)| rest);
        let said = said.split(' ').next().unwrap_or_default().trim_matches(['.', ',', '"']);
        let same = |a: &str, b: &str| a == b || a.parse::<Span>().is_ok_and(|span| b.parse() == Ok(span));
        path.starts_with(".spec") && !same(&default, said)
    };
    assert_eq!(wrong(untold), NOTHING);
}
