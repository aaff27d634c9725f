//! The Deployments of backend, client and load generator.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy},
        core::v1::{
            Capabilities, Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction, PodSecurityContext, PodSpec,
            PodTemplateSpec, Probe, SeccompProfile, SecretKeySelector, SecurityContext,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use retrylab_api::{RetryExperiment, backend_model};
use retrylab_plan::Role;

use super::{
    Addresses, CALLS_LABEL, TEMPLATE_ANNOTATION, TOKEN_KEY, backend_env, metadata, name, otlp_env, role_labels,
    role_selector, secret_name,
};
use crate::{config::Config, settings::WorkloadSettings};

/// The user of the images.
const USER: i64 = 65_532;

/// The Deployment of a role, of which a client calls whom it calls by these addresses; `None`: there is no address yet.
pub fn deployment(
    experiment: &RetryExperiment,
    role: Role,
    addresses: &Addresses,
    config: &Config,
) -> Option<Deployment> {
    let spec = &experiment.spec;
    let (replicas, image) = match role {
        Role::Backend => (spec.backend.replicas, spec.backend.image.as_deref()),
        Role::Client | Role::Inner(_) => (spec.client.replicas, spec.client.image.as_deref()),
        Role::Loadgen => (1, spec.loadgen.image.as_deref()),
    };
    let mut env = env(experiment, role, addresses)?;
    env.extend(otlp_env::variables(experiment, role, config));
    let settings = &config.workloads;
    let container = container(role, env, image.unwrap_or_else(|| config.image(role)), settings);
    let labels = role_labels(experiment, role, settings);
    let mut deployment_spec = DeploymentSpec {
        replicas: Some(replicas as i32),
        selector: LabelSelector { match_labels: Some(role_selector(experiment, role)), ..LabelSelector::default() },
        // Two generations of a pod at one time would count in one run.
        strategy: Some(DeploymentStrategy { type_: Some("Recreate".into()), rolling_update: None }),
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(labels.clone()),
                annotations: Some(settings.annotations.clone()),
                ..ObjectMeta::default()
            }),
            spec: Some(pod(container, settings)),
        },
        ..DeploymentSpec::default()
    };
    // On the Deployment to see what is deployed, on the pods to tell those of another spec apart.
    let template = (TEMPLATE_ANNOTATION.to_owned(), fingerprint(&deployment_spec));
    // A mesh's proxy would retry by itself, and would let everybody into /admin as a caller on loopback.
    let no_mesh = ("linkerd.io/inject".to_owned(), "disabled".to_owned());
    let of_pods = deployment_spec.template.metadata.get_or_insert_default();
    of_pods.annotations.get_or_insert_default().extend([template.clone(), no_mesh]);
    let pod_labels = of_pods.labels.get_or_insert_default();
    pod_labels.insert("sidecar.istio.io/inject".into(), "false".into());
    pod_labels.extend(role.calls(spec.client.layers).map(|callee| (CALLS_LABEL.into(), callee.as_str().into())));
    let mut metadata = metadata(experiment, name(experiment, role), labels);
    metadata.annotations = Some(BTreeMap::from([template]));
    Some(Deployment { metadata, spec: Some(deployment_spec), status: None })
}

/// Tells two templates apart.
fn fingerprint(spec: &DeploymentSpec) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(spec).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn pod(container: Container, settings: &WorkloadSettings) -> PodSpec {
    PodSpec {
        containers: vec![container],
        image_pull_secrets: settings.image_pull_secrets.clone(),
        priority_class_name: settings.priority_class_name.clone(),
        node_selector: settings.node_selector.clone(),
        tolerations: settings.tolerations.clone(),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        termination_grace_period_seconds: Some(5),
        ..PodSpec::default()
    }
}

fn container(role: Role, env: Vec<EnvVar>, image: &str, settings: &WorkloadSettings) -> Container {
    let port = i32::from(role.port());
    Container {
        name: role.as_str().into(),
        image: Some(image.to_owned()),
        image_pull_policy: Some(settings.image_pull_policy.clone().unwrap_or_else(|| "IfNotPresent".into())),
        ports: Some(vec![ContainerPort {
            name: Some("http".into()),
            container_port: port,
            ..ContainerPort::default()
        }]),
        env: Some(env),
        // Slow to give up: a backend that is busy on purpose must not lose its endpoint, or the probe would be the fault.
        // Who calls another one is ready when it gets through to it: `/ready` tries for less than the probe waits.
        readiness_probe: Some(Probe {
            http_get: Some(HTTPGetAction {
                path: Some(if role == Role::Backend { "/health" } else { "/ready" }.into()),
                port: IntOrString::Int(port),
                ..HTTPGetAction::default()
            }),
            period_seconds: Some(1),
            timeout_seconds: Some(5),
            failure_threshold: Some(30),
            ..Probe::default()
        }),
        resources: Some(settings.resources()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn env(experiment: &RetryExperiment, role: Role, addresses: &Addresses) -> Option<Vec<EnvVar>> {
    let spec = &experiment.spec;
    let plain = |name: &str, value: String| EnvVar { name: name.into(), value: Some(value), value_from: None };
    let mut env = vec![EnvVar {
        name: "RETRYLAB_ADMIN_TOKEN".into(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: secret_name(experiment),
                key: TOKEN_KEY.into(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
    }];
    match role {
        Role::Backend => {
            let variables = backend_env::variables(&backend_model(&spec.backend));
            env.extend(variables.into_iter().map(|(name, value)| plain(name, value)));
        }
        Role::Client | Role::Inner(_) => {
            let callee = addresses.get(&role.calls(spec.client.layers)?)?;
            env.extend([
                plain("RETRYLAB_BACKEND_URL", format!("http://{callee}")),
                plain("RETRYLAB_TIMEOUT_MS", spec.client.timeout.as_millis().to_string()),
            ]);
        }
        Role::Loadgen => env.push(plain("RETRYLAB_TARGET", addresses.get(&Role::Client)?.clone())),
    }
    Some(env)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Args, FromArgMatches};

    use super::*;

    /// The variables that a service reads.
    fn read_by<C: Args>() -> BTreeSet<String> {
        let command = C::augment_args(clap::Command::new("service"));
        command.get_arguments().filter_map(|a| a.get_env()?.to_str().map(str::to_owned)).collect()
    }

    fn given() -> (RetryExperiment, Addresses) {
        let sample = include_str!("../../../deploy/samples/comparison.yaml");
        let addresses = Addresses::from([
            (Role::Backend, "10.96.0.1:8001".to_owned()),
            (Role::Client, "10.96.0.2:8000".to_owned()),
        ]);
        (serde_saphyr::from_str(sample).unwrap(), addresses)
    }

    /// The Deployment of the client, by an operator that was told this of its workloads.
    fn client(workloads: &str) -> Deployment {
        let command = Config::augment_args(clap::Command::new("operator"));
        let matches = command.try_get_matches_from(["operator", "--workloads", workloads]).unwrap();
        let (experiment, addresses) = given();
        deployment(&experiment, Role::Client, &addresses, &Config::from_arg_matches(&matches).unwrap()).unwrap()
    }

    fn check(role: Role, read: &BTreeSet<String>) {
        let (experiment, addresses) = given();
        let unknown: Vec<_> =
            env(&experiment, role, &addresses).unwrap().into_iter().filter(|e| !read.contains(&e.name)).collect();
        assert!(unknown.is_empty(), "{} does not read {unknown:?}; it reads {read:?}", role.as_str());
    }

    #[test]
    fn every_variable_that_a_pod_is_given_is_read_by_its_service() {
        check(Role::Backend, &read_by::<retrylab_backend::Config>());
        check(Role::Client, &read_by::<retrylab_client::Config>());
        check(Role::Loadgen, &read_by::<retrylab_loadgen::Config>());
    }

    #[test]
    fn the_owner_s_settings_reach_the_pods_and_overrule_nothing_that_the_operator_relies_on() {
        let workloads = r#"{
            "labels": {"team": "payments", "retrylab.dev/role": "mine"},
            "annotations": {"cost": "lab", "linkerd.io/inject": "enabled"},
            "imagePullPolicy": "Never", "imagePullSecrets": [{"name": "registry"}],
            "resources": {"limits": {"memory": "1Gi"}},
            "priorityClassName": "low", "nodeSelector": {"pool": "lab"},
            "tolerations": [{"key": "lab", "operator": "Exists"}]
        }"#;
        let deployment = client(workloads);
        let pods = deployment.spec.clone().unwrap().template;
        let label = |labels: Option<BTreeMap<_, _>>, key| labels.unwrap().remove(key);
        for labels in [deployment.metadata.labels, pods.metadata.clone().unwrap().labels] {
            assert_eq!(label(labels.clone(), "team").as_deref(), Some("payments"));
            assert_eq!(label(labels, "retrylab.dev/role").as_deref(), Some("client"));
        }
        let annotations = pods.metadata.unwrap().annotations;
        assert_eq!(label(annotations.clone(), "cost").as_deref(), Some("lab"));
        assert_eq!(label(annotations, "linkerd.io/inject").as_deref(), Some("disabled"));
        let pod = serde_json::to_value(pods.spec).unwrap();
        let container = &pod["containers"][0];
        assert_eq!(container["imagePullPolicy"], "Never");
        assert_eq!(container["resources"], serde_json::json!({"limits": {"memory": "1Gi"}}));
        assert_eq!(pod["imagePullSecrets"], serde_json::json!([{"name": "registry"}]));
        assert_eq!((&pod["priorityClassName"], &pod["nodeSelector"]["pool"]), (&"low".into(), &"lab".into()));
        assert_eq!(pod["tolerations"], serde_json::json!([{"key": "lab", "operator": "Exists"}]));
    }

    #[test]
    fn a_client_says_on_its_pods_whom_it_calls() {
        let calls = |layers: u32, role: Role| {
            let (mut experiment, mut addresses) = given();
            experiment.spec.client.layers = layers;
            addresses.insert(Role::Inner(2), "10.96.0.3:8000".to_owned());
            let command = Config::augment_args(clap::Command::new("operator"));
            let config = Config::from_arg_matches(&command.get_matches_from(["operator"])).unwrap();
            let made = deployment(&experiment, role, &addresses, &config).unwrap().spec.unwrap();
            made.template.metadata.unwrap().labels.unwrap().remove(CALLS_LABEL)
        };
        assert_eq!(calls(1, Role::Client).as_deref(), Some("backend"));
        assert_eq!(calls(2, Role::Client).as_deref(), Some("client-2"));
        assert_eq!(calls(2, Role::Inner(2)).as_deref(), Some("backend"));
        assert_eq!(calls(2, Role::Loadgen).as_deref(), Some("client"));
        assert_eq!(calls(2, Role::Backend), None);
    }

    #[test]
    fn what_is_selected_by_does_not_depend_on_settings() {
        let selector = |workloads| client(workloads).spec.unwrap().selector;
        assert_eq!(selector(r#"{"labels": {"retrylab.dev/role": "mine"}}"#), selector("{}"));
    }
}
