//! The backend's settings, from flags or from the environment.

use std::time::Duration;

use clap::{Args, value_parser};
use retrylab_core::station::Capacity;
use retrylab_runtime::AdminToken;

/// Most requests in service at one time.
const MAX_CONCURRENCY: i64 = 100_000;
/// Most requests that may wait.
const MAX_QUEUE: i64 = 1_000_000;
/// Longest service time: ten minutes.
const MAX_SERVICE_TIME_US: u64 = 600_000_000;

/// What a backend is told when it starts.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Requests in service at one time: 1 to 100,000
    #[arg(long, env = "RETRYLAB_CONCURRENCY", default_value_t = 64, value_parser = value_parser!(u32).range(1..=MAX_CONCURRENCY))]
    pub concurrency: u32,
    /// Requests that may wait, at most 1,000,000; what arrives beyond that is turned away with 503
    #[arg(long, env = "RETRYLAB_QUEUE", default_value_t = 1_000, value_parser = value_parser!(u32).range(0..=MAX_QUEUE))]
    pub queue: u32,
    /// How long a request is in service, in microseconds, at most ten minutes; 0: it is answered at once
    #[arg(long, env = "RETRYLAB_SERVICE_TIME_US", default_value_t = 5_000, value_parser = value_parser!(u64).range(0..=MAX_SERVICE_TIME_US))]
    pub service_time_us: u64,
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}

impl Config {
    pub(crate) const fn capacity(&self) -> Capacity {
        Capacity { concurrency: self.concurrency, queue: self.queue }
    }

    pub(crate) const fn service_time(&self) -> Duration {
        Duration::from_micros(self.service_time_us)
    }
}

/// The defaults of the flags, no token among them.
impl Default for Config {
    fn default() -> Self {
        Self { concurrency: 64, queue: 1_000, service_time_us: 5_000, admin_token: AdminToken::default() }
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

    fn refusal(flag: &str, value: &str) -> String {
        Cli::try_parse_from(["backend", flag, value]).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_those_of_the_flags() {
        let parsed = Cli::try_parse_from(["backend"]).unwrap().config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_what_was_given_and_what_is_allowed() {
        for (flag, value, allowed) in [
            ("--concurrency", "0", "1..=100000"),
            ("--queue", "1000001", "0..=1000000"),
            ("--service-time-us", "600000001", "0..=600000000"),
        ] {
            let said = refusal(flag, value);
            assert!(said.contains(flag) && said.contains(value) && said.contains(allowed), "{said}");
        }
        assert!(refusal("--queue", "many").contains("many"));
    }
}
