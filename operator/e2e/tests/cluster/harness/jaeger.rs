//! A Jaeger, asked as its own pages ask it.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use super::{Http, SOON, eventually, kubectl};

/// Where it takes traces.
pub const OTLP_ENDPOINT: &str = "http://jaeger.tracing:4318";

const IN: [&str; 2] = ["--namespace", "tracing"];

/// A Jaeger, which goes when this goes.
pub struct Jaeger(Http);

/// A span, with its attributes and those of whoever sent it.
#[derive(Debug)]
pub struct Span {
    pub id: String,
    pub parent: Option<String>,
    pub service: String,
    /// In microseconds since 1970.
    pub starts_at: u64,
    pub lasts_us: u64,
    tags: Vec<Value>,
}

impl Jaeger {
    /// Runs one, and waits until it is ready.
    pub async fn start() -> Self {
        kubectl(&["apply", "--server-side", "--filename", &manifests()]).await;
        kubectl(&[&["rollout", "status", "deployment/jaeger", "--timeout=60s"], &IN[..]].concat()).await;
        let address = ["get", "service", "jaeger", "--output=jsonpath={.spec.clusterIP}"];
        Self(Http::new(&format!("http://{}:16686", kubectl(&[&address, &IN[..]].concat()).await)))
    }

    /// The spans of a trace in the order in which they began, once there are so many.
    pub async fn trace(&self, trace_id: &str, spans: usize) -> Vec<Span> {
        let path = format!("/api/traces/{trace_id}");
        let whole = async || {
            let (_, answer) = self.0.try_send("GET", &path, None, "").await.ok()?;
            let found = spans_of(&answer["data"][0]);
            (found.len() >= spans).then_some(found)
        };
        eventually(&format!("{spans} spans of the trace {trace_id} are in Jaeger"), SOON, whole).await
    }
}

impl Span {
    /// What it says under a name; empty, if nothing.
    pub fn tag(&self, name: &str) -> String {
        match self.tags.iter().find(|tag| tag["key"] == name).map(|tag| &tag["value"]) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

/// Blocking, since it also happens while a test panics.
impl Drop for Jaeger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = [&["logs", "deployment/jaeger", "--tail", "30"], &IN[..]].concat();
            println!("what Jaeger said: {:?}", Command::new("kubectl").args(logs).output());
        }
        Command::new("kubectl").args(["delete", "--filename", &manifests(), "--wait=false"]).output().ok();
    }
}

fn manifests() -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/monitoring/jaeger.yaml");
    file.to_str().unwrap().to_owned()
}

fn spans_of(trace: &Value) -> Vec<Span> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut spans: Vec<_> = list(&trace["spans"])
        .iter()
        .map(|span| {
            let process = &trace["processes"][span["processID"].as_str().unwrap_or_default()];
            Span {
                id: text(&span["spanID"]),
                parent: list(&span["references"]).first().map(|parent| text(&parent["spanID"])),
                service: text(&process["serviceName"]),
                starts_at: span["startTime"].as_u64().unwrap_or_default(),
                lasts_us: span["duration"].as_u64().unwrap_or_default(),
                tags: [list(&span["tags"]), list(&process["tags"])].concat(),
            }
        })
        .collect();
    spans.sort_by_key(|span| span.starts_at);
    spans
}
