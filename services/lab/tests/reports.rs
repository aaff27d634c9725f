//! Reports in files: their forms, bounds on their figures, and what differs between them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const COMPARISON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/samples/comparison.yaml");

fn retrylab(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retrylab"));
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever is refused for its arguments does not read what it is given.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

/// What it prints, be it an answer or an error, when it ends with this code.
fn ended(arguments: &[&str], input: &str, code: i32) -> String {
    let Output { status, stdout, stderr } = retrylab(arguments, input);
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert_eq!(status.code(), Some(code), "{arguments:?}: {text}");
    text
}

/// The sample's report by simulation, and a file with it.
fn report(name: &str) -> (Value, PathBuf) {
    let text = ended(&["simulate", COMPARISON, "-o", "json"], "", 0);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    fs::write(&file, &text).unwrap();
    (serde_json::from_str(&text).unwrap(), file)
}

#[test]
fn a_report_is_read_from_a_file_or_the_standard_input_and_shown_in_every_form() {
    let (report, file) = report("forms");
    let file = file.to_str().unwrap();
    let shown = |form: &str| ended(&["report", file, "-o", form], "", 0);
    assert_eq!(serde_json::from_str::<Value>(&shown("json")).unwrap(), report);
    assert_eq!(serde_saphyr::from_str::<Value>(&shown("yaml")).unwrap(), report);
    assert!(shown("html").starts_with("<!DOCTYPE html>"));
    assert!(shown("markdown").contains("| naive | 3.000 |"));
    assert!(shown("junit").contains(r#"<testsuites name="comparison" tests="4" failures="0" errors="0">"#));
    assert_eq!(ended(&["report", "-"], &shown("yaml"), 0), shown("table"));
    assert_eq!(shown("table"), ended(&["simulate", COMPARISON], "", 0));
}

#[test]
fn an_experiment_is_simulated_from_the_standard_input() {
    let text = fs::read_to_string(COMPARISON).unwrap();
    assert_eq!(ended(&["simulate", "-"], &text, 0), ended(&["simulate", COMPARISON], "", 0));
}

/// In the sample's outage naive makes exactly three attempts, and loses all.
#[test]
fn assertions_end_with_the_code_of_what_they_find() {
    let (mut report, file) = report("assertions");
    let file = file.to_str().unwrap();
    let of_naive = |bound: &[&str], code| {
        let arguments = [&["assert", file, "--arm", "naive", "--window", "outage"], bound].concat();
        ended(&arguments, "", code)
    };
    of_naive(&["--max-amplification", "3", "--min-amplification", "3"], 0);
    of_naive(&["--max-amplification", "2.999"], 1);
    // The backend did no work in the outage, so that no share of it was wasted: nothing is known.
    of_naive(&["--max-wasted-work", "0.5"], 2);
    of_naive(&["--recovery-verdict", "Recovered,NoEffect"], 0);
    ended(&["assert", "--recovery-verdict", "Recovered,NoEffect", file], "", 0);
    let text = of_naive(&["--max-amplification", "3", "-o", "json"], 0);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["source"], "Simulation");
    assert!(of_naive(&["--max-amplification", "3"], 0).contains("comparison, simulated: holds"));
    assert!(of_naive(&[], 3).contains("nothing is asserted"));
    assert!(of_naive(&["--max-amplification", "much"], 3).contains("much"));
    let wrong = ended(&["assert", file, "--window", "outige", "--max-amplification", "3"], "", 3);
    assert!(wrong.contains("there are: baseline, outage, recovery, total"), "{wrong}");
    let wrong = ended(&["assert", file, "--arm", "naif", "--max-amplification", "3"], "", 3);
    assert!(wrong.contains("there are: naive, backoff, jitter"), "{wrong}");
    for verdict in ["Inconclusive", "Aborted", "Error"] {
        report["status"]["verdict"] = verdict.into();
        ended(&["assert", "-", "--max-amplification", "99"], &report.to_string(), 2);
        ended(&["report", "-"], &report.to_string(), 2);
    }
    report["status"]["verdict"] = "Failed".into();
    ended(&["assert", "-", "--max-amplification", "99"], &report.to_string(), 0);
    ended(&["report", "-"], &report.to_string(), 1);
}

#[test]
fn an_arm_that_has_not_begun_has_no_verdict() {
    let (mut report, _) = report("not-begun");
    let status = report["status"].as_object_mut().unwrap();
    status.remove("verdict");
    status["arms"].as_array_mut().unwrap().truncate(1);
    let report = report.to_string();
    let asserted = ended(&["assert", "-", "--arm", "jitter", "--max-amplification", "9"], &report, 2);
    assert!(asserted.contains("unknown"), "{asserted}");
    let compared = ended(&["compare", "-", "--arms", "naive,jitter"], &report, 2);
    assert!(compared.contains("the arm jitter has not begun"), "{compared}");
    ended(&["compare", "-", "--arms", "naive,jiter"], &report, 3);
}

#[test]
fn what_only_one_side_has_is_listed() {
    let (mut report, file) = report("one-sided");
    let arms = report["status"]["arms"].as_array_mut().unwrap();
    arms.truncate(2);
    arms[0]["windows"].as_array_mut().unwrap().retain(|window| window["name"] != "outage");
    let (file, other) = (file.to_str().unwrap(), report.to_string());
    let only_in = |side, arguments: &[&str]| {
        let text = ended(arguments, &other, 0);
        assert!(text.ends_with(&format!("only in {side}: arm jitter; window outage of naive\n")), "{text}");
    };
    only_in("A", &["compare", file, "-"]);
    only_in("B", &["compare", "-", file]);
}

#[test]
fn a_name_that_is_left_to_the_cluster_is_shown_by_its_prefix() {
    let text = fs::read_to_string(COMPARISON).unwrap().replace("name: comparison", "generateName: nightly-");
    assert!(ended(&["validate", "-"], &text, 0).contains("nightly- is valid"));
    assert!(ended(&["simulate", "-"], &text, 0).contains("\nnightly-, simulated: Passed"));
    let aborted = text + "  abort: true\n";
    assert!(ended(&["run", "-"], &aborted, 2).contains("nightly-"));
}

/// A run of the same with another seed is chance; another policy is not.
#[test]
fn differences_are_significant_where_another_run_would_not_have_them() {
    let (_, file) = report("differences");
    let file = file.to_str().unwrap();
    let significant = |other: &str, arguments: &[&str]| {
        let all = [&["compare", file], arguments, &["-o", "json"]].concat();
        let compared: Value = serde_json::from_str(&ended(&all, other, 0)).unwrap();
        let of = |difference: &Value| difference["significant"] == json!(true);
        let differences = compared["differences"].as_array().unwrap().clone();
        (differences.iter().filter(|difference| of(difference)).count(), differences.len())
    };
    let text = fs::read_to_string(COMPARISON).unwrap();
    let simulated = |from: &str, to: &str| retrylab(&["simulate", "-", "-o", "json"], &text.replace(from, to)).stdout;
    let other_seed = String::from_utf8(simulated("seed: 42", "seed: 43")).unwrap();
    let (significant_ones, all) = significant(&other_seed, &["-"]);
    assert!(significant_ones == 0 && all > 10, "{significant_ones} of {all}");
    let other_fault = String::from_utf8(simulated("percent: 100", "percent: 50")).unwrap();
    assert!(significant(&other_fault, &["-"]).0 >= 3);
    assert!(significant("", &["--arms", "naive,jitter"]).0 >= 3);
    assert_eq!(significant("", &[file]), (0, 0));
    // A run that carries no verdict carries no claim either.
    let inconclusive = other_fault.replace("\"verdict\": \"Failed\"", "\"verdict\": \"Inconclusive\"");
    assert_ne!(inconclusive, other_fault);
    assert_eq!(significant(&inconclusive, &["-"]).0, 0);
}

#[test]
fn how_service_came_back_is_compared_too() {
    let (mut other, file) = report("recoveries");
    let recovery = &mut other["status"]["arms"][1]["recovery"];
    (recovery["timeToRecovery"], recovery["verdict"]) = (json!("> 10s"), json!("SlowRecovery"));
    let compared = ended(&["compare", file.to_str().unwrap(), "-", "-o", "json"], &other.to_string(), 0);
    let differences = &serde_json::from_str::<Value>(&compared).unwrap()["differences"];
    assert_eq!(differences.as_array().unwrap().len(), 1, "{differences}");
    assert_eq!((&differences[0]["figure"], &differences[0]["b"]), (&json!("recovery"), &json!("> 10s SlowRecovery")));
}

#[test]
fn what_is_no_report_is_refused_with_what_would_be_one() {
    let check = |arguments: &[&str], input: &str, expected: &str| {
        let text = ended(arguments, input, 3);
        assert!(text.contains(expected), "{text}");
    };
    let sample = fs::read_to_string(COMPARISON).unwrap();
    check(&["report", "-"], &sample, "the RetryExperiment has no status");
    check(
        &["report", "-"],
        "kind: Pod",
        "kind: \"Pod\" is not allowed; allowed: ExperimentReport, or a RetryExperiment with a status",
    );
    check(&["report", "-"], "a: [", "not YAML");
    check(&["report", "/no/such"], "", "cannot read /no/such: No such file");
    check(&["compare", COMPARISON], "", "there is nothing to compare with");
}

#[test]
fn a_plan_and_an_explanation_need_no_run() {
    assert!(ended(&["plan", COMPARISON], "", 0).contains("3 arms, one after the other, 90s in all"));
    assert!(ended(&["explain", "backoff"], "", 0).contains("up to 4 attempts"));
    assert!(ended(&["explain", "bakoff"], "", 3).contains("the types are: none, naive, "));
}

#[test]
fn validate_tells_everything_that_is_wrong_in_all_files() {
    let sample = fs::read_to_string(COMPARISON).unwrap();
    let valid = ended(&["validate", COMPARISON, "-"], &format!("kind: Namespace\n---\n{sample}"), 0);
    assert!(
        valid.contains("standard input: Namespace is passed over\nstandard input: comparison is valid\n"),
        "{valid}"
    );
    let two = sample.replace("rate: 50", "rat: 50").replace("type: Naive}", "type: Naive, retries: 3}");
    let wrong = ended(&["validate", "-", "/no/such"], &two, 3);
    for expected in [
        "spec.load.rat: there is no such field; did you mean rate?",
        "strategy.retries: there is no such field",
        "/no/such",
    ] {
        assert!(wrong.contains(expected), "{wrong}");
    }
    assert!(ended(&["validate", "-"], "kind: Namespace", 3).contains("there is no RetryExperiment in it"));
}
