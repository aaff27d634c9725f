//! The operator's pod, and what it is told.

use std::collections::BTreeMap;

use clap::{Args as _, FromArgMatches as _};
use retrylab_operator::Config;
use serde_json::{Value, json};

use crate::harness::{chart, everything, find, objects, pods, render, selects};

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
fn the_chart_takes_the_caps_that_the_operator_takes_and_no_others() {
    let check = |key: &str, flag: &str, value: Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let operator = Config::augment_args(clap::Command::new("operator"))
            .try_get_matches_from(["operator".to_owned(), format!("--{flag}={text}")]);
        let chart = render(&chart("retrylab"), &json!({"caps": {key: value}}), &[]);
        assert_eq!(chart.is_ok(), operator.is_ok(), "{key} {value}: {chart:?} {operator:?}");
        // Whoever refuses says what, and what would do.
        if let (Err(chart), Err(operator)) = (chart, operator) {
            let operator = operator.to_string();
            assert!(chart.contains(key) && operator.contains(flag) && operator.contains(&text), "{chart} {operator}");
        }
    };
    for duration in [
        "1s",
        "1000ms",
        "999ms",
        "0s",
        "0h0m1s",
        "1h",
        "60m",
        "3600s",
        "3600000ms",
        "3600001ms",
        "59m60s",
        "60m1s",
        "1h1ms",
        "2h",
        "1m30s",
        "30s1m",
        "1s1s1s",
        "1s1s1s1s",
        "0001s",
        "00000001s",
        "99999999s",
        "-1s",
        "1.5s",
        "1d",
        "60",
        "",
        "s",
        "soon",
        "1 s",
        "1S",
    ] {
        check("duration", "duration-max", json!(duration));
    }
    for rate in [-1, 0, 1, 20_000, 20_001, 4_294_967_296_i64] {
        check("rate", "rate-max", json!(rate));
    }
    for replicas in [0, 1, 10, 11] {
        check("replicas", "replicas-max", json!(replicas));
    }
}

#[test]
fn a_length_of_time_out_of_bounds_is_refused_by_both_with_the_value_and_what_is_allowed() {
    let command = Config::augment_args(clap::Command::new("operator"));
    for value in ["0s", "2h"] {
        let said = render(&chart("retrylab"), &json!({"caps": {"duration": value}}), &[]).unwrap_err();
        assert!(said.contains(&format!("caps.duration: {value} is not allowed; allowed are 1s to 1h")), "{said}");
        let arguments = ["operator".to_owned(), format!("--duration-max={value}")];
        let said = command.clone().try_get_matches_from(arguments).unwrap_err().to_string();
        assert!(said.contains(&format!("'{value}' for '--duration-max")) && said.contains("1s to 1h"), "{said}");
    }
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
