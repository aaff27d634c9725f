//! What people see in Grafana: the real Prometheus, set up by the real prometheus-operator from what the chart has for it, picks
//! up every pod, and knows an answer to every query of every dashboard and rule.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use k8s_openapi::jiff::Timestamp;
use retrylab_api::Verdict;
use serde_json::{Value, json};

use crate::harness::{Experiment, Lab, Prometheus, SOON, arm, eventually, window};

/// A run in which everything happens that a dashboard shows: an outage, a burst and shed load, under a strategy without limits and
/// under one with a budget and a breaker. The pods stay until Prometheus has seen their last counts.
fn spec() -> Value {
    json!({
        "seed": 42,
        "arms": [
            {"name": "naive", "strategy": {"type": "Naive"}},
            {"name": "guarded", "strategy": {"type": "Finagle", "breaker": {}}},
        ],
        "load": {
            "rate": 50,
            "bursts": [{"name": "spike", "at": "3s", "requests": 10}],
            "shed": [{"name": "shed", "at": "24s", "for": "3s", "percent": 50}],
        },
        "faults": [{"name": "outage", "at": "2s", "for": "2s", "type": "Error", "status": 503}],
        "duration": "27s",
        "ttlSecondsAfterFinished": 60,
    })
}

#[tokio::test]
async fn prometheus_knows_an_answer_to_every_query_and_the_amplification_of_the_status() {
    let lab = Lab::shared().await;
    let prometheus = Prometheus::of_the_stack().await;
    let from = Timestamp::now().as_second();
    let experiment = lab.experiment("watched", &spec()).await;
    every_pod_is_scraped(&prometheus, &experiment).await;
    let status = experiment.complete(Duration::from_secs(120)).await;
    assert_ne!(status.verdict, Some(Verdict::Error), "{:?}", status.message);
    amplification_is_that_of_the_status(&prometheus, &experiment).await;
    let to = Timestamp::now().as_second();
    every_query_has_an_answer(&prometheus, &experiment, from, to).await;
    every_rule_has_an_answer(&prometheus, from, to).await;
}

/// By the monitors of the chart: the operator, and all pods of the experiment, each with whose it is.
async fn every_pod_is_scraped(prometheus: &Prometheus, experiment: &Experiment) {
    let wanted: BTreeSet<String> = ["", "backend", "client", "loadgen"].map(str::to_owned).into();
    eventually("every pod is scraped", SOON, async || {
        let up = prometheus.targets().await.into_iter().filter(|target| target["health"] == "up");
        let ours = up.map(|target| target["labels"].clone()).filter(|labels| {
            let of_this = labels["experiment"] == *experiment.name && labels["namespace"] == *experiment.namespace;
            of_this || labels["service"] == "retrylab-operator"
        });
        let roles: BTreeSet<String> =
            ours.map(|labels| labels["role"].as_str().unwrap_or_default().to_owned()).collect();
        (roles == wanted).then_some(())
    })
    .await;
}

/// Counted by Prometheus, and as the operator says it: to the last of the status' three decimals.
async fn amplification_is_that_of_the_status(prometheus: &Prometheus, experiment: &Experiment) {
    let status = experiment.status().await;
    let of_this = format!(r#"namespace="{}",experiment="{}""#, experiment.namespace, experiment.name);
    for metric in ["arm:retrylab_wire_amplification:ratio", "retrylab_arm_wire_amplification"] {
        for name in ["naive", "guarded"] {
            let wanted: f64 =
                window(arm(&status, name), "total").wire_amplification.as_deref().unwrap().parse().unwrap();
            let query = format!(r#"{metric}{{{of_this},arm="{name}"}}"#);
            let what = format!("{query} is {wanted}");
            eventually(&what, SOON, async || {
                let seen = prometheus.at(&query, Timestamp::now().as_second()).await;
                let shown = seen.first()?["value"][1].as_str()?.parse::<f64>().ok()?;
                println!("{query}: {shown}, {wanted} in the status");
                ((shown - wanted).abs() < 0.000_501).then_some(()) // half of the last decimal
            })
            .await;
        }
    }
}

async fn every_query_has_an_answer(prometheus: &Prometheus, experiment: &Experiment, from: i64, to: i64) {
    let mut asked = 0;
    let mut silent = Vec::new();
    for (place, query, instant) in queries() {
        let query = query
            .replace("$__range", &format!("{}s", to - from))
            .replace("$window", "10s")
            .replace("$namespace", &experiment.namespace)
            .replace("$experiment", &experiment.name);
        let seen = if instant { prometheus.at(&query, to).await } else { prometheus.range(&query, from, to).await };
        asked += 1;
        if seen.is_empty() {
            silent.push(format!("{place}: {query}"));
        }
    }
    println!("{asked} queries of dashboards");
    assert!(asked > 60 && silent.is_empty(), "{} of {asked} have no answer: {silent:#?}", silent.len());
}

/// Every rule is evaluated; what is recorded is there, and so is what alerts look at.
async fn every_rule_has_an_answer(prometheus: &Prometheus, from: i64, to: i64) {
    let rules: Vec<_> = prometheus.rules().await;
    let names: BTreeSet<_> = rules.iter().filter_map(|rule| rule["name"].as_str()).collect();
    for name in [
        "experiment:retrylab_wire_amplification:ratio_rate30s",
        "arm:retrylab_wire_amplification:ratio",
        "arm:retrylab_success:ratio",
        "RetrylabAmplificationHigh",
        "RetrylabExperimentStuck",
        "RetrylabOperatorErrors",
        "RetrylabOperatorAbsent",
    ] {
        assert!(names.contains(name), "no rule {name} in {names:?}");
    }
    for rule in &rules {
        let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
        assert_eq!(rule["health"], "ok", "{name}: {rule}");
        let looked_at = if rule["type"] == "recording" { name } else { without_bound(query) };
        assert!(!prometheus.range(looked_at, from, to).await.is_empty(), "{name}: {looked_at} has no answer");
    }
}

/// What an alert's query looks at, whatever it is compared with.
fn without_bound(query: &str) -> &str {
    let query = query.strip_prefix("absent(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(query);
    let (left, bound) = query.rsplit_once(" > ").unwrap_or((query, "0"));
    if bound.parse::<f64>().is_ok() { left } else { query }
}

/// Every query of every dashboard, with its place and whether it is asked for a moment: panels and annotations.
fn queries() -> Vec<(String, String, bool)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../charts/retrylab/dashboards");
    let mut queries = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let board: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{}, {}", text(&board["title"]), text(&panel["title"]));
                queries.push((place, text(&target["expr"]), target["instant"] == true));
            }
        }
        for annotation in board["annotations"]["list"].as_array().unwrap() {
            let place = format!("{}, {}", text(&board["title"]), text(&annotation["name"]));
            queries.push((place, text(&annotation["expr"]), false));
        }
    }
    queries
}
