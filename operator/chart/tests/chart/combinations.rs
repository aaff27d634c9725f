//! Switches in all positions, two by two: what comes out is always what Kubernetes takes.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::{
    harness::{chart, everything, find, merged, objects, pods, render, run, try_find},
    leaves::others,
    schemas::{defined, kubernetes_s},
};

/// What switches the chart has, each turned from its default.
fn switches() -> [Value; 11] {
    [
        json!({"crds": {"enabled": false}}),
        json!({"rbac": {"create": false}}),
        json!({"rbac": {"aggregate": false}}),
        json!({"serviceAccount": {"create": false}}),
        json!({"podDisruptionBudget": {"enabled": true}}),
        json!({"networkPolicy": {"enabled": true}}),
        json!({"watchNamespaces": ["lab", "lab-2"]}),
        json!({"monitoring": {"serviceMonitor": {"enabled": true}}}),
        json!({"monitoring": {"podMonitor": {"enabled": true}}}),
        json!({"monitoring": {"prometheusRule": {"enabled": true}}}),
        json!({"monitoring": {"dashboards": {"enabled": true}}}),
    ]
}

/// Which switches are turned, in twelve sets: of any two, each alone, both and neither, three times (Plackett and Burman, 1946).
fn turned() -> Vec<[bool; 11]> {
    let first = "++-+++---+-".as_bytes();
    let row = |shift: usize| std::array::from_fn(|i| first[(i + shift) % 11] == b'+');
    (0..11).map(row).chain([[false; 11]]).collect()
}

/// Every pair of switches in all positions, everything on, every value set, and what is no switch.
fn combinations() -> Vec<Value> {
    let pairs = turned().into_iter().map(|turned| {
        let on = switches().into_iter().zip(turned).filter(|(_, turned)| *turned);
        on.fold(json!({}), |values, (switch, _)| merged(&values, &switch))
    });
    let others = [
        everything(),
        merged(&others(), &everything()),
        json!({"serviceAccount": {"create": false, "name": "theirs"}}),
        json!({"podDisruptionBudget": {"enabled": true, "maxUnavailable": 0}}),
    ];
    pairs.chain(others).collect()
}

#[test]
fn any_two_switches_are_seen_in_all_positions() {
    for (i, j) in (0..11).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let seen: BTreeSet<_> = turned().iter().map(|turned| (turned[i], turned[j])).collect();
        assert_eq!(seen.len(), 4, "{i} and {j}: {seen:?}");
    }
}

#[test]
fn every_combination_passes_lint_and_the_schemas_of_kubernetes_and_of_the_kinds_that_are_defined() {
    let schemas = ["-schema-location", &kubernetes_s(), "-schema-location", &defined()].map(str::to_owned);
    let arguments: Vec<&str> = ["-strict"].into_iter().chain(schemas.iter().map(String::as_str)).collect();
    for values in combinations() {
        run("helm", &["lint", "--strict", "--values", "-", &chart("retrylab")], &values.to_string()).unwrap();
        let rendered = render(&chart("retrylab"), &values, &[]).unwrap();
        run("kubeconform", &arguments, &rendered).unwrap_or_else(|said| panic!("{values}: {said}"));
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
