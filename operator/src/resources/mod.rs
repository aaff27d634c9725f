//! The Kubernetes objects of an experiment, one kind per file, built purely from its spec.

mod backend_env;
mod deployment;
mod otlp_env;
mod report;
mod secret;
mod service;

pub use deployment::deployment;
pub use report::{report, report_entry, report_ref, timelines};
pub use secret::{TOKEN_KEY, secret};
pub use service::{address, service};

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;

use crate::settings::WorkloadSettings;

/// The label that holds the experiment's name.
pub const EXPERIMENT_LABEL: &str = "retrylab.dev/experiment";
/// The label that holds the experiment's uid: a namesake that was deleted has another.
pub const UID_LABEL: &str = "retrylab.dev/uid";
/// The label that holds the pod's role.
pub const ROLE_LABEL: &str = "retrylab.dev/role";
/// The label that holds the role that the pod calls: attempts are counted where the backend is called.
pub const CALLS_LABEL: &str = "retrylab.dev/calls";
/// Selects everything that the operator makes.
pub const MANAGED_SELECTOR: &str = "app.kubernetes.io/managed-by=retrylab-operator";
/// The annotation with which a Deployment says from which template it was made.
pub const TEMPLATE_ANNOTATION: &str = "retrylab.dev/template";

/// Where the Services of an experiment are reached, as `address:port`. Pods are told these and not names: a name could be
/// that of a namesake's Service that was just deleted, for as long as DNS remembers it.
pub type Addresses = BTreeMap<Role, String>;

/// The roles of an experiment that are called by another, and so have a Service.
pub fn called(experiment: &RetryExperiment) -> Vec<Role> {
    Role::all(experiment.spec.client.layers).into_iter().filter(|role| role.is_called()).collect()
}

/// The name of a role's Deployment and Service.
pub fn name(experiment: &RetryExperiment, role: Role) -> String {
    format!("{}-{}", experiment.name_any(), role.as_str())
}

/// The name of the Secret with the token. It has a part of the uid: a node keeps a Secret for a while after it was deleted,
/// and would give the pods of a namesake the old one's token.
pub fn secret_name(experiment: &RetryExperiment) -> String {
    let uid: String = experiment.uid().unwrap_or_default().chars().take(8).collect();
    format!("{}-token-{uid}", experiment.name_any())
}

/// Selects the pods of an experiment, of this very object.
pub fn selector(experiment: &RetryExperiment) -> String {
    format!("{UID_LABEL}={}", experiment.uid().unwrap_or_default())
}

/// What every object of an experiment carries.
fn labels(experiment: &RetryExperiment, settings: &WorkloadSettings) -> BTreeMap<String, String> {
    let own = [
        ("app.kubernetes.io/managed-by", "retrylab-operator".to_owned()),
        ("app.kubernetes.io/part-of", "retrylab".to_owned()),
        (EXPERIMENT_LABEL, experiment.name_any()),
        (UID_LABEL, experiment.uid().unwrap_or_default()),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    settings.labels.clone().into_iter().chain(own).collect()
}

fn role_labels(experiment: &RetryExperiment, role: Role, settings: &WorkloadSettings) -> BTreeMap<String, String> {
    let mut labels = labels(experiment, settings);
    labels.insert("app.kubernetes.io/name".into(), format!("retrylab-{}", role.as_str()));
    labels.insert(ROLE_LABEL.into(), role.as_str().into());
    labels
}

/// Selects the pods of a role. A part of the labels, and never to change: selectors are immutable.
fn role_selector(experiment: &RetryExperiment, role: Role) -> BTreeMap<String, String> {
    let labels = role_labels(experiment, role, &WorkloadSettings::default());
    labels.into_iter().filter(|(key, _)| [UID_LABEL, ROLE_LABEL].contains(&key.as_str())).collect()
}

fn metadata(experiment: &RetryExperiment, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: experiment.namespace(),
        labels: Some(labels),
        owner_references: Some(experiment.controller_owner_ref(&()).into_iter().collect()),
        ..ObjectMeta::default()
    }
}
