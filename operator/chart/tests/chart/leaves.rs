//! Every single value of the chart: each does something, and what is empty by default may as well be nothing.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::harness::{chart, everything, merged, notes, render};

/// Every value, other than its default.
pub fn others() -> Value {
    let image = json!({"repository": "other", "tag": "v2", "digest": format!("sha256:{}", "0f".repeat(32))});
    json!({
        "fullnameOverride": "lab", "commonLabels": {"team": "sre"}, "crds": {"enabled": false},
        "image": {
            "registry": "registry.example:5000/lab", "tag": "v1", "pullPolicy": "Always",
            "pullSecrets": [{"name": "registry"}],
            "operator": image, "client": image, "backend": image, "loadgen": image,
        },
        "watchNamespaces": ["lab", "lab-2"],
        "caps": {"rate": 10, "duration": "5m", "replicas": 2},
        "reports": {"open": true}, "logLevel": "debug",
        "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        "priorityClassName": "high", "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["system"]}]}},
        ]}},
        "podLabels": {"a": "b"}, "podAnnotations": {"c": "d"},
        "workloads": {
            "labels": {"e": "f"}, "annotations": {"g": "it's a \"test\""}, "priorityClassName": "low",
            "resources": {"requests": {"cpu": "1"}}, "nodeSelector": {"pool": "lab"},
            "tolerations": [{"key": "lab", "operator": "Exists"}],
        },
        "otlp": {"endpoint": "http://jaeger.tracing:4318", "sampleRatio": 0.5},
        "serviceAccount": {"create": false, "name": "somebody", "annotations": {"h": "i"}},
        "rbac": {"create": false, "aggregate": false},
        "podDisruptionBudget": {"enabled": false, "maxUnavailable": 0},
        "networkPolicy": {
            "enabled": false, "apiServerPorts": [16443],
            "scrapers": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "prometheus"}}}],
        },
        "monitoring": {
            "labels": {"release": "stack"},
            "serviceMonitor": {"enabled": false, "interval": "7s"}, "podMonitor": {"enabled": false, "interval": "7s"},
            "prometheusRule": {"enabled": false},
            "dashboards": {"enabled": false, "labels": {"grafana_dashboard": "2"}, "annotations": {"folder": "lab"}},
        },
    })
}

/// The single values of `values`, by their place; what is an object by default has its keys as values, unless it is empty.
fn leaves(defaults: &Value, values: &Value) -> BTreeMap<String, Value> {
    let Some(keys) = defaults.as_object().filter(|keys| !keys.is_empty()) else {
        return [(String::new(), values.clone())].into();
    };
    let below = |key: &String| {
        leaves(&defaults[key], &values[key]).into_iter().map(|(k, v)| (format!("/{key}{k}"), v)).collect::<Vec<_>>()
    };
    keys.keys().flat_map(below).collect()
}

/// Values that have one in its place, and no others.
fn only(place: &str, value: Value) -> Value {
    place.rsplit('/').filter(|key| !key.is_empty()).fold(value, |inner, key| json!({key: inner}))
}

fn defaults() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(format!("{}/values.yaml", chart("retrylab"))).unwrap()).unwrap()
}

#[test]
fn every_value_changes_what_is_rendered() {
    let defaults = defaults();
    // Everything on, or what belongs to a switch that is off would change nothing.
    let base = merged(&everything(), &json!({"otlp": {"endpoint": "http://collector:4318"}}));
    let before = render(&chart("retrylab"), &base, &[]).unwrap();
    let idle: Vec<String> = leaves(&defaults, &others())
        .into_iter()
        .filter(|(place, value)| {
            assert!(!value.is_null(), "add another value than the default of {place}");
            let values = merged(&base, &only(place, value.clone()));
            render(&chart("retrylab"), &values, &[]).unwrap_or_else(|said| panic!("{values}: {said}")) == before
        })
        .map(|(place, _)| place)
        .collect();
    assert_eq!(idle, Vec::<String>::new());
}

/// `--set KEY=null` takes a value away.
#[test]
fn what_is_empty_by_default_may_be_taken_away() {
    let (defaults, mut tried) = (defaults(), 0);
    for base in [json!({}), everything()] {
        let before = render(&chart("retrylab"), &base, &[]).unwrap();
        for (place, value) in leaves(&defaults, &defaults) {
            if [json!({}), json!([]), json!("")].contains(&value) {
                let values = merged(&base, &only(&place, Value::Null));
                let rendered = render(&chart("retrylab"), &values, &[]);
                assert!(rendered.unwrap_or_else(|said| panic!("{values}: {said}")) == before, "{place}");
                assert!(notes(&values).contains("runs experiments in every namespace"), "{place}");
                tried += 1;
            }
        }
    }
    assert!(tried > 40, "{tried}");
}
