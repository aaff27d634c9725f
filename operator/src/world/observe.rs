//! What is there: the pods, and what they say of the run.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, Secret, Service};
use kube::{Api, ResourceExt, api::ListParams};
use retrylab_api::RetryExperiment;
use retrylab_conduct::running;
use retrylab_plan::{Foresight, Observed, PodSeen, Role, RoleSeen, Runs};

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::{
        Addresses, ROLE_LABEL, TEMPLATE_ANNOTATION, TOKEN_KEY, UID_LABEL, address, called, deployment, name,
        report_ref, secret_name, selector,
    },
};

impl World {
    /// Looks at the experiment's pods, and asks them for the run that its status says is running.
    pub async fn observe(&self, experiment: &RetryExperiment) -> Result<Observed, Error> {
        let namespace = experiment.namespace().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        let list = ListParams::default().labels(&selector(experiment));
        let pods = call("list", || named("pods of", experiment, &experiment.name_any()), pods.list(&list)).await?.items;
        // Before the first arm only pods of the spec as it is now will do; after that the spec can't change any more.
        let begun = experiment.status.as_ref().is_some_and(|status| !status.arms.is_empty());
        let addresses = self.addresses(experiment).await?;
        let seen = |role| {
            let wanted = deployment(experiment, role, &addresses, &self.config);
            let wanted = wanted.as_ref().and_then(|wanted| wanted.annotations().get(TEMPLATE_ANNOTATION));
            role_seen(&pods, role, |pod| begun || pod.annotations().get(TEMPLATE_ANNOTATION) == wanted)
        };
        let mut observed = Observed {
            backend: seen(Role::Backend),
            client: seen(Role::Client),
            inner: (2..=experiment.spec.client.layers as u8).map(|n| seen(Role::Inner(n))).collect(),
            loadgen: seen(Role::Loadgen),
            target: addresses.get(&Role::Client).cloned(),
            blocked: None,
            runs: Runs::default(),
            foresight: Foresight::None,
            kept_in: Some(report_ref(experiment)),
        };
        // What runs already has all that it needs.
        if !begun {
            observed.blocked = self.in_the_way(experiment).await?;
        }
        if running(experiment).is_some()
            && let Some(token) = self.token(experiment).await?
        {
            self.conductor.ask(experiment, &mut observed, &token).await;
        }
        Ok(observed)
    }

    /// The addresses of the experiment's Services, as far as there are any: of this very object's, not of a namesake's.
    pub async fn addresses(&self, experiment: &RetryExperiment) -> Result<Addresses, Error> {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let mut addresses = Addresses::new();
        for role in called(experiment) {
            let name = name(experiment, role);
            let service = call("get", || named("Service", experiment, &name), services.get_opt(&name)).await?;
            let ours = service.filter(|service| service.labels().get(UID_LABEL) == experiment.uid().as_ref());
            addresses.extend(ours.and_then(|service| address(&service, role)).map(|address| (role, address)));
        }
        Ok(addresses)
    }

    /// The token that opens the pods; `None` when its Secret isn't there.
    pub async fn token(&self, experiment: &RetryExperiment) -> Result<Option<String>, Error> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let name = secret_name(experiment);
        let secret = call("get", || named("Secret", experiment, &name), secrets.get_opt(&name)).await?;
        let token = secret.and_then(|s| s.data).and_then(|mut data| data.remove(TOKEN_KEY));
        Ok(token.and_then(|bytes| String::from_utf8(bytes.0).ok()))
    }
}

/// The pods of a role that `fit`, less those on their way out.
fn role_seen(pods: &[Pod], role: Role, fit: impl Fn(&Pod) -> bool) -> RoleSeen {
    let of_role = |pod: &&Pod| pod.labels().get(ROLE_LABEL).is_some_and(|r| r == role.as_str());
    let staying = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none();
    let mut seen = RoleSeen::default();
    for pod in pods.iter().filter(of_role).filter(staying).filter(|pod| fit(pod)) {
        let ip = pod.status.as_ref().and_then(|s| s.pod_ip.as_deref()?.parse::<IpAddr>().ok());
        if let Some(ip) = ip.filter(|_| is_ready(pod)) {
            let address = SocketAddr::new(ip, role.port()).to_string();
            seen.ready.push(PodSeen { name: pod.name_any(), address });
        } else {
            seen.unready += usize::from(runs(pod));
            seen.problems.extend(problem(pod));
        }
    }
    seen.ready.sort();
    seen.problems.sort();
    seen.problems.dedup();
    seen
}

fn runs(pod: &Pod) -> bool {
    let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    containers.into_iter().any(|c| c.state.as_ref().is_some_and(|state| state.running.is_some()))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|s| s.conditions.iter().flatten());
    conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Why a pod is not ready, if it isn't just starting. One wording for what flips between two: `ErrImagePull` and
/// `ImagePullBackOff` are one problem.
fn problem(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let unschedulable = status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(condition) = unschedulable {
        return Some(format!("cannot be scheduled: {}", condition.message.as_deref().unwrap_or_default()));
    }
    let container: &ContainerStatus = status.container_statuses.as_ref()?.first()?;
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    match waiting.reason.as_deref()? {
        "ContainerCreating" | "PodInitializing" => None,
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
            Some(format!("the image {} cannot be pulled", container.image))
        }
        other => Some(format!("{other}: {}", waiting.message.as_deref().unwrap_or_default())),
    }
}
