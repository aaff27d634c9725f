//! Every switch on and off: what comes out is always what Kubernetes takes.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{chart, everything, find, objects, pods, render, run, tool, try_find};

/// Values for every place that takes more than a switch.
fn set() -> Value {
    json!({
        "fullnameOverride": "lab", "commonLabels": {"team": "sre"},
        "image": {
            "registry": "registry.example:5000/lab", "tag": "v1", "pullPolicy": "Always",
            "pullSecrets": [{"name": "registry"}], "operator": {"digest": format!("sha256:{}", "0f".repeat(32))},
        },
        "watchNamespaces": ["lab", "lab-2"],
        "caps": {"rate": 10, "duration": "5m", "replicas": 2},
        "resources": {"limits": {"cpu": 1}}, "priorityClassName": "high", "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}}, "podLabels": {"a": "b"}, "podAnnotations": {"c": "d"},
        "workloads": {
            "labels": {"e": "f"}, "annotations": {"g": "it's a \"test\""}, "priorityClassName": "low",
            "resources": {"requests": {"cpu": "1"}}, "nodeSelector": {"pool": "lab"},
            "tolerations": [{"key": "lab", "operator": "Exists"}],
        },
        "otlp": {"endpoint": "http://jaeger.tracing:4318", "sampleRatio": 0.5},
        "serviceAccount": {"name": "somebody", "annotations": {"h": "i"}},
        "networkPolicy": {"enabled": true, "apiServerPorts": [16443], "scrapers": [{"namespaceSelector": {}}]},
    })
}

/// The default, each switch turned, everything on, and everything set.
fn combinations() -> Vec<Value> {
    let mut combinations = vec![json!({}), everything(), set()];
    for (part, off) in [
        ("crds", json!({"enabled": false})),
        ("rbac", json!({"create": false})),
        ("rbac", json!({"aggregate": false})),
        ("serviceAccount", json!({"create": false})),
        ("serviceAccount", json!({"create": false, "name": "theirs"})),
        ("podDisruptionBudget", json!({"enabled": true, "maxUnavailable": 0})),
        ("networkPolicy", json!({"enabled": true})),
        ("watchNamespaces", json!(["lab"])),
    ] {
        combinations.push(json!({part: off}));
    }
    for part in ["serviceMonitor", "podMonitor", "prometheusRule", "dashboards"] {
        combinations.push(json!({"monitoring": {part: {"enabled": true}}}));
    }
    combinations
}

#[test]
fn every_combination_passes_lint_and_the_schemas_of_kubernetes() {
    let schemas = format!("{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", tool("schemas").display());
    // Whose schemas Kubernetes does not have. The experiment is held against its own rules elsewhere.
    let others = "-skip=RetryExperiment,ServiceMonitor,PodMonitor,PrometheusRule";
    for values in combinations() {
        run("helm", &["lint", "--strict", "--values", "-", &chart("retrylab")], &values.to_string()).unwrap();
        let rendered = render(&chart("retrylab"), &values, &[]).unwrap();
        run("kubeconform", &["-strict", others, "-schema-location", &schemas], &rendered)
            .unwrap_or_else(|said| panic!("{values}: {said}"));
    }
    run("helm", &["lint", "--strict", &chart("retrylab-crds")], "").unwrap();
}

#[test]
fn every_object_has_the_chart_s_labels_and_those_that_it_was_given() {
    for values in combinations() {
        let mut labels = json!({"app.kubernetes.io/part-of": "retrylab", "app.kubernetes.io/instance": "retrylab"});
        for (key, value) in values["commonLabels"].as_object().into_iter().flatten() {
            labels[key] = value.clone();
        }
        for object in objects(&values).iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
            for (key, value) in labels.as_object().unwrap() {
                assert_eq!(&object["metadata"]["labels"][key], value, "{values}: {object}");
            }
        }
    }
}

#[test]
fn labels_that_are_given_never_overrule_those_that_are_selected_by() {
    let label = json!({"app.kubernetes.io/name": "mine"});
    let made = objects(&json!({"commonLabels": label, "podLabels": label}));
    assert_eq!(pods(&made)[0].0["labels"]["app.kubernetes.io/name"], "retrylab-operator");
}

#[test]
fn a_switch_takes_its_objects_away() {
    let names = [
        ("CustomResourceDefinition", "retryexperiments.retrylab.dev", json!({"crds": {"enabled": false}})),
        ("ClusterRole", "retrylab-system:retrylab-operator", json!({"rbac": {"create": false}})),
        ("ClusterRoleBinding", "retrylab-system:retrylab-operator", json!({"rbac": {"create": false}})),
        ("ClusterRole", "retrylab-system:retrylab-view", json!({"rbac": {"aggregate": false}})),
        ("ClusterRole", "retrylab-system:retrylab-edit", json!({"rbac": {"aggregate": false}})),
        ("ServiceAccount", "retrylab-operator", json!({"serviceAccount": {"create": false}})),
    ];
    let default = objects(&json!({}));
    for (kind, name, off) in names {
        find(&default, kind, name);
        assert_eq!(try_find(&objects(&off), kind, name), None);
    }
    let on = objects(&everything());
    for (kind, name) in [
        ("PodDisruptionBudget", "retrylab-operator"),
        ("NetworkPolicy", "retrylab-operator"),
        ("ServiceMonitor", "retrylab-operator"),
        ("PodMonitor", "retrylab-workloads"),
    ] {
        find(&on, kind, name);
        assert_eq!(try_find(&default, kind, name), None);
    }
}

#[test]
fn the_definition_is_kept_when_the_release_is_uninstalled() {
    let made = objects(&json!({}));
    let definition = find(&made, "CustomResourceDefinition", "retryexperiments.retrylab.dev");
    assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
}

#[test]
fn both_charts_have_the_version_of_the_programs() {
    for name in ["retrylab", "retrylab-crds"] {
        let file = fs::read_to_string(format!("{}/Chart.yaml", chart(name))).unwrap();
        let chart: Value = serde_saphyr::from_str(&file).unwrap();
        assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"), "{name}");
        for dependency in chart["dependencies"].as_array().into_iter().flatten() {
            assert_eq!(dependency["version"], env!("CARGO_PKG_VERSION"), "{dependency}");
        }
    }
}
