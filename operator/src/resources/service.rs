//! The Services of client and backend: what the pods call, and what people port-forward to.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use retrylab_api::RetryExperiment;
use retrylab_plan::Role;

use super::{metadata, name, role_labels, role_selector};
use crate::settings::WorkloadSettings;

/// Where a Service is reached: `address:port`, its cluster IP. `None`: it has none yet, or is on its way out.
pub fn address(service: &Service, role: Role) -> Option<String> {
    let ip = service.spec.as_ref()?.cluster_ip.as_deref()?.parse::<IpAddr>().ok()?;
    service.metadata.deletion_timestamp.is_none().then(|| SocketAddr::new(ip, role.port()).to_string())
}

/// The Service of a role.
pub fn service(experiment: &RetryExperiment, role: Role, settings: &WorkloadSettings) -> Service {
    let port = i32::from(role.port());
    Service {
        metadata: metadata(experiment, name(experiment, role), role_labels(experiment, role, settings)),
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
