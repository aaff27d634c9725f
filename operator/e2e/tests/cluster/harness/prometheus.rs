//! The Prometheus of the stack, asked as Grafana asks it.

use serde_json::Value;

use super::{Http, kubectl};

/// A Prometheus.
pub struct Prometheus(Http);

impl Prometheus {
    /// That of `deploy/monitoring/stack.sh`.
    pub async fn of_the_stack() -> Self {
        let pod = ["get", "pod", "prometheus-stack-0", "--namespace", "monitoring"];
        let address = kubectl(&[&pod[..], &["--output", "jsonpath={.status.podIP}"]].concat()).await;
        Self(Http::new(&format!("http://{address}:9090")))
    }

    /// The targets that are scraped, with their labels and health.
    pub async fn targets(&self) -> Vec<Value> {
        list(&self.0.get("/api/v1/targets?state=active").await["data"]["activeTargets"])
    }

    /// The rules, with their health.
    pub async fn rules(&self) -> Vec<Value> {
        let groups = list(&self.0.get("/api/v1/rules").await["data"]["groups"]);
        groups.iter().flat_map(|group| list(&group["rules"])).collect()
    }

    /// What a query gives from one moment to another (seconds since 1970), second by second.
    pub async fn range(&self, query: &str, from: i64, to: i64) -> Vec<Value> {
        self.ask(&format!("/api/v1/query_range?start={from}&end={to}&step=1&query={}", escaped(query))).await
    }

    /// What a query gives at a moment (seconds since 1970).
    pub async fn at(&self, query: &str, moment: i64) -> Vec<Value> {
        self.ask(&format!("/api/v1/query?time={moment}&query={}", escaped(query))).await
    }

    async fn ask(&self, path: &str) -> Vec<Value> {
        let answer = self.0.get(path).await;
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        list(&answer["data"]["result"])
    }
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
