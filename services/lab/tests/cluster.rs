//! The verbs that reach a cluster, against a stand-in for kubectl that answers from files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const COMPARISON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/samples/comparison.yaml");
const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl.sh");

const NOW: &str = "2026-11-24T15:00:00.000000Z";

/// A place with a stand-in for kubectl, and the command under the name of kubectl's plugin.
struct Lab(PathBuf);

impl Lab {
    fn new(name: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::remove_dir_all(&place).ok();
        fs::create_dir_all(&place).unwrap();
        symlink(STAND_IN, place.join("kubectl")).unwrap();
        symlink(env!("CARGO_BIN_EXE_retrylab"), place.join("kubectl-retrylab")).unwrap();
        Self(place)
    }

    fn with(self, file: &str, text: impl AsRef<str>) -> Self {
        fs::write(self.0.join(file), text.as_ref()).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let path = format!("{}:{}", self.0.display(), env::var("PATH").unwrap());
        let mut command = Command::new(self.0.join("kubectl-retrylab"));
        command.args(arguments).env("PATH", path).env("STAND_IN", &self.0);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it prints, when it ends with this code: on the standard output, or (from 3 on, and with no answer) the error.
    fn check(&self, arguments: &[&str], code: i32, expected: &str) {
        let Output { status, stdout, stderr } = self.run(arguments);
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.0.join("asked")).unwrap()
    }
}

/// The sample's report, by simulation; and as an object in a cluster.
fn finished() -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_retrylab")).args(["simulate", COMPARISON, "-o", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn object(report: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "retrylab.dev/v1alpha1",
        "kind": "RetryExperiment",
        "metadata": {"name": "comparison", "namespace": "lab"},
        "spec": report["spec"],
        "status": report["status"],
    });
    object["status"]["reportRef"] = json!({"kind": "ConfigMap", "name": "comparison-report"});
    object
}

fn running(report: &Value) -> Value {
    let mut object = object(report);
    let status = object["status"].as_object_mut().unwrap();
    status.insert("phase".into(), "Running".into());
    for field in ["verdict", "message", "criteria", "reportRef"] {
        status.remove(field);
    }
    let arm = &status["arms"][0];
    let run = json!({"id": "1-1-naive-1", "handover": 1, "settledAt": NOW, "startsAt": NOW, "target": "10.0.0.1:8000"});
    let begun = json!({"name": arm["name"], "phase": "Running", "run": run});
    status.insert("arms".into(), json!([begun]));
    object
}

fn event(kind: &str, object: &Value) -> String {
    serde_json::to_string_pretty(&json!({"type": kind, "object": object})).unwrap()
}

const EXPERIMENT: &str = "get-retryexperiments.retrylab.dev-comparison.json";

#[test]
fn watch_tells_what_changes_and_ends_with_the_results_and_their_code() {
    let report = finished();
    let events = [event("ADDED", &running(&report)), event("MODIFIED", &object(&report))].join("\n");
    let lab = Lab::new("watch").with("watch.json", events).with(EXPERIMENT, object(&report).to_string());
    let lab =
        lab.with("get-configmap.err", "Error from server (NotFound): configmaps \"comparison-report\" not found\n");
    let Output { status, stdout, .. } =
        lab.run(&["watch", "comparison", "-n", "lab", "--context", "c", "--kubeconfig", "/k"]);
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.starts_with("Running, arm naive\nComplete\n"), "{text}");
    assert!(
        text.ends_with(
            "comparison, in a cluster: Passed: the evidence is complete, and all 3 checks of criteria hold\n"
        ),
        "{text}"
    );
    for asked in lab.asked().lines() {
        assert!(asked.ends_with("--namespace lab --context c --kubeconfig=/k"), "{asked}");
    }
}

#[test]
fn watch_ends_with_the_verdict_and_never_passes_without_one() {
    let mut report = finished();
    report["status"]["verdict"] = "Failed".into();
    let events = event("ADDED", &object(&report));
    Lab::new("watch-failed")
        .with("watch.json", events)
        .with(EXPERIMENT, object(&report).to_string())
        .with("get-configmap.err", "(NotFound)")
        .check(&["watch", "comparison"], 1, "comparison, in a cluster: Failed");
    let gone = event("DELETED", &running(&report));
    Lab::new("watch-gone").with("watch.json", gone).check(&["watch", "comparison"], 2, "was deleted");
    Lab::new("watch-silent").with("watch.json", "").check(&["watch", "comparison"], 2, "said nothing of comparison");
}

/// An API server that restarts: it refuses connections, then it does not know yet who may do what.
#[test]
fn watch_goes_on_when_the_cluster_answers_again() {
    let report = finished();
    let refused = "E1124 15:00:00.000000 1 memcache.go:265]\nThe connection to the server localhost:1 was refused - did you specify the right host or port?";
    let forbidden = "Error from server (Forbidden): retryexperiments.retrylab.dev \"comparison\" is forbidden";
    let before = Lab::new("watch-outage")
        .with("watch-1.json", event("ADDED", &running(&report)))
        .with("watch-2.err", refused)
        .with("watch-3.err", forbidden);
    let Output { status, stdout, stderr } =
        before.with("watch-4.json", event("ADDED", &object(&report))).run(&["watch", "comparison"]);
    let (text, said) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(text.starts_with("Running, arm naive\nComplete\n"), "{text}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "the cluster does not answer: The connection to the server localhost:1 was refused - did you specify the right host or port?",
            "it is asked again and again, for 5 minutes at most",
            "the cluster answers again",
        ]
    );
}

/// kubectl shows a connection that broke as an event on its standard output, and ends with 0.
#[test]
fn watch_goes_on_after_an_event_that_is_an_error() {
    let report = finished();
    let error = |code: u16, message: &str| {
        json!({"type": "ERROR", "object": {"kind": "Status", "code": code, "message": message}}).to_string()
    };
    let Output { status, stderr, .. } = Lab::new("watch-error")
        .with("watch-1.json", event("ADDED", &running(&report)))
        .with("watch-2.json", error(410, "too old resource version"))
        .with("watch-3.json", event("ADDED", &running(&report)) + &error(500, "http2: client connection lost"))
        .with("watch-4.json", event("ADDED", &object(&report)))
        .run(&["watch", "comparison"]);
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "the cluster does not answer: http2: client connection lost");
    assert_eq!((lines.len(), lines[2]), (3, "the cluster answers again"));
    Lab::new("watch-error-at-once").with("watch.json", error(500, "etcd is away")).check(
        &["watch", "comparison"],
        2,
        "etcd is away",
    );
}

#[test]
fn watch_ends_when_the_experiment_is_gone_after_an_outage_be_there_a_namesake_or_not() {
    let report = finished();
    let not_found = "Error from server (NotFound): retryexperiments.retrylab.dev \"comparison\" not found";
    Lab::new("watch-gone-meanwhile")
        .with("watch-1.json", event("ADDED", &running(&report)))
        .with("watch.err", not_found)
        .check(&["watch", "comparison"], 2, "comparison was deleted while it was watched");
    let mut another = object(&report);
    another["metadata"]["uid"] = "another".into();
    Lab::new("watch-namesake")
        .with("watch-1.json", event("ADDED", &running(&report)))
        .with("watch.json", event("ADDED", &another))
        .check(&["watch", "comparison"], 2, "comparison was deleted while it was watched");
}

/// `watch x | head -1`: nothing more is to be said for an hour.
#[test]
fn a_watch_that_nobody_reads_ends_though_nothing_happens() {
    let lab = Lab::new("unread").with("watch.json", event("ADDED", &running(&finished()))).with("watch.for", "3600");
    let mut child = lab.command(&["watch", "comparison"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!((line.as_str(), child.wait().unwrap().code()), ("Running, arm naive\n", Some(2)));
}

/// What `watch x | head -1` comes to once `head` has ended.
#[test]
fn who_stops_reading_ends_every_verb_quietly() {
    let report = finished();
    let lab = Lab::new("closed")
        .with("watch.json", event("ADDED", &running(&report)))
        .with("get-configmap.err", "Error from server (NotFound): configmaps \"comparison-report\" not found")
        .with(EXPERIMENT, object(&report).to_string());
    let closed = || {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        writer
    };
    for (arguments, code) in [(&["watch", "comparison"][..], 2), (&["report", "comparison"], 0), (&["crd"], 0)] {
        let Output { status, stderr, .. } = lab.command(arguments).stdout(closed()).output().unwrap();
        assert_eq!(
            (status.code(), stderr.len()),
            (Some(code), 0),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&stderr)
        );
    }
    let status = lab.command(&["validate", "nothing"]).stderr(closed()).status().unwrap();
    assert_eq!(status.code(), Some(3), "an error that nobody reads");
}

#[test]
fn abort_sets_the_field_unless_it_is_over() {
    let report = finished();
    let lab = Lab::new("abort").with(EXPERIMENT, running(&report).to_string()).with("patch.txt", "patched");
    lab.check(&["abort", "comparison"], 0, "comparison is being ended; `kubectl retrylab watch comparison` shows");
    let elsewhere = ["abort", "comparison", "-n", "lab", "--context", "my cluster"];
    lab.check(&elsewhere, 0, "`kubectl retrylab watch comparison -n lab --context 'my cluster'` shows");
    assert!(
        lab.asked()
            .contains(r#"patch retryexperiments.retrylab.dev comparison --type=merge --patch={"spec":{"abort":true}}"#)
    );
    let lab = Lab::new("abort-over").with(EXPERIMENT, object(&report).to_string());
    lab.check(&["abort", "comparison"], 0, "comparison is over already: Passed");
    assert!(!lab.asked().contains("patch"));
}

/// Only the report itself shows timelines, and it goes without them where they may not be read.
#[test]
fn who_may_not_read_the_timelines_may_read_the_figures() {
    let report = finished();
    let event = event("ADDED", &object(&report));
    let lab = Lab::new("no-timelines").with(EXPERIMENT, object(&report).to_string()).with("watch.json", event);
    let lab = lab.with("get-configmap.err", "Error from server (Forbidden): configmaps is forbidden");
    lab.check(&["assert", "comparison", "--max-amplification", "9"], 0, "comparison, in a cluster: holds");
    lab.check(&["compare", "comparison", "--arms", "naive,jitter"], 0, "A: rx/comparison");
    lab.check(&["watch", "comparison"], 0, "comparison, in a cluster: Passed");
    assert!(!lab.asked().contains("configmap"));
    lab.check(&["report", "comparison"], 0, "note: the report is without timelines");
}

/// Its status has less in it than one of this version.
#[test]
fn what_the_previous_version_has_found_is_shown() {
    let left = include_str!("../../../operator/e2e/previous/finished.yaml");
    let object: Value = serde_saphyr::from_str(left).unwrap();
    let lab = Lab::new("previous")
        .with("get-retryexperiments.retrylab.dev-finished.json", object.to_string())
        .with("watch.json", event("ADDED", &object));
    for verb in ["report", "watch"] {
        lab.check(&[verb, "finished"], 0, "finished, in a cluster: Passed");
    }
}

/// The object with what is kept beside it is the whole report: the timelines are those of the simulation.
#[test]
fn a_report_is_the_object_and_the_timelines_beside_it() {
    let report = finished();
    let series = report["series"].as_array().unwrap();
    let key = |series: &Value| (format!("{}.json", series["arm"].as_str().unwrap()), Value::from(series.to_string()));
    let kept = json!({"metadata": {"name": "comparison-report"}, "data": series.iter().map(key).collect::<serde_json::Map<_, _>>()});
    let lab = Lab::new("report")
        .with(EXPERIMENT, object(&report).to_string())
        .with("get-configmap-comparison-report.json", kept.to_string());
    for name in ["comparison", "rx/comparison"] {
        let Output { stdout, stderr, .. } = lab.run(&["report", name, "-o", "json"]);
        let found: Value =
            serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)));
        assert_eq!((&found["series"], &found["source"]), (&report["series"], &json!("Cluster")));
        assert_eq!(found["metadata"], json!({"name": "comparison", "namespace": "lab"}));
    }
    lab.check(
        &["assert", "comparison", "--arm", "naive", "--window", "outage", "--max-amplification", "2.9"],
        1,
        "does not hold",
    );
}

#[test]
fn what_the_cluster_refuses_is_said_with_what_to_do_and_has_its_code() {
    let check = |words: &str, code, expected: &str| {
        for arguments in [&["watch", "comparison"][..], &["report", "comparison"], &["abort", "comparison"]] {
            let lab = Lab::new("refused").with("get-retryexperiments.retrylab.dev.err", words).with("watch.err", words);
            lab.check(arguments, code, expected);
        }
    };
    check(
        "The connection to the server localhost:1 was refused - did you specify the right host or port?",
        2,
        "`kubectl cluster-info`",
    );
    check(
        "Error from server (Forbidden): retryexperiments.retrylab.dev \"comparison\" is forbidden",
        2,
        "`kubectl auth can-i --list`",
    );
    check("error: the server doesn't have a resource type \"retryexperiments\"", 2, "retrylab crd | kubectl apply");
    check(
        "Error from server (NotFound): retryexperiments.retrylab.dev \"comparison\" not found",
        3,
        "`kubectl get rx -A`",
    );
    check("error: context \"nope\" does not exist", 3, "kubectl says: context \"nope\" does not exist");
}

#[test]
fn without_kubectl_that_is_said() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_retrylab")).args(["watch", "x"]).env("PATH", "/nowhere").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text.contains("is it installed, and on the PATH?"), "{text}");
}

/// As `kubectl get` gives several objects.
fn listed(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})
}

fn healthy(name: &str) -> Lab {
    let crd = Command::new(env!("CARGO_BIN_EXE_retrylab")).arg("crd").output().unwrap();
    let crd: Value = serde_saphyr::from_slice(&crd.stdout).unwrap();
    let operator = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "retrylab-operator", "namespace": "retrylab-system"},
        "spec": {"selector": {}, "template": {}},
        "status": {"readyReplicas": 1},
    });
    let no_kind = "error: the server doesn't have a resource type \"podmonitors\"";
    Lab::new(name)
        .with("version.txt", json!({"serverVersion": {"minor": "34", "gitVersion": "v1.34.1"}}).to_string())
        .with("get-customresourcedefinition-retryexperiments.retrylab.dev.json", crd.to_string())
        .with("get-deployments.json", listed(&[operator]).to_string())
        .with("auth.txt", "yes\n")
        .with("get-podmonitors.monitoring.coreos.com.err", no_kind)
        .with("get-configmaps.json", listed(&[]).to_string())
}

#[test]
fn doctor_finds_nothing_wrong_where_nothing_is() {
    let lab = healthy("doctor");
    let Output { status, stdout, stderr } = lab.run(&["doctor"]);
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert_eq!(status.code(), Some(0), "{text}");
    let states: Vec<&str> = text.lines().map(|line| line[..10].trim()).collect();
    assert_eq!(states, ["ok", "ok", "ok", "ok", "not there", "not there"], "{text}");
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let check = |file: &str, text: String, expected: &str| {
        healthy("doctor-wrong").with(file, text).check(&["doctor"], 1, expected);
    };
    let absent = "Error from server (NotFound): customresourcedefinitions \"retryexperiments.retrylab.dev\" not found";
    let lab = healthy("doctor-absent").with("get-customresourcedefinition.err", absent);
    fs::remove_file(lab.0.join("get-customresourcedefinition-retryexperiments.retrylab.dev.json")).unwrap();
    lab.check(&["doctor"], 1, "PROBLEM    definition  the cluster knows no RetryExperiment");
    check("get-deployments.json", listed(&[]).to_string(), "PROBLEM    operator ");
    let monitor = json!({"kind": "PodMonitor", "metadata": {"name": "m", "namespace": "lab"}});
    healthy("doctor-no-prometheus")
        .with("get-podmonitors.monitoring.coreos.com.json", listed(&[monitor]).to_string())
        .with(
            "get-prometheuses.monitoring.coreos.com.err",
            "error: the server doesn't have a resource type \"prometheuses\"",
        )
        .check(&["doctor"], 0, "not there  monitors    the cluster has Retrylab's monitors, but knows no Prometheus");
    check("auth.txt", "no\n".into(), "PROBLEM    permission  you may not create experiments");
    check("auth.txt", "no - nobody said so\n".into(), "PROBLEM    permission  you may not create experiments");
    check("version.txt", json!({"serverVersion": {"minor": "32+"}}).to_string(), "needs Kubernetes 1.33");
    let lab = healthy("doctor-not-asked").with("auth.err", "Error from server (InternalError): no answer in time");
    fs::remove_file(lab.0.join("auth.txt")).unwrap();
    lab.check(&["doctor"], 2, "unknown    permission  there was no answer: Error from server (InternalError)");
    let forbidden = "Error from server (Forbidden): deployments.apps is forbidden";
    let lab = healthy("doctor-unseen").with("get-deployments.err", forbidden);
    fs::remove_file(lab.0.join("get-deployments.json")).unwrap();
    lab.check(&["doctor"], 2, "unknown    operator    you may not look");
    let refused = "The connection to the server localhost:1 was refused";
    Lab::new("doctor-down").with("version.err", refused).check(&["doctor"], 2, "the cluster does not answer");
}
