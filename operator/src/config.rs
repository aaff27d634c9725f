//! What the operator's owner sets: by flag, or by the environment of its Deployment.

use std::net::SocketAddr;

use clap::Args;
use retrylab_api::Caps;
use retrylab_plan::Role;

/// The operator's settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "RETRYLAB_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// The client's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_CLIENT_IMAGE", default_value = "localhost/retrylab-client:dev")]
    pub client_image: String,
    /// The backend's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_BACKEND_IMAGE", default_value = "localhost/retrylab-backend:dev")]
    pub backend_image: String,
    /// The load generator's image, where an experiment names none.
    #[arg(long, env = "RETRYLAB_LOADGEN_IMAGE", default_value = "localhost/retrylab-loadgen:dev")]
    pub loadgen_image: String,
    /// The highest rate that an experiment may ask for, in requests per second: 1 to 20000.
    #[arg(long, env = "RETRYLAB_RATE_MAX", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate_max: u32,
}

impl Config {
    /// What experiments may ask for at most.
    pub const fn caps(&self) -> Caps {
        Caps { rate_max: self.rate_max }
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
