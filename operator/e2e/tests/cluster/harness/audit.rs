//! The API server's audit log: who wrote what, and what the operator asked for.

use std::{collections::BTreeSet, env, fs};

use serde_json::Value;

/// The operator, as the API server knows it.
pub const OPERATOR_USER: &str = "system:serviceaccount:retrylab-system:retrylab-operator";

/// The log, from a moment on.
pub struct AuditLog {
    path: String,
    from: usize,
}

/// The verbs that change nothing.
const READS: [&str; 3] = ["get", "list", "watch"];

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
        let entries = self.entries();
        entries.iter().filter(|entry| !READS.iter().any(|verb| entry["verb"] == *verb)).map(write).collect()
    }

    /// Every right that the operator has made use of since then, as `verb group/resource`.
    pub fn rights_used(&self) -> BTreeSet<String> {
        let entries = self.entries();
        entries.iter().filter(|entry| entry["user"]["username"] == OPERATOR_USER).filter_map(right).collect()
    }

    fn entries(&self) -> Vec<Value> {
        let log = fs::read(&self.path).unwrap();
        let news = String::from_utf8_lossy(&log[self.from..]).into_owned();
        news.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What a request needed; `None`: it was for no object, such as the list of all kinds.
fn right(entry: &Value) -> Option<String> {
    let part = |key: &str| entry["objectRef"][key].as_str();
    let (resource, slash) = (part("resource")?, if part("subresource").is_some() { "/" } else { "" });
    let (group, subresource) = (part("apiGroup").unwrap_or_default(), part("subresource").unwrap_or_default());
    Some(format!("{} {group}/{resource}{slash}{subresource}", entry["verb"].as_str()?))
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
