//! This process as the world of an experiment: its services are those of the images, and all they say to each other goes
//! over 127.0.0.1.

use std::{collections::BTreeMap, num::NonZero, thread};

use anyhow::Context;
use retrylab_api::{RetryExperimentSpec, backend_model};
use retrylab_core::rng;
use retrylab_plan::{Observed, PodSeen, Role, RoleSeen};
use retrylab_runtime::{AdminToken, Spans, raised_descriptor_limit};

use super::service::Service;

/// Descriptors that are for no connection of a request: runtimes, listeners, timers, files.
const OTHER_DESCRIPTORS: u64 = 256;
/// The streams of the draws that spread connections begin here, apart from those of requests.
const SPREADING: u64 = 1 << 62;

/// The experiment's services, as far as they have been started. Dropping it ends them.
#[derive(Debug)]
pub struct World {
    token: String,
    services: BTreeMap<Role, Service>,
}

impl World {
    /// One in which nothing runs; its services will answer bearers of the token.
    pub const fn new(token: String) -> Self {
        Self { token, services: BTreeMap::new() }
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What is there.
    pub fn observe(&self, spec: &RetryExperimentSpec) -> Observed {
        let seen = |role| RoleSeen { ready: self.pods(role).cloned().collect(), ..RoleSeen::default() };
        Observed {
            backend: seen(Role::Backend),
            client: seen(Role::Client),
            inner: (2..=spec.client.layers as u8).map(|n| seen(Role::Inner(n))).collect(),
            loadgen: seen(Role::Loadgen),
            target: self.services.get(&Role::Client).and_then(Service::address).map(|address| address.to_string()),
            ..Observed::default()
        }
    }

    /// The pods of a role.
    pub fn pods(&self, role: Role) -> impl Iterator<Item = &PodSeen> {
        self.services.get(&role).into_iter().flat_map(Service::pods)
    }

    /// Starts what isn't there: whoever is called before whoever calls.
    ///
    /// # Errors
    /// When a service can't be started.
    pub fn deploy(&mut self, spec: &RetryExperimentSpec) -> anyhow::Result<()> {
        for role in Role::all(spec.client.layers) {
            if !self.services.contains_key(&role) {
                let service = self.start(spec, role)?;
                self.services.insert(role, service);
            }
        }
        Ok(())
    }

    /// Ends everything: whoever calls before whoever is called.
    pub fn remove(&mut self) {
        while self.services.pop_last().is_some() {}
    }

    fn start(&self, spec: &RetryExperimentSpec, role: Role) -> anyhow::Result<Service> {
        let rng = rng(spec.seed, SPREADING + self.services.len() as u64);
        let token = AdminToken::from(self.token.clone());
        let callee = role.calls(spec.client.layers).and_then(|callee| self.services.get(&callee)?.address());
        let callee = callee.map(|address| address.to_string());
        match role {
            Role::Backend => {
                let model = backend_model(&spec.backend);
                let app = move || Ok(retrylab_backend::app_of(model.clone(), token.clone(), Spans::default())?);
                Service::start(role, spec.backend.replicas as usize, cores(), app, rng)
            }
            Role::Client | Role::Inner(_) => {
                let backend = format!("http://{}", callee.unwrap_or_default()).parse();
                let mut config = retrylab_client::Config::new(backend.context("whom a client calls has no address")?);
                config.timeout_ms = spec.client.timeout.as_millis();
                config.admin_token = token;
                let app = move || Ok(retrylab_client::app(config.clone(), Spans::default())?);
                Service::start(role, spec.client.replicas as usize, cores(), app, rng)
            }
            Role::Loadgen => {
                let max_connections = max_connections(spec);
                let config = retrylab_loadgen::Config { target: callee, max_connections, admin_token: token };
                let app = move || Ok(retrylab_loadgen::app(config.clone())?);
                // One thread for a request now and then; the load has its own.
                Service::start(role, 1, 1, app, rng)
            }
        }
    }
}

/// As many threads as a service has in an image.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Most connections of the load. A request under way holds two descriptors of this process, one for each end, with everyone
/// that it has come to: for the load alone there would be twice as many and more.
fn max_connections(spec: &RetryExperimentSpec) -> u32 {
    let ends = 2 * (1 + u64::from(spec.client.layers));
    let connections = raised_descriptor_limit().saturating_sub(OTHER_DESCRIPTORS) / ends;
    u32::try_from(connections).unwrap_or(u32::MAX).max(1)
}
