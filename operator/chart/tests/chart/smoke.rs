//! What `helm test` runs, and what the notes tell people to run: both are experiments that the operator takes.

use retrylab_api::{Caps, RetryExperiment, Span, validate};
use serde_json::{Value, json};

use crate::harness::{NAMESPACE, RELEASE, chart, find, objects, pods, run};

fn check_accepted(experiment: Value, caps: Caps) -> RetryExperiment {
    let experiment: RetryExperiment = serde_json::from_value(experiment).unwrap();
    validate(&experiment.spec, caps).unwrap();
    experiment
}

/// The notes that people see after an installation with these values.
fn notes(values: &Value) -> String {
    let arguments =
        ["install", RELEASE, &chart("retrylab"), "--namespace", NAMESPACE, "--dry-run=client", "--values=-"];
    let shown = run("helm", &arguments, &values.to_string()).unwrap();
    shown.split_once("NOTES:\n").unwrap().1.to_owned()
}

#[test]
fn the_test_s_experiment_takes_20_s_and_is_accepted_whatever_the_cap_on_the_rate() {
    let made = objects(&json!({}));
    let experiment = check_accepted(find(&made, "RetryExperiment", "retrylab-test").clone(), Caps::default());
    assert_eq!(experiment.spec.arms.len(), 1);
    assert_eq!(experiment.spec.duration, Span::from_millis(20_000));
    assert!(!experiment.spec.criteria.is_empty());
    let low = objects(&json!({"caps": {"rate": 5, "replicas": 1}}));
    let caps = Caps { rate_max: 5, replicas_max: 1, ..Caps::default() };
    check_accepted(find(&low, "RetryExperiment", "retrylab-test").clone(), caps);
}

#[test]
fn the_test_runs_where_the_operator_looks() {
    for (watched, expected) in
        [(json!([]), NAMESPACE), (json!(["lab", NAMESPACE]), NAMESPACE), (json!(["lab", "lab-2"]), "lab")]
    {
        let made = objects(&json!({"watchNamespaces": watched}));
        for kind in ["RetryExperiment", "Role", "RoleBinding"] {
            assert_eq!(find(&made, kind, "retrylab-test")["metadata"]["namespace"], expected, "{watched} {kind}");
        }
        let (metadata, pod) = &pods(&made)[1];
        assert_eq!(metadata["namespace"], NAMESPACE, "where Helm looks for its logs");
        let arguments = pod["containers"][0]["args"].as_array().unwrap().clone();
        assert!(arguments.contains(&json!(format!("--namespace={expected}"))), "{arguments:?}");
    }
}

#[test]
fn nothing_of_the_test_is_installed_with_the_chart() {
    for object in objects(&json!({})).iter().filter(|object| object["metadata"]["name"] == "retrylab-test") {
        assert_eq!(object["metadata"]["annotations"]["helm.sh/hook"], "test", "{object}");
    }
}

#[test]
fn the_notes_have_an_experiment_that_is_accepted_in_a_namespace_that_is_watched() {
    for (values, namespace, rate) in
        [(json!({}), "default", 20_000), (json!({"watchNamespaces": ["lab"], "caps": {"rate": 5}}), "lab", 5)]
    {
        let notes = notes(&values);
        assert!(notes.contains(&format!("helm test {RELEASE} --namespace {NAMESPACE} --logs")), "{notes}");
        assert!(notes.contains(&format!("kubectl apply --namespace {namespace} --filename - << END")), "{notes}");
        let (_, rest) = notes.split_once("<< END\n").unwrap();
        let (manifest, _) = rest.split_once("END\n").unwrap();
        check_accepted(serde_saphyr::from_str(manifest).unwrap(), Caps { rate_max: rate, ..Caps::default() });
    }
}

#[test]
fn the_notes_say_when_nothing_is_scraped() {
    let says = |values: Value| notes(&values).contains("monitoring.podMonitor.enabled is false");
    assert!(says(json!({})));
    assert!(!says(json!({"monitoring": {"podMonitor": {"enabled": true}}})));
}
