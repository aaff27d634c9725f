//! Label selectors, as far as Kubernetes defines them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// Whether a selector selects an object with these labels; an empty one selects all.
pub fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let expressions = selector.match_expressions.iter().flatten().all(|expression| {
        let (value, values) = (labels.get(&expression.key), expression.values.as_deref().unwrap_or_default());
        let is_one = value.is_some_and(|value| values.contains(value));
        match expression.operator.as_str() {
            "In" => is_one,
            "NotIn" => !is_one,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    equal && expressions
}

/// A selector in the form of `kubectl get --selector`, as far as it has one.
pub fn shown(selector: &LabelSelector) -> String {
    let equal = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.as_deref().unwrap_or_default().join(",");
        format!("{} {} ({values})", expression.key, expression.operator)
    });
    equal.chain(expressions).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_kubernetes_says() {
        let check = |selector: serde_json::Value, expected: bool| {
            let selector: LabelSelector = serde_json::from_value(selector).unwrap();
            let labels = Labels::from([("release".into(), "stack".into()), ("a".into(), "1".into())]);
            assert_eq!(selects(&selector, &labels), expected, "{selector:?}");
        };
        check(json!({}), true);
        check(json!({"matchLabels": {"release": "stack"}}), true);
        check(json!({"matchLabels": {"release": "stack", "b": "1"}}), false);
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        check(expression("a", "In", &["1", "2"]), true);
        check(expression("a", "NotIn", &["1", "2"]), false);
        check(expression("b", "NotIn", &["1"]), true);
        check(expression("b", "Exists", &[]), false);
        check(expression("b", "DoesNotExist", &[]), true);
    }
}
