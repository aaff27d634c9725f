//! What people see in Grafana: the real Prometheus, made by the real prometheus-operator with kube-prometheus-stack's default
//! selectors, finds every target by the chart's monitors, and knows an answer to every query of every dashboard and rule.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use k8s_openapi::{api::core::v1::Namespace, jiff::Timestamp};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use retrylab_api::{RetryExperimentStatus, Verdict};
use serde_json::{Value, json};

use crate::harness::{
    Experiment, Lab, Prometheus, Restored, SOON, arm, eventually, operator_role, scale_operator, set_operator_role,
    upgrade, window, without_right,
};

/// What the README says to set for kube-prometheus-stack.
pub const MONITORED: [&str; 10] = [
    "--set",
    "monitoring.labels.release=kube-prometheus-stack",
    "--set",
    "monitoring.serviceMonitor.enabled=true",
    "--set",
    "monitoring.podMonitor.enabled=true",
    "--set",
    "monitoring.prometheusRule.enabled=true",
    "--set",
    "monitoring.dashboards.enabled=true",
];

const ARMS: [&str; 3] = ["stubborn", "jitter", "guarded"];

/// A comparison in which everything happens that a dashboard shows: an outage, a burst and shed load; an arm that makes eight
/// attempts, for the alert on more than four (which it is for eleven seconds, and rules are evaluated every five), and one with
/// a budget and a breaker. The pods stay until Prometheus has seen their last counts.
fn comparison() -> Value {
    json!({
        "seed": 42,
        "arms": [
            {"name": "stubborn", "strategy": {"type": "Naive", "naive": {"maxAttempts": 8}}},
            {"name": "jitter", "strategy": {"type": "Jitter"}},
            {"name": "guarded", "strategy": {"type": "Finagle", "breaker": {"openFor": "1s"}}},
        ],
        "load": {
            "rate": 50,
            "bursts": [{"name": "spike", "at": "4s", "requests": 10}],
            "shed": [{"name": "shed", "at": "19s", "for": "3s", "percent": 50}],
        },
        "faults": [{"name": "outage", "at": "2s", "for": "6s", "type": "Error", "status": 503}],
        "duration": "22s",
        "ttlSecondsAfterFinished": 60,
    })
}

#[tokio::test]
async fn prometheus_finds_every_target_and_has_an_answer_to_every_query_and_rule() {
    let lab = Lab::alone().await;
    let _restored = Restored;
    upgrade(&MONITORED).await;
    restrict(&lab).await;
    let prometheus = Prometheus::start().await;
    let from = now();
    let experiment = lab.experiment("comparison", &comparison()).await;
    every_target_is_up(&prometheus, &experiment).await;
    let status = experiment.complete(Duration::from_secs(150)).await;
    assert_ne!(status.verdict, Some(Verdict::Error), "{:?}", status.message);
    amplification_is_that_of_the_status(&prometheus, &experiment, &status).await;
    let to = now();
    every_query_has_an_answer(&prometheus, &experiment, from, to).await;
    every_rule_has_an_answer(&prometheus, from, to).await;
    alerts_tell_what_happens_to_the_operator(&lab, &prometheus).await;
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

/// The operator's namespace enforces the Pod Security Standard `restricted`, and from now on the experiments' does.
async fn restrict(lab: &Lab) {
    let namespaces: Api<Namespace> = Api::all(lab.client.clone());
    let enforced = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    namespaces.patch(&lab.namespace, &PatchParams::default(), &Patch::Merge(&enforced)).await.unwrap();
    let labels = namespaces.get("retrylab-system").await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
}

/// By the two monitors, and nothing else: the operator, and all pods of the experiment, each with whose it is.
async fn every_target_is_up(prometheus: &Prometheus, experiment: &Experiment) {
    let operator = "serviceMonitor/retrylab-system/retrylab-operator/0";
    let workloads = "podMonitor/retrylab-system/retrylab-workloads/0";
    let wanted: BTreeSet<_> = [(operator, ""), (workloads, "backend"), (workloads, "client"), (workloads, "loadgen")]
        .map(|(pool, role)| (pool.to_owned(), role.to_owned()))
        .into();
    eventually("every target is up, and there are no others", SOON, async || {
        let targets = prometheus.targets().await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen: BTreeSet<_> =
            targets.iter().map(|target| (text(&target["scrapePool"]), text(&target["labels"]["role"]))).collect();
        let of_this = |target: &&Value| target["scrapePool"] == workloads;
        let are_up = targets.iter().all(|target| target["health"] == "up" && target["lastError"] == "");
        let are_named = targets.iter().filter(of_this).all(|target| {
            let labels = &target["labels"];
            labels["experiment"] == *experiment.name && labels["namespace"] == *experiment.namespace
        });
        (seen == wanted && targets.len() == wanted.len() && are_up && are_named).then_some(())
    })
    .await;
}

/// As Prometheus counts it, and as the operator says it: to the last of the status' three decimals.
async fn amplification_is_that_of_the_status(
    prometheus: &Prometheus,
    experiment: &Experiment,
    status: &RetryExperimentStatus,
) {
    for name in ARMS {
        let total = window(arm(status, name), "total");
        let (wire, cohort) = (total.wire_amplification.as_deref(), total.amplification.as_deref());
        for (metric, shown) in [
            ("arm:retrylab_wire_amplification:ratio", wire),
            ("retrylab_arm_wire_amplification", wire),
            ("retrylab_arm_amplification", cohort),
        ] {
            let (namespace, of) = (&experiment.namespace, &experiment.name);
            let query = format!(r#"{metric}{{namespace="{namespace}",experiment="{of}",arm="{name}"}}"#);
            let shown: f64 = shown.unwrap().parse().unwrap();
            eventually(&format!("{query} is {shown}"), SOON, async || {
                let series = prometheus.at(&query, now()).await;
                let counted = series.first()?["value"][1].as_str()?.parse::<f64>().ok()?;
                let is_so = (counted - shown).abs() < 0.000_501; // half of the last decimal
                is_so.then(|| println!("{metric} of {name}: {counted}, {shown} in the status"))
            })
            .await;
        }
    }
}

async fn every_query_has_an_answer(prometheus: &Prometheus, experiment: &Experiment, from: i64, to: i64) {
    let (mut asked, mut silent) = (0, Vec::new());
    for Query { place, text, kind } in queries() {
        let query = text
            .replace("$__range", &format!("{}s", to - from))
            .replace("$window", "10s")
            .replace("$namespace", &experiment.namespace)
            .replace("$experiment", &experiment.name);
        let answer = match &kind {
            Kind::Instant => prometheus.at(&query, to).await,
            Kind::Range => prometheus.range(&query, from, to).await,
            Kind::Values(label) => prometheus.label_values(label, &query).await,
        };
        asked += 1;
        if answer.is_empty() {
            silent.push(format!("{place}: {query}"));
        }
    }
    println!("{asked} queries of dashboards");
    assert!(asked > 70 && silent.is_empty(), "{} of {asked} have no answer: {silent:#?}", silent.len());
}

/// Every rule of the chart is there and evaluated; what is recorded has been, and so has what alerts look at, whatever they
/// compare it with. Of the alerts one has come true, by the arm that makes eight attempts.
async fn every_rule_has_an_answer(prometheus: &Prometheus, from: i64, to: i64) {
    let rules = prometheus.rules().await;
    let names: BTreeSet<_> = rules.iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, rules_of_the_chart());
    for rule in &rules {
        let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
        assert_eq!(rule["health"], "ok", "{name}: {rule}");
        let looked_at = match name {
            "RetrylabAmplificationHigh" => query,
            _ if rule["type"] == "recording" => name,
            _ => without_bound(query),
        };
        assert!(!prometheus.range(looked_at, from, to).await.is_empty(), "{name}: {looked_at} has no answer");
    }
}

/// What an alert's query looks at, whatever it is compared with.
fn without_bound(query: &str) -> &str {
    let query = query.strip_prefix("absent(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(query);
    let (left, bound) = query.rsplit_once(" > ").unwrap_or((query, "0"));
    if bound.parse::<f64>().is_ok() { left } else { query }
}

/// The other three come true as well: for an operator that may not write statuses, so that its passes fail and an experiment
/// stays as it is, and for one that is gone.
async fn alerts_tell_what_happens_to_the_operator(lab: &Lab, prometheus: &Prometheus) {
    let rules = prometheus.rules().await;
    let comes_true = async |name: &str, deadline: Duration| {
        let rule = rules.iter().find(|rule| rule["name"] == name).unwrap();
        let query = rule["query"].as_str().unwrap();
        eventually(name, deadline, async || prometheus.at(query, now()).await.into_iter().next()).await
    };
    let role = operator_role(&lab.client).await;
    set_operator_role(&lab.client, &without_right(&role, "update", "retryexperiments/status")).await;
    let spec = json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 1}, "duration": "1s"});
    for name in ["stuck-1", "stuck-2", "stuck-3", "stuck-4", "stuck-5"] {
        lab.experiment(name, &spec).await;
    }
    // A minute after it was due, which is at once.
    let stuck = comes_true("RetrylabExperimentStuck", Duration::from_secs(90)).await;
    assert!(stuck["metric"]["experiment"].as_str().unwrap().starts_with("stuck-"), "{stuck}");
    comes_true("RetrylabOperatorErrors", SOON).await;
    set_operator_role(&lab.client, &role).await;
    scale_operator(&lab.client, 0).await;
    comes_true("RetrylabOperatorAbsent", SOON).await;
    scale_operator(&lab.client, 1).await;
}

/// A query that Grafana makes.
struct Query {
    place: String,
    text: String,
    kind: Kind,
}

/// What a query is asked for: a moment, a stretch of time, or the values of a label.
enum Kind {
    Instant,
    Range,
    Values(String),
}

/// Every query of every dashboard: of panels, annotations and variables.
fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for file in files_of_the_chart("dashboards") {
        let board: Value = serde_json::from_str(&file).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut add = |name: &Value, query: &Value, kind: Kind| {
            let place = format!("{}, {}", text(&board["title"]), text(name));
            // That it says 0 where there is nothing is no answer; without that it has one while the experiment goes on.
            let (text, kind) = match text(query).strip_suffix(" or vector(0)") {
                Some(bare) => (bare.to_owned(), Kind::Range),
                None => (text(query), kind),
            };
            queries.push(Query { place, text, kind });
        };
        let panels = board["panels"].as_array().unwrap();
        // A row that is collapsed has its panels in itself.
        for panel in panels.iter().chain(panels.iter().flat_map(|row| row["panels"].as_array().into_iter().flatten())) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let kind = if target["instant"] == true { Kind::Instant } else { Kind::Range };
                add(&panel["title"], &target["expr"], kind);
            }
        }
        for annotation in board["annotations"]["list"].as_array().unwrap() {
            add(&annotation["name"], &annotation["expr"], Kind::Range);
        }
        for variable in board["templating"]["list"].as_array().unwrap() {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let (selector, label) =
                query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
            add(&variable["name"], &json!(selector), Kind::Values(label.to_owned()));
        }
    }
    queries
}

/// The names of the rules in the chart's files, whether they record or alert.
fn rules_of_the_chart() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files_of_the_chart("rules") {
        let file: Value = serde_saphyr::from_str(&file).unwrap();
        for rule in file["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
            names.insert(rule["record"].as_str().or(rule["alert"].as_str()).unwrap().to_owned());
        }
    }
    names
}

/// What stands in the files of a folder of the chart.
fn files_of_the_chart(folder: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../charts/retrylab").join(folder);
    fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}
