//! The health check for Argo CD, run by Lua 5.1, the language of Argo CD's interpreter.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use retrylab_api::{Phase, RetryExperimentStatus, Verdict};
use serde_json::{Value, json};

use crate::harness::root;

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".into(),
        Value::Object(map) => {
            let fields: Vec<_> = map.iter().map(|(key, value)| format!("[{key:?}] = {}", lua(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// What Argo CD would show of an object in its second generation with this status.
fn check(status: &Value, expected: &str) {
    let file = fs::read_to_string(root().join("deploy/gitops/argocd-cm.yaml")).unwrap();
    let patch: Value = serde_saphyr::from_str(&file).unwrap();
    let script = patch["data"]["resource.customizations.health.retrylab.dev_RetryExperiment"].as_str().unwrap();
    let object = lua(&json!({"metadata": {"generation": 2}, "status": status}));
    // Argo CD's interpreter has no library of strings, and no `require`.
    let program = format!(
        "local write = io.write\nstring, require, io = nil, nil, nil\nobj = {object}\n\
        local function check()\n{script}\nend\nlocal health = check()\nwrite(health.status .. \": \" .. health.message)\n"
    );
    let lua = Command::new("lua5.1").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut lua = lua.expect("Debian's lua5.1 is needed: run `make test-chart`");
    lua.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = lua.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{status}");
}

/// The status that an operator writes.
fn written(phase: Phase, verdict: Option<Verdict>, generation: i64) -> Value {
    let status = RetryExperimentStatus {
        phase: Some(phase),
        verdict,
        message: verdict.map(|_| "a \"reason\"".into()),
        observed_generation: Some(generation),
        ..RetryExperimentStatus::default()
    };
    serde_json::to_value(status).unwrap()
}

#[test]
fn argo_cd_sees_an_experiment_progress_until_it_is_over_and_healthy_only_if_it_has_passed() {
    check(&Value::Null, "Progressing: no operator has looked at it yet");
    check(&json!({"observedGeneration": -1}), "Progressing: no operator has looked at it yet");
    check(&written(Phase::Complete, Some(Verdict::Passed), 1), "Progressing: no operator has looked at it yet");
    check(&written(Phase::Deploying, None, 2), "Progressing: Deploying");
    check(&written(Phase::Running, None, 2), "Progressing: Running");
    check(&written(Phase::Paused, None, 2), "Suspended: Paused");
    check(&written(Phase::Complete, Some(Verdict::Passed), 2), "Healthy: a \"reason\"");
    for verdict in [Verdict::Failed, Verdict::Inconclusive, Verdict::Aborted, Verdict::Error] {
        let expected = format!("Degraded: {}: a \"reason\"", verdict.as_str());
        check(&written(Phase::Complete, Some(verdict), 2), &expected);
    }
}
