//! What the spec says, in a line: as it is written, in YAML's short form, so that there is no second way to say it.

use retrylab_api::{Arm, Burst, Fault, Shed};
use serde::Serialize;
use serde_json::Value;

use crate::figure::seconds;

/// An arm's strategy, such as `type: Naive, budget: {percent: 10}`.
pub fn strategy(arm: &Arm) -> String {
    fields(&arm.strategy, &[])
}

/// A fault window, such as `5 s to 10 s, type: Error, status: 503`.
pub fn fault(fault: &Fault) -> String {
    let (from, to) = (fault.at.as_millis(), fault.at.as_millis() + fault.for_.as_millis());
    format!("{} to {}, {}", seconds(from), seconds(to), fields(fault, &["name", "at", "for"]))
}

/// A burst, such as `8 s, requests: 10`.
pub fn burst(burst: &Burst) -> String {
    format!("{}, {}", seconds(burst.at.as_millis()), fields(burst, &["name", "at"]))
}

/// A stretch in which load is shed, such as `34 s to 40 s, 0 % of the rate is sent`.
pub fn shed(shed: &Shed) -> String {
    let (from, to) = (shed.at.as_millis(), shed.at.as_millis() + shed.for_.as_millis());
    format!("{} to {}, {} % of the rate is sent", seconds(from), seconds(to), shed.percent)
}

/// The load, such as `rate: 50, arrivals: Poisson`.
pub fn load(load: &retrylab_api::Load) -> String {
    fields(load, &["bursts", "shed"])
}

/// The name of a choice, as it is written.
pub fn name(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn fields(value: &impl Serialize, without: &[&str]) -> String {
    match serde_json::to_value(value) {
        Ok(Value::Object(mut object)) => {
            object.retain(|key, value| !without.contains(&key.as_str()) && is_said(value));
            inner(&Value::Object(object))
        }
        _ => String::new(),
    }
}

fn inner(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().filter(|(_, value)| is_said(value)).collect();
            fields.sort_by_key(|(key, _)| key.as_str() != "type"); // what it is comes before what it is like
            fields.into_iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(flow).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(_) => format!("{{{}}}", inner(value)),
        Value::Array(_) => format!("[{}]", inner(value)),
        plain => inner(plain),
    }
}

/// What is not there, or empty, or off, is not worth a word.
fn is_said(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value != &Value::Array(vec![])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_strategy_is_said_as_it_is_written() {
        let arm: Arm = serde_json::from_value(json!({
            "name": "budget",
            "strategy": {"type": "Naive", "naive": {"maxAttempts": 2}, "budget": {"percent": 10, "interval": "10s"}},
        }))
        .unwrap();
        let said = strategy(&arm);
        assert!(said.contains("type: Naive") && said.contains("naive: {maxAttempts: 2}"), "{said}");
        assert!(said.contains("percent: 10") && !said.contains("null"), "{said}");
    }

    #[test]
    fn windows_are_said_with_their_time_and_what_they_do() {
        let fault: Fault = serde_json::from_value(
            json!({"name": "outage", "at": "5s", "for": "4500ms", "type": "Error", "status": 503}),
        )
        .unwrap();
        let said = super::fault(&fault);
        assert!(said.starts_with("5 s to 9.5 s, ") && said.contains("status: 503"), "{said}");
        let shed: Shed = serde_json::from_value(json!({"name": "shed", "at": "34s", "for": "6s"})).unwrap();
        assert_eq!(super::shed(&shed), "34 s to 40 s, 0 % of the rate is sent");
    }
}
