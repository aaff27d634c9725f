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

/// The hidden capacity is μ/n = 150/s. Just below it takes far longer than the 5 minutes observed to drain, so more is.
#[test]
fn a_sweep_finds_the_hidden_capacity_and_draws_the_loop() {
    let report = document(&["sweep", COLLAPSE, "--param", "load.rate=50..290", "--find", "tipping-point"]);
    let [once, retry] = [&report["arms"][0], &report["arms"][1]];
    assert_eq!((once["name"].as_str(), once["result"].as_str()), (Some("once"), Some("neverTips")));
    assert_eq!(values(once, "comesBack").len(), 11, "the ends, and what lies between: {once}");
    assert_eq!(retry["result"], "tipsAbove");
    let (stays, tips) = (number(&retry["stays"]), number(&retry["tips"]));
    assert!(tips == stays + 1 && (148..=152).contains(&tips), "{retry}");
    let share = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    for (arm, tips) in [(once, 300), (retry, tips)] {
        for point in arm["hysteresis"].as_array().unwrap() {
            assert!((0.95..=1.0).contains(&share(&point["up"])), "{point}");
            let is_below = point["rate"].as_u64().unwrap() < u64::from(tips);
            assert_eq!(share(&point["down"]) > 0.95, is_below, "{point}");
            assert_eq!(point["state"], if is_below { "stable" } else { "vulnerable" });
        }
    }
}

fn number(value: &Value) -> u32 {
    value.as_str().unwrap().parse().unwrap()
}

/// The values that were looked at and found in this state.
fn values<'a>(arm: &'a Value, state: &str) -> Vec<&'a str> {
    let looked = arm["lookedAt"].as_array().unwrap();
    looked.iter().filter(|looked| looked["state"] == state).map(|looked| looked["value"].as_str().unwrap()).collect()
}

/// The system of `COLLAPSE` with a tenth of its capacity, 30/s, under another load, which ends ten seconds after the fault.
fn tenth(name: &str, rate: u32) -> String {
    let text = std::fs::read_to_string(COLLAPSE).unwrap();
    let text = text.replace("rate: 280", &format!("rate: {rate}")).replace("serviceTime: 10ms", "serviceTime: 100ms");
    let text = text.replace("duration: 90s", "duration: 40s");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// One attempt never tips: above 30/s it is down without a fault, too. With one retry it tips above 15/s, and where it tips is
/// found although the upper end is overloaded.
#[test]
fn what_is_down_by_itself_has_not_tipped() {
    let file = tenth("overload.yaml", 28);
    let report = document(&["sweep", &file, "--param", "load.rate=5..60", "--find", "tipping-point"]);
    let [once, retry] = [&report["arms"][0], &report["arms"][1]];
    assert_eq!(once["result"], "overloadedAbove", "{once}");
    assert!((28..=31).contains(&number(&once["tips"])), "{once}");
    assert_eq!((values(once, "staysDown").len(), values(once, "undecided").len()), (0, 0), "{once}");
    assert_eq!(retry["result"], "tipsAbove", "{retry}");
    assert!((13..=16).contains(&number(&retry["tips"])), "{retry}");
    assert!(values(retry, "overloaded").contains(&"60"), "{retry}");
    let last = once["hysteresis"].as_array().unwrap().last().unwrap();
    assert_eq!((last["rate"].as_u64(), last["state"].as_str()), (Some(60), Some("overloaded")));
    let down = document(&["sweep", &file, "--arm", "once", "--param", "load.rate=50..60", "--find", "tipping-point"]);
    assert_eq!(down["arms"][0]["result"], "alwaysOverloaded");
}

/// At 25/s the backlog is worked off in λW/(μ − λ) = 25 · 10/5 = 50 s.
#[test]
fn a_time_to_observe_in_which_the_backlog_may_last_is_refused_where_it_would_mislead() {
    let file = tenth("observe.yaml", 25);
    let sweep = |range, observe| {
        let arguments = ["sweep", &file, "--arm", "once", "--param", range, "--find", "tipping-point"];
        [&arguments[..], &["--observe", observe]].concat()
    };
    let message = refused(&sweep("load.rate=5..25", "10s"));
    assert!(message.contains("--observe: 10s is too short at load.rate = 25: "), "{message}");
    assert!(message.contains("by the backlog alone; allowed: "), "{message}");
    assert!(refused(&sweep("load.rate=5..25", "9s")).contains("allowed: 10s or more"));
    assert_eq!(document(&sweep("load.rate=5..10", "60s"))["arms"][0]["result"], "neverTips");
}

/// At 20/s a fault of up to 500 ms is nothing, and one of 10 s is for good.
#[test]
fn the_loop_is_walked_although_what_is_varied_never_tips() {
    let file = tenth("short.yaml", 20);
    let range = "faults[outage].for=100ms..500ms";
    let report = document(&["sweep", &file, "--arm", "one-retry", "--param", range, "--find", "tipping-point"]);
    let arm = &report["arms"][0];
    assert_eq!(arm["result"], "neverTips");
    assert_eq!(values(arm, "comesBack"), ["100ms", "200ms", "300ms", "400ms", "500ms"]);
    let states: Vec<&str> =
        arm["hysteresis"].as_array().unwrap().iter().map(|point| point["state"].as_str().unwrap()).collect();
    assert_eq!((states[0], states[7]), ("stable", "vulnerable"), "{arm}");
}

/// Where a system tips is a matter of what happens when nobody helps. A longer fault would reach into the stretch, too.
#[test]
fn load_that_the_experiment_sheds_does_not_move_the_tipping_point() {
    for range in ["load.rate=140..155", "faults[outage].for=100ms..40s"] {
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
