//! The operator's pod, and what it is told.

use std::collections::BTreeMap;

use clap::{Args as _, FromArgMatches as _};
use retrylab_operator::Config;
use serde_json::{Value, json};

use crate::harness::{everything, find, objects, pods, selects};

/// The variables of the operator's pod.
fn variables(values: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pod = &pods(&objects(values))[0].1;
    let env = pod["containers"][0]["env"].as_array().unwrap().clone();
    env.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
}

/// What the operator makes of its variables. One that it doesn't read is an error.
fn configured(values: &Value) -> Config {
    let command = Config::augment_args(clap::Command::new("operator"));
    let mut arguments = vec!["operator".to_owned()];
    for (name, value) in variables(values).into_iter().filter(|(name, _)| name != "RUST_LOG") {
        let argument = command.get_arguments().find(|argument| argument.get_env().is_some_and(|env| env == &*name));
        let flag =
            argument.and_then(clap::Arg::get_long).unwrap_or_else(|| panic!("the operator does not read {name}"));
        arguments.push(format!("--{flag}={value}"));
    }
    Config::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
}

#[test]
fn with_the_defaults_the_operator_is_what_it_is_without_a_chart() {
    let command = Config::augment_args(clap::Command::new("operator"));
    let bare = Config::from_arg_matches(&command.try_get_matches_from(["operator"]).unwrap()).unwrap();
    let config = configured(&json!({}));
    assert_eq!(config.caps(), bare.caps());
    assert_eq!(config.namespaces, bare.namespaces);
    assert_eq!(config.reports_open, bare.reports_open);
    assert_eq!(config.otlp_endpoint, bare.otlp_endpoint);
    assert_eq!(config.client_image, bare.client_image);
    assert_eq!(config.backend_image, bare.backend_image);
    assert_eq!(config.loadgen_image, bare.loadgen_image);
    assert_eq!(config.workloads.resources(), bare.workloads.resources());
}

#[test]
fn every_value_that_is_for_the_operator_reaches_it() {
    let digest = format!("sha256:{}", "0f".repeat(32));
    let config = configured(&json!({
        "watchNamespaces": ["lab", "lab-2"],
        "caps": {"rate": 100, "duration": "1m30s", "replicas": 2},
        "reports": {"open": true},
        "otlp": {"endpoint": "http://jaeger:4318", "sampleRatio": 0.001},
        "image": {
            "registry": "registry.example", "tag": "v1", "pullPolicy": "Always", "pullSecrets": [{"name": "registry"}],
            "client": {"tag": "v2"}, "backend": {"repository": "other", "tag": "v3", "digest": digest},
        },
        "workloads": {
            "labels": {"team": "sre"}, "annotations": {"note": "it's a \"test\""}, "priorityClassName": "low",
            "resources": {"limits": {"memory": "1Gi"}}, "nodeSelector": {"pool": "lab"},
            "tolerations": [{"key": "lab", "operator": "Exists", "tolerationSeconds": 5}],
        },
    }));
    assert_eq!(config.namespaces, ["lab", "lab-2"]);
    assert!(config.reports_open);
    assert_eq!((&*config.otlp_endpoint, config.otlp_sample_ratio.to_string()), ("http://jaeger:4318", "0.001".into()));
    let caps = config.caps();
    assert_eq!((caps.rate_max, caps.duration_max.as_millis(), caps.replicas_max), (100, 90_000, 2));
    assert_eq!(config.client_image, "registry.example/retrylab-client:v2");
    assert_eq!(config.backend_image, format!("registry.example/other@{digest}"));
    assert_eq!(config.loadgen_image, "registry.example/retrylab-loadgen:v1");
    let expected = r#"{
        "labels": {"team": "sre"}, "annotations": {"note": "it's a \"test\""}, "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}], "priorityClassName": "low",
        "resources": {"limits": {"memory": "1Gi"}}, "nodeSelector": {"pool": "lab"},
        "tolerations": [{"key": "lab", "operator": "Exists", "tolerationSeconds": 5}]
    }"#;
    assert_eq!(config.workloads, expected.parse().unwrap());
}

#[test]
fn without_a_registry_the_image_is_the_bare_name() {
    let (_, pod) = &pods(&objects(&json!({"image": {"registry": "", "tag": "v1"}})))[0];
    assert_eq!(pod["containers"][0]["image"], "retrylab-operator:v1");
}

#[test]
fn all_pods_are_what_the_standard_restricted_asks_for() {
    for (_, pod) in pods(&objects(&everything())) {
        for other in ["hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers", "ephemeralContainers"] {
            assert_eq!(pod[other], Value::Null);
        }
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        for container in pod["containers"].as_array().unwrap() {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false);
            assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
            assert_eq!(security["readOnlyRootFilesystem"], true);
        }
    }
}

#[test]
fn where_pods_go_and_how_they_are_pulled_is_as_it_was_asked_for() {
    let values = json!({
        "image": {"pullSecrets": [{"name": "registry"}], "pullPolicy": "Never"},
        "nodeSelector": {"pool": "system"}, "priorityClassName": "high",
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}}, "podLabels": {"a": "b"}, "podAnnotations": {"c": "d"},
        "resources": {"limits": {"memory": "1Gi"}},
    });
    let made = objects(&values);
    for (_, pod) in pods(&made) {
        assert_eq!(pod["imagePullSecrets"], json!([{"name": "registry"}]));
        assert_eq!(pod["nodeSelector"], values["nodeSelector"]);
        assert_eq!(pod["tolerations"], values["tolerations"]);
        assert_eq!(pod["containers"][0]["imagePullPolicy"], "Never");
        assert_eq!(pod["containers"][0]["resources"]["limits"], values["resources"]["limits"]);
    }
    let (metadata, pod) = &pods(&made)[0];
    assert_eq!(pod["priorityClassName"], "high");
    assert_eq!(pod["affinity"], values["affinity"]);
    assert_eq!((&metadata["labels"]["a"], &metadata["annotations"]["c"]), (&json!("b"), &json!("d")));
}

#[test]
fn what_is_for_the_operator_s_pod_selects_it_and_not_the_pod_of_the_test() {
    let made = objects(&everything());
    let [(operator, _), (test, _)] = pods(&made);
    let select = |kind, pointer| find(&made, kind, "retrylab-operator").pointer(pointer).unwrap().clone();
    for selector in [
        select("Deployment", "/spec/selector/matchLabels"),
        select("Service", "/spec/selector"),
        select("PodDisruptionBudget", "/spec/selector/matchLabels"),
        select("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ] {
        assert!(selects(&selector, &operator["labels"]), "{selector}");
        assert!(!selects(&selector, &test["labels"]), "{selector}");
    }
}

#[test]
fn two_releases_in_one_namespace_have_nothing_in_common() {
    let names = |release: &str| -> Vec<String> {
        let made = objects(&json!({"fullnameOverride": release, "crds": {"enabled": false}}));
        made.iter().map(|object| format!("{} {}", object["kind"], object["metadata"]["name"])).collect()
    };
    let (one, other) = (names("one"), names("other"));
    assert!(one.iter().all(|name| !other.contains(name)), "{one:?}");
}
