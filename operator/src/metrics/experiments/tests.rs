//! What is read from the experiments, and that it goes with them.

use std::sync::Mutex;

use prometheus::{Registry, TextEncoder};
use serde_json::json;

use super::*;

/// An experiment that was over `seconds` after noon, with one arm.
fn over(name: &str, seconds: usize, outside: &[&str]) -> RetryExperiment {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    serde_json::from_value(json!({
        "apiVersion": "retrylab.dev/v1alpha1",
        "kind": "RetryExperiment",
        "metadata": {"name": name, "namespace": "lab"},
        "spec": {"arms": [{"name": "naive", "strategy": {"type": "Naive"}}], "load": {"rate": 1}, "duration": "1s"},
        "status": {
            "phase": "Complete",
            "verdict": "Failed",
            "finishedAt": format!("2026-01-01T12:{minutes:02}:{seconds:02}Z"),
            "arms": [{
                "name": "naive",
                "phase": "Complete",
                "run": {"id": "r", "handover": 1, "settledAt": "2026-01-01T12:00:00.000000Z",
                        "startsAt": "2026-01-01T12:00:00.000000Z", "target": "t:1"},
                "outsidePrediction": outside,
                "recovery": {"timeToRecovery": "1m30s", "verdict": "Recovered", "message": ""},
                "windows": [
                    {"name": "baseline", "requests": 1, "attempts": 1, "wireAttempts": 1, "backendRequests": 1,
                     "amplification": "1.000", "fates": {"ok": 1, "okAfterRetry": 0, "exhausted": 0, "notRetryable": 0, "dropped": 0}},
                    {"name": "total", "requests": 2, "attempts": 5, "wireAttempts": 4, "backendRequests": 4,
                     "amplification": "2.500", "wireAmplification": "2.000", "successRate": "0.500", "fates": {"ok": 1, "okAfterRetry": 0, "exhausted": 0, "notRetryable": 0, "dropped": 0}},
                ],
            }],
        },
    }))
    .unwrap()
}

fn new(name: &str) -> RetryExperiment {
    let mut experiment = over(name, 0, &[]);
    experiment.metadata.creation_timestamp = serde_json::from_value(json!("1970-01-01T00:01:00Z")).unwrap();
    experiment.status = None;
    experiment
}

type All = Arc<Mutex<Vec<Arc<RetryExperiment>>>>;

/// A registry that reads what there is each time somebody asks, as the operator's reads its store.
fn registry(experiments: &All) -> Registry {
    let (registry, all) = (Registry::new(), experiments.clone());
    registry.register(Box::new(Experiments::new(move || all.lock().unwrap().clone()).unwrap())).unwrap();
    registry
}

fn exposed(registry: &Registry) -> Vec<String> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn an_experiment_has_its_figures_and_one_that_is_deleted_has_none() {
    let experiments: All = Arc::new(Mutex::new(vec![Arc::new(over("a", 1, &["x"])), Arc::new(new("b"))]));
    let registry = registry(&experiments);
    let lines = exposed(&registry);
    for line in [
        r#"retrylab_experiments{phase="Complete",verdict="Failed"} 1"#,
        r#"retrylab_experiments{phase="Complete",verdict="Passed"} 0"#,
        r#"retrylab_experiments{phase="Deploying",verdict=""} 1"#,
        r#"retrylab_experiment_info{experiment="a",namespace="lab",phase="Complete",verdict="Failed"} 1"#,
        r#"retrylab_experiment_info{experiment="b",namespace="lab",phase="Deploying",verdict=""} 1"#,
        r#"retrylab_experiment_due_timestamp_seconds{experiment="b",namespace="lab",phase="Deploying"} 60"#,
        r#"retrylab_arms_predicted{result="outside"} 1"#,
        r#"retrylab_arms_predicted{result="inside"} 0"#,
        r#"retrylab_arm_amplification{arm="naive",experiment="a",namespace="lab"} 2.5"#,
        r#"retrylab_arm_wire_amplification{arm="naive",experiment="a",namespace="lab"} 2"#,
        r#"retrylab_arm_success_ratio{arm="naive",experiment="a",namespace="lab"} 0.5"#,
        r#"retrylab_arm_recovery_seconds{arm="naive",experiment="a",namespace="lab"} 90"#,
    ] {
        assert!(lines.iter().any(|l| l == line), "{line} is not in {lines:#?}");
    }
    assert!(!lines.iter().any(|l| l.contains("peak")), "there is no peak: {lines:#?}");

    let deleted = |name: &str| experiments.lock().unwrap().retain(|experiment| experiment.name_any() != name);
    let has_series = |lines: &[String], name: &str| lines.iter().any(|l| l.contains(&format!("experiment=\"{name}\"")));
    deleted("a");
    let lines = exposed(&registry);
    assert!(!has_series(&lines, "a") && has_series(&lines, "b"), "{lines:#?}");
    deleted("b");
    let lines = exposed(&registry);
    assert!(!has_series(&lines, "a") && !has_series(&lines, "b"), "{lines:#?}");
    let counted = lines.iter().filter(|line| line.starts_with("retrylab_experiments{"));
    assert!(counted.clone().count() > 3 && counted.clone().all(|line| line.ends_with(" 0")), "{lines:#?}");
}

#[test]
fn of_those_that_are_over_only_the_latest_have_series_of_their_own() {
    let over = (0..FINISHED_MAX + 2).map(|n| Arc::new(over(&format!("x{n}"), n, &[])));
    let experiments: All = Arc::new(Mutex::new(over.chain([Arc::new(new("current"))]).collect()));
    let lines = exposed(&registry(&experiments));
    let shown =
        |name: &str| lines.iter().any(|l| l.contains(&format!("retrylab_experiment_info{{experiment=\"{name}\"")));
    assert_eq!(
        [shown("x0"), shown("x1"), shown("x2"), shown("x501"), shown("current")],
        [false, false, true, true, true]
    );
    let all = format!(r#"retrylab_experiments{{phase="Complete",verdict="Failed"}} {}"#, FINISHED_MAX + 2);
    assert!(lines.contains(&all), "all are counted");
}
