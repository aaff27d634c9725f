//! The cluster itself: its version, the definition, the operator, and what the user may do.

use std::process::Output;

use k8s_openapi::{
    api::apps::v1::Deployment, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use serde_json::Value;

use super::Finding;
use crate::kubectl::{EXPERIMENTS, Kubectl, Listed, Refusal};

/// The least minor version of Kubernetes 1 that the project supports.
const MINOR_MIN: u32 = 33;
const APPLY: &str = "retrylab crd | kubectl apply --server-side --force-conflicts -f -";

/// Whether the cluster answers, and is new enough.
pub fn version(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    let text = kubectl.run(&["version", "--output=json"])?;
    let version: Value = serde_json::from_str(&text).unwrap_or_default();
    let text = |field: &str| version["serverVersion"][field].as_str().unwrap_or_default().to_owned();
    let minor = text("minor").chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>();
    Ok(match minor {
        Ok(minor) if minor < MINOR_MIN => Finding::problem(
            "cluster",
            format!("Kubernetes {}", text("gitVersion")),
            format!("Retrylab needs Kubernetes 1.{MINOR_MIN} or newer"),
        ),
        Ok(_) => Finding::ok("cluster", format!("Kubernetes {}", text("gitVersion"))),
        Err(_) => Finding::problem("cluster", "it does not say its version", "is this a Kubernetes API server?"),
    })
}

/// Whether the definition is there, and is the one that this program knows.
pub fn definition(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    let found: CustomResourceDefinition = match kubectl.try_get(&["customresourcedefinition", EXPERIMENTS])? {
        Ok(found) => found,
        Err(Refusal::NoObject(_)) => {
            return Ok(Finding::problem("definition", "the cluster knows no RetryExperiment", format!("`{APPLY}`")));
        }
        Err(refusal) => return refused("definition", refusal, kubectl),
    };
    let ours = schema(&retrylab_api::crd());
    Ok(if schema(&found) == ours {
        Finding::ok("definition", "RetryExperiment is defined as this program knows it")
    } else {
        let seen = "RetryExperiment is defined, but not as this program knows it: one of both is older";
        Finding::problem(
            "definition",
            seen,
            format!("to bring the cluster to this program's version: `{APPLY}`, and the operator's image to the same"),
        )
    })
}

/// What a definition says of its first version, without what the API server adds. Numbers come back in another form, and JSON is
/// not read to the last digit: ten digits tell them apart.
fn schema(definition: &CustomResourceDefinition) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            Value::Number(number) => number.as_f64().map(|number| format!("{number:.9e}")).into(),
            Value::Array(items) => items.into_iter().map(plain).collect(),
            Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
            other => other,
        }
    }
    let version = definition.spec.versions.first();
    plain(version.and_then(|version| serde_json::to_value(&version.schema).ok()).unwrap_or_default())
}

/// Whether the operator runs and is ready.
pub fn operator(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    let arguments = ["deployments", "--all-namespaces", "--selector=app.kubernetes.io/name=retrylab-operator"];
    Ok(match kubectl.try_get::<Listed<Deployment>>(&arguments)? {
        Ok(found) => operator_of(&found.items),
        Err(refusal) => return refused("operator", refusal, kubectl),
    })
}

fn operator_of(found: &[Deployment]) -> Finding {
    const INSTALL: &str = "install it: README, \"On a cluster of your own\"";
    match found {
        [] => Finding::problem(
            "operator",
            "no Deployment with the label app.kubernetes.io/name=retrylab-operator",
            INSTALL,
        ),
        [one] => {
            let name = one.metadata.name.as_deref().unwrap_or_default();
            let namespace = one.metadata.namespace.as_deref().unwrap_or_default();
            let ready = one.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
            if ready > 0 {
                return Finding::ok("operator", format!("{namespace}/{name} is ready"));
            }
            let advice = format!(
                "`kubectl -n {namespace} describe deployment {name}` and `kubectl -n {namespace} logs deployment/{name}` say why"
            );
            Finding::problem("operator", format!("{namespace}/{name} has no pod that is ready"), advice)
        }
        several => {
            let names =
                several.iter().map(|one| one.metadata.namespace.clone().unwrap_or_default()).collect::<Vec<_>>();
            let seen = format!("there are {}, in the namespaces {}", several.len(), names.join(", "));
            Finding::problem(
                "operator",
                seen,
                "one is enough for a namespace: two that watch the same one get into each other's way",
            )
        }
    }
}

/// Whether the user may create experiments in the namespace.
pub fn permission(kubectl: &Kubectl) -> anyhow::Result<Finding> {
    // "no" has an exit code of 1, as a question that could not be asked has; it may go on with a reason.
    let Output { stdout, stderr, .. } = kubectl.output(&["auth", "can-i", "create", EXPERIMENTS])?;
    let may = match String::from_utf8_lossy(&stdout).split_whitespace().next() {
        Some("yes") => true,
        Some("no") => false,
        _ => return Ok(Finding::unanswered("permission", Refusal::of(&String::from_utf8_lossy(&stderr)).words())),
    };
    let place = kubectl
        .namespace
        .as_ref()
        .map_or_else(|| "this context's namespace".to_owned(), |name| format!("the namespace {name}"));
    Ok(if may {
        Finding::ok("permission", format!("you may create experiments in {place}"))
    } else {
        let advice = "whoever runs the cluster grants it: the verbs create, get, list, watch, patch and delete on retryexperiments.retrylab.dev";
        Finding::problem("permission", format!("you may not create experiments in {place}"), advice)
    })
}

/// What can't be seen is no problem of the cluster's, unless it doesn't answer at all.
pub fn refused(what: &'static str, refusal: Refusal, kubectl: &Kubectl) -> anyhow::Result<Finding> {
    match refusal {
        Refusal::NotAllowed(words) => Ok(Finding::unseen(what, &words)),
        refusal => Err(refusal.error(kubectl)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::State, *};

    #[test]
    fn an_operator_must_be_there_once_and_ready() {
        let check = |ready: &[i32], expected| {
            let one = |ready: &i32| {
                let object = json!({"metadata": {"name": "o", "namespace": "n"}, "spec": {"selector": {}, "template": {}}, "status": {"readyReplicas": ready}});
                serde_json::from_value::<Deployment>(object).unwrap()
            };
            assert_eq!(operator_of(&ready.iter().map(one).collect::<Vec<_>>()).state, expected, "{ready:?}");
        };
        check(&[], State::Problem);
        check(&[0], State::Problem);
        check(&[1], State::Ok);
        check(&[1, 1], State::Problem);
    }

    /// The API server gives 1.0 back as 1.
    #[test]
    fn a_definition_is_the_same_however_its_numbers_are_written() {
        let text = serde_json::to_string(&retrylab_api::crd()).unwrap();
        let whole: CustomResourceDefinition =
            serde_json::from_str(&text.replace(".0,", ",").replace(".0}", "}")).unwrap();
        assert!(schema(&whole) == schema(&retrylab_api::crd()));
        let other: CustomResourceDefinition = serde_json::from_str(&text.replace("maxHedges", "hedgesMax")).unwrap();
        assert!(schema(&other) != schema(&retrylab_api::crd()));
    }
}
