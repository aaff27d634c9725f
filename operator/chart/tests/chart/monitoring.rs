//! What Prometheus and Grafana pick up.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::harness::{copy_of_the_charts, find, objects, parse, pods, render, selects, try_find};

fn monitored(more: &Value) -> Value {
    let mut monitoring = json!({
        "labels": {"release": "kube-prometheus-stack"},
        "serviceMonitor": {"enabled": true},
        "podMonitor": {"enabled": true},
        "prometheusRule": {"enabled": true},
        "dashboards": {"enabled": true},
    });
    for (key, value) in more.as_object().unwrap() {
        monitoring[key] = value.clone();
    }
    json!({"monitoring": monitoring})
}

#[test]
fn the_monitor_of_the_operator_selects_its_service_and_the_port_that_it_has() {
    let made = objects(&monitored(&json!({})));
    let (monitor, service) =
        (find(&made, "ServiceMonitor", "retrylab-operator"), find(&made, "Service", "retrylab-operator"));
    assert!(selects(&monitor["spec"]["selector"]["matchLabels"], &service["metadata"]["labels"]));
    assert_eq!(monitor["metadata"]["labels"]["release"], "kube-prometheus-stack");
    let port = &service["spec"]["ports"][0];
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], port["name"]);
    let container = &pods(&made)[0].1["containers"][0];
    assert_eq!(port["targetPort"], container["ports"][0]["name"]);
    assert_eq!(monitor["spec"]["endpoints"][0]["interval"], "5s");
}

#[test]
fn the_monitor_of_the_pods_keeps_their_own_labels_and_says_whose_they_are() {
    let made = objects(&monitored(&json!({"podMonitor": {"enabled": true, "interval": "2s"}})));
    let monitor = find(&made, "PodMonitor", "retrylab-workloads");
    assert_eq!(monitor["metadata"]["labels"]["release"], "kube-prometheus-stack");
    assert_eq!(
        monitor["spec"]["selector"]["matchLabels"],
        json!({"app.kubernetes.io/managed-by": "retrylab-operator"})
    );
    assert_eq!(monitor["spec"]["namespaceSelector"], json!({"any": true}));
    let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
    assert_eq!((&endpoint["port"], &endpoint["interval"]), (&json!("http"), &json!("2s")));
    assert_eq!(endpoint["honorLabels"], true);
    let targets: Vec<_> = endpoint["relabelings"].as_array().unwrap().iter().map(|r| &r["targetLabel"]).collect();
    assert_eq!(targets, ["experiment", "role", "calls"]);
}

#[test]
fn only_the_namespaces_of_the_operator_are_scraped() {
    let mut values = monitored(&json!({}));
    values["watchNamespaces"] = json!(["lab", "lab-2"]);
    let made = objects(&values);
    let selector = &find(&made, "PodMonitor", "retrylab-workloads")["spec"]["namespaceSelector"];
    assert_eq!(*selector, json!({"matchNames": ["lab", "lab-2"]}));
}

#[test]
fn that_the_operator_is_absent_is_an_alert_only_where_it_is_scraped() {
    let alerts = |scraped: bool| {
        let on = json!({"enabled": true});
        let made = objects(&json!({"monitoring": {"prometheusRule": on, "serviceMonitor": {"enabled": scraped}}}));
        let rules = made.iter().filter(|object| object["kind"] == "PrometheusRule");
        rules.map(|object| object["spec"].to_string()).collect::<String>()
    };
    for alert in ["RetrylabAmplificationHigh", "RetrylabExperimentStuck", "RetrylabOperatorErrors"] {
        assert!(alerts(true).contains(alert) && alerts(false).contains(alert), "{alert}");
    }
    assert!(alerts(true).contains("RetrylabOperatorAbsent") && !alerts(false).contains("RetrylabOperatorAbsent"));
}

/// Objects of a chart that has one file of rules and two dashboards, and no others.
fn with_files(values: &Value) -> Vec<Value> {
    // Braces are Prometheus' and Grafana's, and none of Helm's business.
    let rules =
        "groups:\n- name: retries\n  rules:\n  - record: x\n    expr: vector(1)\n    labels: {a: '{{ $value }}'}\n";
    let charts = copy_of_the_charts("charts-with-files", |charts| {
        let chart = charts.join("retrylab");
        let folder = |name: &str| {
            let folder = chart.join(name);
            fs::remove_dir_all(&folder).ok();
            fs::create_dir(&folder).unwrap();
            folder
        };
        fs::write(folder("rules").join("retries.yaml"), rules).unwrap();
        let dashboards = folder("dashboards");
        fs::write(dashboards.join("fleet.json"), "{\n  \"legend\": \"{{arm}}\"\n}\n").unwrap();
        fs::write(dashboards.join("run.json"), "{}").unwrap();
    });
    let chart = Path::join(&charts, "retrylab");
    parse(&render(chart.to_str().unwrap(), values, &[]).unwrap())
}

#[test]
fn every_file_of_rules_and_every_dashboard_becomes_an_object_as_it_is() {
    let made = with_files(&monitored(&json!({"dashboards": {
        "enabled": true, "labels": {"grafana_dashboard": "1"}, "annotations": {"grafana_folder": "Retrylab"},
    }})));
    let rules = find(&made, "PrometheusRule", "retrylab-retries");
    assert_eq!(rules["metadata"]["labels"]["release"], "kube-prometheus-stack");
    let rule = json!({"record": "x", "expr": "vector(1)", "labels": {"a": "{{ $value }}"}});
    assert_eq!(rules["spec"]["groups"], json!([{"name": "retries", "rules": [rule]}]));
    for (name, content) in [("fleet", json!({"legend": "{{arm}}"})), ("run", json!({}))] {
        let dashboard = find(&made, "ConfigMap", &format!("retrylab-dashboard-{name}"));
        assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
        assert_eq!(dashboard["metadata"]["annotations"]["grafana_folder"], "Retrylab");
        let text = dashboard["data"][format!("{name}.json")].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), content);
    }
    let off = with_files(&json!({}));
    assert_eq!(try_find(&off, "PrometheusRule", "retrylab-retries"), None);
    assert_eq!(try_find(&off, "ConfigMap", "retrylab-dashboard-fleet"), None);
}
