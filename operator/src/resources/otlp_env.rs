//! Where a pod sends its traces, in the variables that every OpenTelemetry SDK reads. Nothing, where the operator's owner names
//! no collector.

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector};
use kube::ResourceExt;
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;

use super::name;
use crate::config::Config;

/// The variable with the pod's name, for those after it.
const POD: &str = "RETRYLAB_POD";

/// The variables of a role's pods. The load generator has no traces.
pub fn variables(experiment: &RetryExperiment, role: Role, config: &Config) -> Vec<EnvVar> {
    if config.otlp_endpoint.is_empty() || role == Role::Loadgen {
        return Vec::new();
    }
    let resource = [
        ("k8s.namespace.name", experiment.namespace().unwrap_or_default()),
        ("k8s.deployment.name", name(experiment, role)),
        ("k8s.pod.name", format!("$({POD})")),
        ("retrylab.experiment", experiment.name_any()),
    ];
    let resource = resource.map(|(key, value)| format!("{key}={value}")).join(",");
    let plain = |name: &str, value: String| EnvVar { name: name.into(), value: Some(value), value_from: None };
    let pod_name = ObjectFieldSelector { api_version: None, field_path: "metadata.name".into() };
    vec![
        EnvVar {
            name: POD.into(),
            value: None,
            value_from: Some(EnvVarSource { field_ref: Some(pod_name), ..EnvVarSource::default() }),
        },
        plain("OTEL_EXPORTER_OTLP_ENDPOINT", config.otlp_endpoint.clone()),
        plain("OTEL_SERVICE_NAME", format!("retrylab-{}", role.as_str())),
        plain("OTEL_RESOURCE_ATTRIBUTES", resource),
        // Whoever sends a `traceparent` decides; the other requests are drawn by their trace's id.
        plain("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".into()),
        plain("OTEL_TRACES_SAMPLER_ARG", config.otlp_sample_ratio.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::{Args, FromArgMatches};

    use super::*;

    fn config(arguments: &[&str]) -> Result<Config, clap::Error> {
        let command = Config::augment_args(clap::Command::new("operator").no_binary_name(true));
        Ok(Config::from_arg_matches(&command.try_get_matches_from(arguments)?).unwrap())
    }

    fn given(role: Role, arguments: &[&str]) -> BTreeMap<String, String> {
        let sample = include_str!("../../../deploy/samples/comparison.yaml");
        let mut experiment: RetryExperiment = serde_saphyr::from_str(sample).unwrap();
        experiment.metadata.namespace = Some("lab".into());
        let variables = variables(&experiment, role, &config(arguments).unwrap());
        variables.into_iter().map(|variable| (variable.name, variable.value.unwrap_or_default())).collect()
    }

    #[test]
    fn who_calls_and_who_is_called_send_traces_where_the_owner_says() {
        let arguments = ["--otlp-endpoint", "http://jaeger:4318", "--otlp-sample-ratio", "0.25"];
        for (role, service) in [(Role::Backend, "backend"), (Role::Client, "client"), (Role::Inner(2), "client-2")] {
            let given = given(role, &arguments);
            assert_eq!(given["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://jaeger:4318");
            assert_eq!(given["OTEL_TRACES_SAMPLER_ARG"], "0.25");
            assert_eq!(given["OTEL_SERVICE_NAME"], format!("retrylab-{service}"));
            let resource = format!(
                "k8s.namespace.name=lab,k8s.deployment.name=comparison-{service},k8s.pod.name=$(RETRYLAB_POD),\
                 retrylab.experiment=comparison"
            );
            assert_eq!(given["OTEL_RESOURCE_ATTRIBUTES"], resource);
        }
        assert_eq!(given(Role::Loadgen, &arguments), BTreeMap::new());
    }

    #[test]
    fn without_an_endpoint_pods_know_nothing_of_traces() {
        for arguments in [&[][..], &["--otlp-endpoint", ""]] {
            assert_eq!(given(Role::Client, arguments), BTreeMap::new());
        }
    }

    #[test]
    fn what_no_exporter_could_use_is_refused() {
        for (flag, value) in [
            ("--otlp-endpoint", "https://jaeger:4318"),
            ("--otlp-endpoint", "jaeger:4318"),
            ("--otlp-sample-ratio", "1.1"),
            ("--otlp-sample-ratio", "-0.1"),
            ("--otlp-sample-ratio", "NaN"),
        ] {
            let said = config(&[&format!("{flag}={value}")]).unwrap_err().to_string();
            assert!(said.contains(flag) && said.contains(value), "{said}");
        }
    }
}
