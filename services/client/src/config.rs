//! The client's settings, from flags or from the environment.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderValue, Uri, uri::PathAndQuery};
use clap::{Args, value_parser};
use retrylab_core::policy::{StrategyName, UnknownStrategy};
use retrylab_runtime::AdminToken;

/// Longest that an attempt may take: ten minutes.
const MAX_TIMEOUT_MS: u64 = 600_000;

/// What a client is told when it starts.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where the backend is: `http://host:port`, with a path if its `/process` is below one
    #[arg(long, env = "RETRYLAB_BACKEND_URL", default_value = "http://localhost:8001")]
    pub backend_url: BackendUrl,
    /// How long one attempt may take, in milliseconds: 1 to 600,000; a run brings its own
    #[arg(long, env = "RETRYLAB_TIMEOUT_MS", default_value_t = 5_000, value_parser = value_parser!(u64).range(1..=MAX_TIMEOUT_MS))]
    pub timeout_ms: u64,
    /// The strategy at the start, such as none, naive, jitter or awsStandard. None is the default, so that whoever has not
    /// chosen a policy gets no retries
    #[arg(long, env = "RETRYLAB_STRATEGY", default_value = "none", value_parser = strategy)]
    pub strategy: StrategyName,
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}

impl Config {
    /// The defaults of the flags for a client of this backend, no token among them.
    pub fn new(backend_url: BackendUrl) -> Self {
        Self { backend_url, timeout_ms: 5_000, strategy: StrategyName::None, admin_token: AdminToken::default() }
    }

    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

fn strategy(name: &str) -> Result<StrategyName, String> {
    name.parse().map_err(|names: UnknownStrategy| format!("allowed: {names}"))
}

/// Where the backend is, taken apart for the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendUrl {
    /// `host:port`, to connect to.
    pub(crate) address: String,
    /// The `Host` header.
    pub(crate) host: HeaderValue,
    /// The target of every request.
    pub(crate) process: Uri,
}

/// The value is no backend's URL.
#[derive(Debug, PartialEq, Eq)]
pub struct NotABackendUrl;

impl std::fmt::Display for NotABackendUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("allowed: http://host:port, and a path but no query and no user")
    }
}

impl std::error::Error for NotABackendUrl {}

impl BackendUrl {
    /// Whom its connections go to.
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        (host.to_owned(), port.parse().unwrap_or_default())
    }

    /// The whole URL of every request.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.process)
    }
}

impl FromStr for BackendUrl {
    type Err = NotABackendUrl;

    fn from_str(url: &str) -> Result<Self, NotABackendUrl> {
        let uri: Uri = url.parse().map_err(|_| NotABackendUrl)?;
        let authority = uri.authority().filter(|a| uri.scheme_str() == Some("http") && !a.as_str().contains('@'));
        let authority = authority.filter(|a| !a.host().is_empty() && uri.query().is_none()).ok_or(NotABackendUrl)?;
        let port = match authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
            Some(port) => port.parse::<u16>().map_err(|_| NotABackendUrl)?,
            None => 80,
        };
        let path = format!("{}/process", uri.path().trim_end_matches('/'));
        Ok(Self {
            address: format!("{}:{port}", authority.host()),
            host: authority.as_str().parse().map_err(|_| NotABackendUrl)?,
            process: path.parse::<PathAndQuery>().map_err(|_| NotABackendUrl)?.into(),
        })
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

    fn check(url: &str, expected: Option<(&str, &str, &str)>) {
        let parsed = url.parse::<BackendUrl>().ok();
        let parts = parsed.as_ref().map(|p| (p.address.as_str(), p.host.to_str().unwrap(), p.process.path()));
        assert_eq!(parts, expected, "{url}");
    }

    #[test]
    fn a_url_is_taken_apart() {
        check("http://localhost:8001", Some(("localhost:8001", "localhost:8001", "/process")));
        check("http://backend", Some(("backend:80", "backend", "/process")));
        check("http://[::1]:8001/lab/", Some(("[::1]:8001", "[::1]:8001", "/lab/process")));
    }

    #[test]
    fn what_is_no_backends_url_is_refused() {
        let user = "http://me@backend:8001";
        for url in [
            "",
            "backend:8001",
            "https://backend",
            "http://",
            "/process",
            user,
            "http://a:1/?q=1",
            "http://a:99999",
            "http://a:0x1",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_flags() {
        let parsed = Cli::try_parse_from(["client"]).unwrap().config;
        let defaults = Config::new("http://localhost:8001".parse().unwrap());
        assert_eq!(format!("{parsed:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn a_value_that_is_not_allowed_is_refused_with_what_was_given_and_what_is_allowed() {
        for (flag, value, allowed) in [
            ("--timeout-ms", "0", "1..=600000"),
            ("--strategy", "hope", "none, naive, fixed, backoff, jitter"),
            ("--backend-url", "https://backend", "http://host:port"),
        ] {
            let said = Cli::try_parse_from(["client", flag, value]).unwrap_err().to_string();
            assert!(said.contains(flag) && said.contains(value) && said.contains(allowed), "{said}");
        }
    }
}
