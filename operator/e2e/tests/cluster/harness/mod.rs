//! What the tests share: a namespace each, experiments in it, and the ways to look at them and to disturb them.

mod audit;
mod enforcer;
mod experiment;
mod helm;
mod http;
mod jaeger;
mod kubectl;
mod lab;
mod operator;
mod pod_network;
mod port_forward;
mod prometheus;
mod results;
mod visitor;

pub use audit::{AuditLog, OPERATOR_USER};
pub use enforcer::Enforcer;
pub use experiment::Experiment;
pub use helm::{Restored, helm, of_the_release, upgrade};
pub use http::Http;
pub use jaeger::{Jaeger, OTLP_ENDPOINT};
pub use kubectl::{kubectl, kubectl_with_input, run, run_in, run_script, try_kubectl};
pub use lab::{Lab, manifest};
pub use operator::{
    kill_operator, kill_pod, operator_pod, operator_pods, operator_role, restart_operator, scale_operator,
    set_operator_env, set_operator_role, without_right,
};
pub use pod_network::in_network_of;
pub use port_forward::PortForward;
pub use prometheus::Prometheus;
pub use results::{arm, check_books, window};
pub use visitor::Visitor;

use std::time::Duration;

/// The longest that anything may take that takes no time by itself: an API call, a pod that starts.
pub const SOON: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer; for what can't be watched. Fails after `deadline`.
pub async fn eventually<T>(what: &str, deadline: Duration, ask: impl AsyncFn() -> Option<T>) -> T {
    let answer = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| panic!("not within {deadline:?}: {what}"))
}
