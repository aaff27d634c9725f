//! The command as users run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::OpenOptions,
    io::pipe,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const COLLAPSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collapse.yaml");
const COLLAPSE_SHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collapse-shed.yaml");
const COMPARISON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/samples/comparison.yaml");

fn retrylab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_retrylab")).args(arguments).output().unwrap()
}

/// What it prints, when it ends with this code.
fn ended(arguments: &[&str], code: i32) -> String {
    let output = retrylab(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn printed(arguments: &[&str]) -> String {
    ended(arguments, 0)
}

fn document(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(&[arguments, &["-o", "json"]].concat())).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = retrylab(arguments);
    assert_eq!(output.status.code(), Some(3), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_same_file_gives_the_same_output_to_the_byte_in_every_form() {
    for form in ["table", "json", "yaml"] {
        for arguments in
            [&["simulate", COMPARISON, "-o", form][..], &["simulate", COMPARISON, "--seeds", "9", "-o", form]]
        {
            assert_eq!(printed(arguments), printed(arguments), "{arguments:?}");
        }
    }
}

/// The sample's figures: in an outage naive makes three attempts of each request, and loses all.
#[test]
fn a_sample_is_simulated_with_the_figures_of_a_status() {
    let report = document(&["simulate", COMPARISON]);
    let (status, arm) = (&report["status"], &report["status"]["arms"][0]);
    let outage = &arm["windows"][1];
    assert_eq!((status["verdict"].as_str(), report["source"].as_str()), (Some("Passed"), Some("Simulation")));
    assert_eq!((arm["name"].as_str(), outage["name"].as_str()), (Some("naive"), Some("outage")));
    assert_eq!((outage["amplification"].as_str(), outage["successRate"].as_str()), (Some("3.000"), Some("0.000")));
    assert_eq!((&arm["run"], &arm["finishedAt"]), (&Value::Null, &Value::Null), "it has no time of day");
    assert_eq!(outage["attempts"].as_u64(), outage["requests"].as_u64().map(|requests| 3 * requests));
    assert_eq!(arm["evidence"]["accountingGap"], 0);
    assert_eq!(arm["evidence"]["faultDelivered"], "1.000");
    assert!(status["criteria"].as_array().unwrap().iter().all(|criterion| criterion["holds"] == true));
    let yaml: Value = serde_saphyr::from_str(&printed(&["simulate", COMPARISON, "-o", "yaml"])).unwrap();
    assert_eq!(yaml, report);
}

/// HotOS '21: at 280/s one retry never comes back within the 60 s observed, in any of the runs.
#[test]
fn seeds_give_means_and_wilson_s_intervals() {
    // The criterion holds in no run, and the exit code is that of the verdict.
    let report: Value =
        serde_json::from_str(&ended(&["simulate", COLLAPSE, "--seeds", "20", "-o", "json"], 1)).unwrap();
    assert_eq!(report["verdicts"], serde_json::json!({"Failed": 20}));
    let arm = &report["arms"][1];
    // Wilson's interval for 0 of 20 ends at z²/(n + z²) = 3.8415/23.8415.
    assert_eq!(arm["recovered"], serde_json::json!({"hits": 0, "of": 20, "low": "0.000", "high": "0.161"}));
    let outage = &arm["windows"][1]["amplification"];
    assert_eq!(outage["mean"], "2.000");
    assert_eq!(report["allCriteria"]["hits"], 0);
}

/// The hidden capacity is μ/n = 150/s; just below it takes longer than the 300 s observed to drain.
#[test]
fn a_sweep_finds_the_hidden_capacity_and_draws_the_loop() {
    let report = document(&["sweep", COLLAPSE, "--param", "load.rate=50..290", "--find", "tipping-point"]);
    let [once, retry] = [&report["arms"][0], &report["arms"][1]];
    assert_eq!((once["name"].as_str(), once["result"].as_str()), (Some("once"), Some("neverTips")));
    assert_eq!(retry["result"], "tipsAbove");
    assert!(once.get("hysteresis").is_none(), "there is no loop where nothing tips: {once}");
    let number = |value: &Value| value.as_str().unwrap().parse::<u32>().unwrap();
    let (stays, tips) = (number(&retry["stays"]), number(&retry["tips"]));
    assert!(tips == stays + 1 && (135..=150).contains(&tips), "{retry}");
    let share = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    for point in retry["hysteresis"].as_array().unwrap() {
        assert!((0.95..=1.0).contains(&share(&point["up"])), "{point}");
        let is_below = point["rate"].as_u64().unwrap() < u64::from(tips);
        assert_eq!(share(&point["down"]) > 0.95, is_below, "{point}");
    }
}

/// Where a system tips is a matter of what happens when nobody helps. A longer fault would reach into the stretch, too.
#[test]
fn load_that_the_experiment_sheds_does_not_move_the_tipping_point() {
    for range in ["load.rate=140..150", "faults[outage].for=100ms..40s"] {
        let swept =
            |file| document(&["sweep", file, "--arm", "one-retry", "--param", range, "--find", "tipping-point"]);
        let (plain, shed) = (swept(COLLAPSE), swept(COLLAPSE_SHED));
        assert_eq!(plain["arms"][0]["result"], "tipsAbove", "{range}");
        assert_eq!(shed, plain, "{range}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_no_pass() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |stdout: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_retrylab")).arg("crd").stdout(stdout).stderr(Stdio::piped()).output().unwrap()
    };
    let output = run(full.into());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the answer: No space left"));
    // Who reads may stop reading.
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = run(writer.into());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn one_seed_is_one_seed() {
    let arguments = ["sweep", COLLAPSE, "--arm", "once", "--param", "load.rate=50..60", "--find", "tipping-point"];
    let check = |seeds: &str, expected: &str| {
        let text = printed(&[&arguments[..], &["--seeds", seeds]].concat());
        assert!(text.starts_with(&format!("load.rate, {expected}; ")), "{text}");
    };
    check("1", "1 seed");
    check("2", "2 seeds");
}

#[test]
fn what_is_not_allowed_is_named_with_what_is() {
    let check = |arguments: &[&str], expected: &str| {
        let message = refused(arguments);
        assert!(message.contains(expected), "{message}");
    };
    check(&["simulate", "/no/such/file"], "cannot read /no/such/file");
    check(&["simulate", COLLAPSE, "--max-events", "1000"], "too large to simulate: more than 1000 events");
    check(&["sweep", COLLAPSE, "--param", "load.pace=1..2", "--find", "tipping-point"], "allowed: load.rate, ");
    check(&["sweep", COLLAPSE, "--param", "faults[x].for=1s..2s", "--find", "tipping-point"], "there are: outage");
    check(&["sweep", COLLAPSE, "--param", "load.rate=1..30000", "--find", "tipping-point"], "1 to 20000");
    check(
        &["sweep", COLLAPSE, "--arm", "x", "--param", "load.rate=1..2", "--find", "tipping-point"],
        "once, one-retry",
    );
}
