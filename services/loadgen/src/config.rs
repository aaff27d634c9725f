//! The load generator's settings, from flags or from the environment.

use clap::{Args, value_parser};
use retrylab_runtime::AdminToken;

use crate::run::MAX_CONNECTIONS;

/// What a load generator is told when it starts.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where load will go, as `host:port`: /ready answers when it can be reached. A run brings its own target
    #[arg(long, env = "RETRYLAB_TARGET")]
    pub target: Option<String>,
    /// Most connections at one time, 1 to 20,000, as far as the process may have as many; a request that is due when all of
    /// them are busy is dropped
    #[arg(long, env = "RETRYLAB_MAX_CONNECTIONS", default_value_t = MAX_CONNECTIONS, value_parser = value_parser!(u32).range(1..=i64::from(MAX_CONNECTIONS)))]
    pub max_connections: u32,
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}

/// The defaults of the flags, no token among them.
impl Default for Config {
    fn default() -> Self {
        Self { target: None, max_connections: MAX_CONNECTIONS, admin_token: AdminToken::default() }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_defaults_are_those_of_the_flags() {
        let parsed = Cli::try_parse_from(["loadgen"]).unwrap().config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }
}
