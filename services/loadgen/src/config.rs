//! The load generator's settings, from flags or from the environment.

use clap::Args;
use retrylab_runtime::AdminToken;

/// What a load generator is told when it starts.
#[derive(Args, Clone, Debug, Default)]
pub struct Config {
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}
