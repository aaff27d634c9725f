//! The API server's audit log: who wrote what.

use std::{env, fs};

use serde_json::Value;

/// The operator, as the API server knows it.
pub const OPERATOR_USER: &str = "system:serviceaccount:retrylab-system:retrylab-operator";

/// The log, from a moment on.
pub struct AuditLog {
    path: String,
    from: usize,
}

/// One write to the API.
#[derive(Debug)]
pub struct Write {
    pub user: String,
    /// Empty for what is in no namespace.
    pub namespace: String,
    /// The verb, the resource and the name.
    pub what: String,
}

impl AuditLog {
    /// The log from now on.
    pub fn from_now() -> Self {
        let path = env::var("RETRYLAB_AUDIT_LOG").expect("RETRYLAB_AUDIT_LOG must be the API server's audit log");
        let from = fs::read(&path).expect("the audit log must be readable").len();
        Self { path, from }
    }

    /// Every write since then, in order.
    pub fn writes(&self) -> Vec<Write> {
        let log = fs::read(&self.path).unwrap();
        let news = String::from_utf8_lossy(&log[self.from..]).into_owned();
        news.lines().map(|line| write(&serde_json::from_str(line).unwrap())).collect()
    }
}

fn write(entry: &Value) -> Write {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &entry["objectRef"];
    let [verb, resource, name] = [&entry["verb"], &object["resource"], &object["name"]].map(text);
    Write {
        user: text(&entry["user"]["username"]),
        namespace: text(&object["namespace"]),
        what: format!("{verb} {resource} {name}"),
    }
}
