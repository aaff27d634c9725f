//! What the operator's owner sets: by flag, or by the environment of its Deployment.

use std::net::SocketAddr;

use clap::Args;
use retrylab_api::{Caps, Span};
use retrylab_plan::Role;

use crate::settings::WorkloadSettings;

/// The operator's settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where /healthz, /readyz, /metrics and /reports are served; `[::]` is every address, IPv4's too.
    #[arg(long, env = "RETRYLAB_LISTEN", default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Whether /reports answers everybody who reaches the port, and not only callers on loopback, as a port-forward is.
    #[arg(long, env = "RETRYLAB_REPORTS_OPEN", action = clap::ArgAction::Set, default_value_t = false)]
    pub reports_open: bool,
    /// The namespaces whose experiments are run, separated by commas; none: those of all.
    #[arg(long, env = "RETRYLAB_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// The client's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_CLIENT_IMAGE", default_value = "localhost/retrylab-client:dev")]
    pub client_image: String,
    /// The backend's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_BACKEND_IMAGE", default_value = "localhost/retrylab-backend:dev")]
    pub backend_image: String,
    /// The load generator's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_LOADGEN_IMAGE", default_value = "localhost/retrylab-loadgen:dev")]
    pub loadgen_image: String,
    /// The highest rate that an experiment may ask for, in requests per second, of all that is sent at one time, and the most
    /// requests at one instant: 1 to 20000. Below that, users of a closed loop / thinkTime must not be more either.
    #[arg(long, env = "RETRYLAB_RATE_MAX", default_value_t = Caps::default().rate_max, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate_max: u32,
    /// The longest arm that an experiment may ask for: 1s to 1h.
    #[arg(long, env = "RETRYLAB_DURATION_MAX", default_value_t = Caps::default().duration_max, value_parser = length_of_an_arm)]
    pub duration_max: Span,
    /// The most pods of a role that an experiment may ask for: 1 to 10.
    #[arg(long, env = "RETRYLAB_REPLICAS_MAX", default_value_t = Caps::default().replicas_max, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub replicas_max: u32,
    /// What the pods of experiments are given beside what they are, as JSON: labels, annotations, imagePullPolicy,
    /// imagePullSecrets, resources, priorityClassName, nodeSelector, tolerations.
    #[arg(long, env = "RETRYLAB_WORKLOADS", default_value = "{}")]
    pub workloads: WorkloadSettings,
    /// Where client and backend pods send their traces, as OTLP over HTTP: `http://host:4318`; nothing: nowhere.
    #[arg(long, env = "RETRYLAB_OTLP_ENDPOINT", default_value = "", value_parser = otlp_endpoint)]
    pub otlp_endpoint: String,
    /// The share of requests whose traces they send, 0 to 1.
    #[arg(long, env = "RETRYLAB_OTLP_SAMPLE_RATIO", default_value_t = 1.0, value_parser = ratio, allow_negative_numbers = true)]
    pub otlp_sample_ratio: f64,
}

impl Config {
    /// What experiments may ask for at most.
    pub const fn caps(&self) -> Caps {
        Caps { rate_max: self.rate_max, duration_max: self.duration_max, replicas_max: self.replicas_max }
    }

    /// The image of a role, where an experiment names none.
    pub fn image(&self, role: Role) -> &str {
        match role {
            Role::Backend => &self.backend_image,
            Role::Client | Role::Inner(_) => &self.client_image,
            Role::Loadgen => &self.loadgen_image,
        }
    }
}

/// The services send without TLS, as is usual within a cluster.
fn otlp_endpoint(text: &str) -> Result<String, String> {
    let is_url = text.strip_prefix("http://").is_some_and(|rest| !rest.is_empty());
    (is_url || text.is_empty()).then(|| text.to_owned()).ok_or_else(|| "allowed: http://host:port".to_owned())
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "allowed: 0 to 1".to_owned())
}

fn length_of_an_arm(text: &str) -> Result<Span, String> {
    let length = text.parse::<Span>().map_err(|e| format!("{e}; allowed are 1s to 1h"))?;
    let allowed = Span::from_millis(1_000)..=Caps::default().duration_max;
    allowed.contains(&length).then_some(length).ok_or_else(|| "allowed are 1s to 1h".to_owned())
}
