//! Whether Prometheus, where an operator of it runs, selects the monitors of Retrylab.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::Namespace,
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
};
use serde::Deserialize;

use super::{
    Finding,
    cluster::refused,
    labels::{Labels, selects, shown},
};
use crate::kubectl::{Kubectl, Listed, Refusal};

const WHAT: &str = "monitors";
const OURS: &str = "--selector=app.kubernetes.io/part-of=retrylab";

/// One of either kind.
#[derive(Debug, Deserialize)]
struct Monitor {
    kind: String,
    metadata: ObjectMeta,
}

#[derive(Debug, Deserialize)]
struct Prometheus {
    metadata: ObjectMeta,
    spec: Selectors,
}

/// By which labels a Prometheus selects: nothing selects nothing, and of namespaces only its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "they are the names that a Prometheus has for them")]
struct Selectors {
    pod_monitor_selector: Option<LabelSelector>,
    pod_monitor_namespace_selector: Option<LabelSelector>,
    service_monitor_selector: Option<LabelSelector>,
    service_monitor_namespace_selector: Option<LabelSelector>,
}

/// Looks at all of them.
pub fn monitors(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    const KINDS: &str = "podmonitors.monitoring.coreos.com,servicemonitors.monitoring.coreos.com";
    let found: Listed<Monitor> = match kubectl.try_get(&[KINDS, "--all-namespaces", OURS])? {
        Ok(found) => found,
        Err(Refusal::NoKind(_)) => {
            return Ok(Finding::not_there(
                WHAT,
                "no PodMonitor and ServiceMonitor in this cluster: figures are in the status all the same",
            ));
        }
        Err(refusal) => return refused(WHAT, refusal, kubectl),
    };
    if found.items.is_empty() {
        return Ok(Finding::not_there(WHAT, "the cluster has PodMonitors and ServiceMonitors, but none of Retrylab's"));
    }
    let stacks: Listed<Prometheus> = match kubectl
        .try_get(&["prometheuses.monitoring.coreos.com", "--all-namespaces"])?
    {
        Ok(stacks) => stacks,
        Err(Refusal::NoKind(_)) => {
            return Ok(Finding::not_there(
                WHAT,
                "the cluster has Retrylab's monitors, but knows no Prometheus by whose selectors they could be judged",
            ));
        }
        Err(refusal) => return refused(WHAT, refusal, kubectl),
    };
    let namespaces: Listed<Namespace> = match kubectl.try_get(&["namespaces"])? {
        Ok(namespaces) => namespaces,
        Err(refusal) => return refused(WHAT, refusal, kubectl),
    };
    let labels = namespaces.items.into_iter().map(|namespace| {
        let ObjectMeta { name, labels, .. } = namespace.metadata;
        (name.unwrap_or_default(), labels.unwrap_or_default())
    });
    Ok(judged(&found.items, &stacks.items, &labels.collect()))
}

fn judged(monitors: &[Monitor], stacks: &[Prometheus], namespaces: &BTreeMap<String, Labels>) -> Finding {
    if stacks.is_empty() {
        return Finding::problem(
            WHAT,
            "there is no Prometheus that could select the monitors",
            "install kube-prometheus-stack, or scrape in another way",
        );
    }
    let left_out: Vec<&Monitor> =
        monitors.iter().filter(|monitor| !stacks.iter().any(|stack| stack.takes(monitor, namespaces))).collect();
    let name = |monitor: &&Monitor| format!("{} {}", monitor.kind, named(&monitor.metadata));
    if left_out.is_empty() {
        return Finding::ok(
            WHAT,
            format!(
                "{} selected by Prometheus",
                monitors.iter().map(|monitor| name(&monitor)).collect::<Vec<_>>().join(", ")
            ),
        );
    }
    let wanted = stacks.iter().map(|stack| {
        let of = |selector: &Option<LabelSelector>| match selector {
            None => "none".to_owned(),
            Some(selector) if shown(selector).is_empty() => "any".to_owned(),
            Some(selector) => shown(selector),
        };
        let Selectors { pod_monitor_selector, service_monitor_selector, .. } = &stack.spec;
        format!(
            "{} selects PodMonitors with {}, ServiceMonitors with {}",
            named(&stack.metadata),
            of(pod_monitor_selector),
            of(service_monitor_selector)
        )
    });
    Finding::problem(
        WHAT,
        format!("no Prometheus selects {}", left_out.iter().map(name).collect::<Vec<_>>().join(", ")),
        format!(
            "give them the labels that are selected (the chart's monitoring.labels), and mind the namespaces: {}",
            wanted.collect::<Vec<_>>().join("; ")
        ),
    )
}

fn named(metadata: &ObjectMeta) -> String {
    format!("{}/{}", metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

impl Prometheus {
    fn takes(&self, monitor: &Monitor, namespaces: &BTreeMap<String, Labels>) -> bool {
        let spec = &self.spec;
        let (selector, of_namespaces) = if monitor.kind == "PodMonitor" {
            (&spec.pod_monitor_selector, &spec.pod_monitor_namespace_selector)
        } else {
            (&spec.service_monitor_selector, &spec.service_monitor_namespace_selector)
        };
        let nothing = Labels::new();
        let place = monitor.metadata.namespace.as_deref().unwrap_or_default();
        let is_in_reach = match of_namespaces {
            None => self.metadata.namespace.as_deref() == Some(place),
            Some(selector) => selects(selector, namespaces.get(place).unwrap_or(&nothing)),
        };
        let labels = monitor.metadata.labels.as_ref().unwrap_or(&nothing);
        is_in_reach && selector.as_ref().is_some_and(|selector| selects(selector, labels))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::State, *};

    fn check(labels: &Value, spec: &Value, expected: State) {
        let metadata = json!({"name": "m", "namespace": "retrylab-system", "labels": labels});
        let monitor = serde_json::from_value(json!({"kind": "PodMonitor", "metadata": metadata})).unwrap();
        let stack = json!({"metadata": {"name": "p", "namespace": "monitoring"}, "spec": spec});
        let stack = serde_json::from_value(stack).unwrap();
        let of_namespace = Labels::from([("team".to_owned(), "sre".to_owned())]);
        let namespaces = BTreeMap::from([("retrylab-system".to_owned(), of_namespace)]);
        assert_eq!(judged(&[monitor], &[stack], &namespaces).state, expected, "{spec}");
    }

    #[test]
    fn a_monitor_must_be_selected_by_its_labels_and_by_its_namespace() {
        let all = json!({});
        let release = json!({"matchLabels": {"release": "stack"}});
        let selectors = |monitors: &Value, namespaces: &Value| json!({"podMonitorSelector": monitors, "podMonitorNamespaceSelector": namespaces});
        check(&json!({}), &selectors(&all, &all), State::Ok);
        check(&json!({"release": "stack"}), &selectors(&release, &all), State::Ok);
        check(&json!({}), &selectors(&release, &all), State::Problem);
        check(&json!({}), &selectors(&all, &json!({"matchLabels": {"team": "sre"}})), State::Ok);
        check(&json!({}), &selectors(&all, &json!({"matchLabels": {"team": "web"}})), State::Problem);
        // Without a selector for namespaces a Prometheus looks only into its own, and without one for monitors at none.
        check(&json!({}), &json!({"podMonitorSelector": {}}), State::Problem);
        check(&json!({}), &json!({"podMonitorNamespaceSelector": {}}), State::Problem);
    }

    #[test]
    fn without_a_prometheus_nobody_selects() {
        assert_eq!(judged(&[], &[], &BTreeMap::new()).state, State::Problem);
    }
}
