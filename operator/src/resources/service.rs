//! The Services of client and backend: what the pods call, and what people port-forward to.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;

use super::{metadata, name, role_labels, role_selector};

/// The Service of a role.
pub fn service(experiment: &RetryExperiment, role: Role) -> Service {
    let port = i32::from(role.port());
    Service {
        metadata: metadata(experiment, name(experiment, role), role_labels(experiment, role)),
        spec: Some(ServiceSpec {
            selector: Some(role_selector(experiment, role)),
            ports: Some(vec![ServicePort {
                name: Some("http".into()),
                port,
                target_port: Some(IntOrString::Int(port)),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
