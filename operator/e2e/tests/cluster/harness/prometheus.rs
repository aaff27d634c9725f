//! A Prometheus as kube-prometheus-stack makes it, asked as Grafana asks it.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use super::{Http, SOON, eventually, kubectl, try_kubectl};

const POD: [&str; 4] = ["--namespace", "monitoring", "pod", "prometheus-stack-0"];

/// A Prometheus, which goes when this goes.
pub struct Prometheus {
    address: String,
    http: Http,
}

impl Prometheus {
    /// Has prometheus-operator make one, of whatever monitors and rules there are, and waits until it is ready.
    pub async fn start() -> Self {
        kubectl(&["apply", "--server-side", "--filename", &manifests()]).await;
        let is_there = async || try_kubectl(&[&["get"], &POD[..]].concat()).await.ok();
        eventually("prometheus-operator makes a pod", SOON, is_there).await;
        kubectl(&[&["wait", "--for=condition=Ready", "--timeout=60s"], &POD[..]].concat()).await;
        let address = kubectl(&[&["get", "--output=jsonpath={.status.podIP}"], &POD[..]].concat()).await;
        let address = format!("{address}:9090");
        Self { http: Http::new(&format!("http://{address}")), address }
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All that is scraped, with its labels and health.
    pub async fn targets(&self) -> Vec<Value> {
        list(&self.http.get("/api/v1/targets?state=active").await["data"]["activeTargets"])
    }

    /// All rules, with their health.
    pub async fn rules(&self) -> Vec<Value> {
        let groups = list(&self.http.get("/api/v1/rules").await["data"]["groups"]);
        groups.iter().flat_map(|group| list(&group["rules"])).collect()
    }

    /// The series that a query gives a number for, second by second from one moment to another (in seconds since 1970).
    pub async fn range(&self, query: &str, from: i64, to: i64) -> Vec<Value> {
        self.ask(&format!("/api/v1/query_range?start={from}&end={to}&step=1&query={}", escaped(query))).await
    }

    /// The series that a query gives a number for at a moment (in seconds since 1970).
    pub async fn at(&self, query: &str, moment: i64) -> Vec<Value> {
        self.ask(&format!("/api/v1/query?time={moment}&query={}", escaped(query))).await
    }

    /// The values of a label of the series that a selector gives.
    pub async fn label_values(&self, label: &str, selector: &str) -> Vec<Value> {
        list(&self.get(&format!("/api/v1/label/{label}/values?match[]={}", escaped(selector))).await["data"])
    }

    async fn ask(&self, path: &str) -> Vec<Value> {
        let mut series = list(&self.get(path).await["data"]["result"]);
        series.retain(has_a_number);
        series
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(path).await;
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer
    }
}

/// Blocking, since it also happens while a test panics.
impl Drop for Prometheus {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = ["logs", "--namespace", "monitoring", "prometheus-stack-0", "--all-containers", "--tail", "30"];
            let output = Command::new("kubectl").args(logs).output();
            println!("what Prometheus said: {output:?}");
        }
        Command::new("kubectl").args(["delete", "--filename", &manifests(), "--wait=false"]).output().ok();
    }
}

fn manifests() -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/monitoring/stack.yaml");
    file.to_str().unwrap().to_owned()
}

/// A series of what is no number says nothing: 0 divided by 0, or a quantile of no observations.
fn has_a_number(series: &Value) -> bool {
    let values = list(&series["values"]);
    let mut shown = values.iter().chain([&series["value"]]).filter_map(|value| value[1].as_str());
    shown.any(|value| value != "NaN")
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A query as a part of a URL.
fn escaped(query: &str) -> String {
    query
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
