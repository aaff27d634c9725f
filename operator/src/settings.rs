//! What the operator's owner gives the pods of experiments: where they run, how their images are pulled, how they are
//! labelled. Nothing here may change what is measured.

use std::{collections::BTreeMap, str::FromStr};

use k8s_openapi::{
    api::core::v1::{LocalObjectReference, ResourceRequirements, Toleration},
    apimachinery::pkg::api::resource::Quantity,
};
use serde::Deserialize;

/// The settings, by the names that Kubernetes has for them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WorkloadSettings {
    /// Labels for everything that the operator makes. Its own go before them.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the pods. The operator's own go before them.
    pub annotations: BTreeMap<String, String>,
    /// When images are pulled; the default is `IfNotPresent`.
    pub image_pull_policy: Option<String>,
    /// Secrets to pull with, in the namespace of each experiment.
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// Resources of each pod; see [`Self::resources`] for the default.
    pub resources: Option<ResourceRequirements>,
    /// The pods' priority class.
    pub priority_class_name: Option<String>,
    /// The nodes that the pods may be on.
    pub node_selector: Option<BTreeMap<String, String>>,
    /// The taints that they tolerate.
    pub tolerations: Option<Vec<Toleration>>,
}

impl FromStr for WorkloadSettings {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json)
    }
}

impl WorkloadSettings {
    /// The resources of a pod. No limit on CPU by default: it would be what is measured.
    pub fn resources(&self) -> ResourceRequirements {
        let quantity = |key: &str, value: &str| (key.to_owned(), Quantity(value.to_owned()));
        self.resources.clone().unwrap_or_else(|| ResourceRequirements {
            requests: Some(BTreeMap::from([quantity("cpu", "100m"), quantity("memory", "32Mi")])),
            limits: Some(BTreeMap::from([quantity("memory", "512Mi")])),
            ..ResourceRequirements::default()
        })
    }
}
