//! The load generator's settings, from flags or from the environment.

use clap::Args;
use retrylab_runtime::AdminToken;

/// What a load generator is told when it starts.
#[derive(Args, Clone, Debug, Default)]
pub struct Config {
    /// Where load will go, as `host:port`: /ready answers when it can be reached. A run brings its own target
    #[arg(long, env = "RETRYLAB_TARGET")]
    pub target: Option<String>,
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}
