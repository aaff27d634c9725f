//! `retrylab run` as users run it: real services, real time, a few seconds of schedule.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const SHORT: &str = include_str!("short.yaml");

/// A run of the experiment, with these arguments.
fn begin(experiment: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retrylab"));
    command.args(["run", "-"]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(experiment.as_bytes()).unwrap();
    child
}

fn run(experiment: &str, arguments: &[&str]) -> Output {
    begin(experiment, arguments).wait_with_output().unwrap()
}

/// The report of a run, which ends with this code.
fn report(experiment: &str, code: i32) -> Value {
    let output = run(experiment, &["-o", "json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a pipeline sees of a misused command: nothing on the standard output, and why.
fn refused(experiment: &str, arguments: &[&str]) -> String {
    let output = run(experiment, arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
    String::from_utf8(output.stderr).unwrap()
}

fn window<'r>(report: &'r Value, arm: &str, name: &str) -> &'r Value {
    let named =
        |list: &'r Value, name: &str| list.as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
    named(&named(&report["status"]["arms"], arm)["windows"], name)
}

fn check(window: &Value, expected: &Value) {
    for (figure, value) in expected.as_object().unwrap() {
        assert_eq!(&window[figure], value, "{figure} of {window}");
    }
}

/// Closed forms: 10 requests before the outage, 20 in it, 10 after it. Three attempts at once are three in the outage and one
/// outside of it; without retries there is one everywhere.
#[test]
fn every_count_is_exact_and_the_verdict_is_the_exit_code() {
    let report = report(&(SHORT.to_owned() + "  ttlSecondsAfterFinished: 60\n"), 0);
    check(&report["spec"], &json!({"ttlSecondsAfterFinished": 60}));
    check(&report, &json!({"kind": "ExperimentReport", "source": "Process"}));
    check(&report["status"], &json!({"phase": "Complete", "verdict": "Passed"}));
    check(
        window(&report, "naive", "outage"),
        &json!({"requests": 20, "attempts": 60, "backendRequests": 60, "amplification": "3.000", "successRate": "0.000"}),
    );
    check(
        window(&report, "naive", "total"),
        &json!({"requests": 40, "attempts": 80, "backendRequests": 80, "amplification": "2.000", "successRate": "0.500"}),
    );
    check(
        window(&report, "none", "outage"),
        &json!({"requests": 20, "attempts": 20, "amplification": "1.000", "successRate": "0.000"}),
    );
    check(window(&report, "none", "total"), &json!({"requests": 40, "attempts": 40, "backendRequests": 40}));
    for (place, arm) in report["status"]["arms"].as_array().unwrap().iter().enumerate() {
        check(&arm["evidence"], &json!({"accountingGap": 0, "faultDelivered": "1.000", "loadAchieved": "1.000"}));
        assert_eq!(arm["evidence"]["shortcomings"], Value::Null);
        assert_eq!(arm["run"]["handover"], 1);
        let series = &report["series"][place];
        assert_eq!(series["arm"], arm["name"]);
        let arrivals = series["arrivals"].as_array().unwrap();
        // Bursts at 0.5, 1.5 and 2.5 s, in buckets of 100 ms.
        assert_eq!((&arrivals[5], &arrivals[15], &arrivals[25]), (&json!(10), &json!(20), &json!(10)));
    }
}

/// 20 requests × 3 attempts × 3 attempts = 180 at the backend, whichever of the pods got them.
#[test]
fn clients_in_a_chain_and_the_pods_of_a_role_count_together_and_a_criterion_that_fails_ends_with_1() {
    let one_arm = SHORT.replace("  - {name: none, strategy: {type: None}}\n", "");
    let chain = one_arm + "  client: {layers: 2, replicas: 2}\n  backend: {replicas: 3}\n";
    let report = report(&chain, 1);
    check(&report["status"], &json!({"verdict": "Failed"}));
    check(
        window(&report, "naive", "outage"),
        &json!({"requests": 20, "attempts": 180, "backendRequests": 180, "amplification": "9.000"}),
    );
    check(&report["status"]["arms"][0]["evidence"], &json!({"accountingGap": 0}));
}

#[test]
fn an_experiment_that_is_to_be_aborted_ends_with_2_before_anything_is_sent() {
    let report = report(&(SHORT.to_owned() + "  abort: true\n"), 2);
    check(&report["status"], &json!({"verdict": "Aborted", "message": "spec.abort is true", "arms": null}));
}

#[test]
fn what_cannot_be_run_here_is_misuse() {
    let check = |experiment: &str, arguments: &[&str], expected: &str| {
        let said = refused(experiment, arguments);
        assert!(said.contains(expected), "{said}");
    };
    check(&(SHORT.to_owned() + "  suspend: true\n"), &[], "spec.suspend: true is not allowed; allowed: false");
    check(&SHORT.replace("duration: 3s", "duration: soon"), &[], "spec.duration: \"soon\" is not allowed");
    check("a: [", &[], "not YAML");
    check(SHORT, &["--report", "/no/such/folder/report.html"], "cannot write /no/such/folder/report.html");
}

#[test]
fn a_page_that_cannot_be_written_is_no_pass() {
    let output = run(SHORT, &["--report", "/dev/full"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write /dev/full"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("short, in one process: Passed"));
}

/// As `spec.abort` does: what runs is stopped and has no figures, and that is the report. The schedule is of an hour.
#[test]
fn ctrl_c_ends_the_experiment_and_shows_what_there_is() {
    let mut child = begin(&SHORT.replace("duration: 3s", "duration: 1h"), &["-o", "json"]);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ArmStarted: ") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before its time");
    }
    let interrupted = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{rest}");
    assert!(interrupted.elapsed() < Duration::from_secs(10));
    assert!(rest.contains("Ctrl-C again ends this at once"), "{rest}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    check(&report["status"], &json!({"verdict": "Aborted", "message": "spec.abort is true"}));
    check(&report["status"]["arms"][0], &json!({"name": "naive", "phase": "Stopped", "windows": null}));
}
