//! Whether Grafana's sidecar, where there is one, finds the dashboards of Retrylab.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Container, EnvVar},
};

use super::{Finding, cluster::refused};
use crate::kubectl::{Kubectl, Listed};

const WHAT: &str = "dashboards";
const OURS: &str = "--selector=app.kubernetes.io/part-of=retrylab";
/// In the name of whatever holds a dashboard of the chart.
const IN_NAME: &str = "-dashboard-";

/// A label that a sidecar looks for, and with which value; `None`: with any.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    key: String,
    value: Option<String>,
}

/// Looks at all of them.
pub fn dashboards(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    let found: Listed<ConfigMap> = match kubectl.try_get(&["configmaps", "--all-namespaces", OURS])? {
        Ok(found) => found,
        Err(refusal) => return refused(WHAT, refusal, kubectl),
    };
    let grafana = ["deployments", "--all-namespaces", "--selector=app.kubernetes.io/name=grafana"];
    Ok(match kubectl.try_get::<Listed<Deployment>>(&grafana)? {
        Ok(grafana) => judged(&found.items, &grafana.items),
        Err(refusal) => return refused(WHAT, refusal, kubectl),
    })
}

fn judged(found: &[ConfigMap], grafana: &[Deployment]) -> Finding {
    let name = |map: &ConfigMap| map.metadata.name.clone().unwrap_or_default();
    let ours: Vec<&ConfigMap> = found.iter().filter(|map| name(map).contains(IN_NAME)).collect();
    if ours.is_empty() {
        return Finding::not_there(WHAT, "no ConfigMap with a dashboard of Retrylab's");
    }
    let wanted: Vec<Wanted> = grafana.iter().filter_map(wanted).collect();
    if wanted.is_empty() {
        return Finding::not_there(
            WHAT,
            format!("{} of Retrylab's, and no Grafana with a sidecar that would look for them", ours.len()),
        );
    }
    let is_found = |map: &&ConfigMap| {
        let labels = map.metadata.labels.clone().unwrap_or_default();
        wanted.iter().any(|Wanted { key, value }| {
            labels.get(key).is_some_and(|given| value.as_ref().is_none_or(|value| value == given))
        })
    };
    let lost: Vec<String> = ours.iter().filter(|map| !is_found(map)).map(|map| name(map)).collect();
    if lost.is_empty() {
        return Finding::ok(WHAT, format!("Grafana's sidecar finds all {}", ours.len()));
    }
    let labels: Vec<String> =
        wanted.iter().map(|Wanted { key, value }| format!("{key}={}", value.as_deref().unwrap_or("\"1\""))).collect();
    let advice =
        format!("it looks for the label {}: set it in the chart's monitoring.dashboards.labels", labels.join(" or "));
    Finding::problem(WHAT, format!("Grafana's sidecar does not find {}", lost.join(", ")), advice)
}

/// What the sidecar that looks for dashboards was told.
fn wanted(grafana: &Deployment) -> Option<Wanted> {
    let pod = grafana.spec.as_ref()?.template.spec.as_ref()?;
    let sidecar = pod.containers.iter().find(|container| container.name.contains("sc-dashboard"))?;
    let env = |container: &Container, name: &str| {
        let variable = |variable: &&EnvVar| variable.name == name;
        container.env.iter().flatten().find(variable).and_then(|variable| variable.value.clone())
    };
    Some(Wanted { key: env(sidecar, "LABEL")?, value: env(sidecar, "LABEL_VALUE").filter(|value| !value.is_empty()) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::State, *};

    fn check(labels: &Value, env: Option<Value>, expected: State) {
        let map = json!({"metadata": {"name": "retrylab-dashboard-overview", "labels": labels}});
        let grafana = env.map(|env| {
            let container = json!({"name": "grafana-sc-dashboard", "env": env});
            json!({"metadata": {}, "spec": {"selector": {}, "template": {"spec": {"containers": [container]}}}})
        });
        let grafana: Vec<Deployment> = grafana.into_iter().map(|g| serde_json::from_value(g).unwrap()).collect();
        assert_eq!(judged(&[serde_json::from_value(map).unwrap()], &grafana).state, expected, "{labels}");
    }

    #[test]
    fn a_dashboard_must_have_the_label_that_the_sidecar_looks_for() {
        let env =
            || Some(json!([{"name": "LABEL", "value": "grafana_dashboard"}, {"name": "LABEL_VALUE", "value": "1"}]));
        check(&json!({"grafana_dashboard": "1"}), env(), State::Ok);
        check(&json!({"grafana_dashboard": "true"}), env(), State::Problem);
        check(&json!({}), env(), State::Problem);
        check(&json!({"x": "2"}), Some(json!([{"name": "LABEL", "value": "x"}])), State::Ok);
        check(&json!({}), None, State::NotThere);
    }

    #[test]
    fn no_dashboard_is_no_problem() {
        assert_eq!(judged(&[], &[]).state, State::NotThere);
    }
}
