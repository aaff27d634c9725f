//! What `helm test` runs, and what the notes tell people to run: both are experiments that the operator takes.

use retrylab_api::{Caps, RetryExperiment, RetryExperimentSpec, Span, validate};
use serde_json::{Value, json};

use crate::harness::{NAMESPACE, RELEASE, find, notes, objects, pods};

fn check_accepted(experiment: Value, caps: Caps) -> RetryExperiment {
    let experiment: RetryExperiment = serde_json::from_value(experiment).unwrap();
    validate(&experiment.spec, caps).unwrap();
    experiment
}

/// Caps as the chart and as the operator have them.
fn caps(rate: u32, duration: &str) -> (Value, Caps) {
    let values = json!({"caps": {"rate": rate, "duration": duration, "replicas": 1}});
    (values, Caps { rate_max: rate, duration_max: duration.parse().unwrap(), replicas_max: 1 })
}

/// From the lowest that can be set to the highest.
const CAPS: [(u32, &str); 6] = [(1, "1s"), (3, "1500ms"), (19, "10s"), (5, "19s900ms"), (20, "20s"), (20_000, "1h")];

#[test]
fn the_test_s_experiment_takes_20_s_or_as_long_as_is_allowed_and_is_accepted_whatever_the_caps() {
    for (rate, duration) in CAPS {
        let (values, caps) = caps(rate, duration);
        let experiment = find(&objects(&values), "RetryExperiment", "retrylab-test").clone();
        let RetryExperimentSpec { load, faults, duration, criteria, .. } = check_accepted(experiment, caps).spec;
        assert_eq!(duration, caps.duration_max.min(Span::from_millis(20_000)));
        assert_eq!(criteria.len(), 2);
        let outage = faults[0].at.as_millis()..faults[0].at.as_millis() + faults[0].for_.as_millis();
        let bursts: Vec<_> = load.bursts.iter().map(|burst| (burst.at.as_millis(), burst.requests.unwrap())).collect();
        let [(before, some), (during, others)] = bursts[..] else { panic!("{bursts:?}") };
        assert_eq!((some, others), (rate.min(20), rate.min(20)));
        assert!(before < outage.start && outage.contains(&during), "{bursts:?}, {outage:?}");
    }
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
fn the_notes_have_an_experiment_that_is_accepted_whatever_the_caps() {
    for (rate, duration) in CAPS {
        let (values, caps) = caps(rate, duration);
        let notes = notes(&values);
        let (_, rest) = notes.split_once("<< END\n").unwrap();
        let (manifest, _) = rest.split_once("\nEND\n").unwrap();
        let experiment = check_accepted(serde_saphyr::from_str(manifest).unwrap(), caps);
        assert_eq!(experiment.spec.duration, caps.duration_max.min(Span::from_millis(30_000)));
    }
}

#[test]
fn the_notes_have_the_commands_for_a_namespace_that_is_watched() {
    for (watched, namespace) in [(json!([]), "default"), (json!(["lab"]), "lab")] {
        let notes = notes(&json!({"watchNamespaces": watched}));
        assert!(notes.contains(&format!("helm test {RELEASE} --namespace {NAMESPACE} --logs")), "{notes}");
        assert!(notes.contains(&format!("kubectl apply --namespace {namespace} --filename - << END")), "{notes}");
    }
}

#[test]
fn the_notes_say_what_is_to_be_done_before_uninstalling() {
    for crds in [true, false] {
        let notes = notes(&json!({"crds": {"enabled": crds}}));
        assert!(
            notes.contains("Before uninstalling, let experiments that are not over end, or delete them"),
            "{notes}"
        );
        assert_eq!(notes.contains("kubectl delete customresourcedefinition"), crds, "{notes}");
    }
}

#[test]
fn the_notes_say_when_nothing_is_scraped() {
    let says = |values: Value| notes(&values).contains("monitoring.podMonitor.enabled is false");
    assert!(says(json!({})));
    assert!(!says(json!({"monitoring": {"podMonitor": {"enabled": true}}})));
}
