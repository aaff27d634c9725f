//! The pods that the operator would make.

use retrylab_api::RetryExperimentSpec;
use retrylab_plan::{POD_RESOURCES, PodResources, Role, replicas};
use serde::Serialize;

use crate::output::table;

/// The pods of one role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pods {
    role: &'static str,
    replicas: usize,
    image: Option<String>,
    cpu_request: &'static str,
    memory_request: &'static str,
    memory_limit: &'static str,
}

/// All pods, in the order of the chain.
pub fn pods(spec: &RetryExperimentSpec) -> Vec<Pods> {
    let PodResources { cpu_request, memory_request, memory_limit } = POD_RESOURCES;
    let of_role = |role: Role| {
        let image = match role {
            Role::Backend => &spec.backend.image,
            Role::Client | Role::Inner(_) => &spec.client.image,
            Role::Loadgen => &spec.loadgen.image,
        };
        let replicas = replicas(spec, role);
        Pods { role: role.as_str(), replicas, image: image.clone(), cpu_request, memory_request, memory_limit }
    };
    Role::all(spec.client.layers).into_iter().rev().map(of_role).collect()
}

/// For people.
pub fn text(pods: &[Pods]) -> String {
    let row = |pods: &Pods| {
        let image = pods.image.clone().unwrap_or_else(|| "the operator's".to_owned());
        let Pods { role, replicas, cpu_request, memory_request, memory_limit, .. } = pods;
        [role.to_owned(), &replicas.to_string(), cpu_request, memory_request, memory_limit, &image]
            .map(str::to_owned)
            .to_vec()
    };
    let header = ["PODS OF", "REPLICAS", "CPU REQUEST", "MEMORY REQUEST", "MEMORY LIMIT", "IMAGE"];
    let all: usize = pods.iter().map(|pods| pods.replicas).sum();
    format!(
        "{}in a cluster {all} pods, the same for all arms, where the operator's owner has set nothing else for them\n",
        table(&header, &pods.iter().map(row).collect::<Vec<_>>())
    )
}
