//! The operator as a whole: everything that it is made of, put together, and its end.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::FutureExt;
use kube::{Client, runtime::reflector::Store};
use retrylab_conduct::Conductor;
use tokio::{sync::oneshot, task::JoinSet};

use crate::{
    backoff::Backoff,
    caches::Caches,
    config::Config,
    events::Events,
    metrics::{Experiments, Metrics},
    reconcile::Context,
    refusals::Refusals,
    reports,
    server::{Readiness, app},
    watch::Place,
    world::World,
};

/// How long the passes that are under way at the end may take.
const LAST_PASSES: Duration = Duration::from_secs(5);

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// When there is no cluster to speak to, or the port can't be bound.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let client = client().await?;
    let mut caches = Caches::default();
    let mut place = |namespace| Place::new(namespace, &mut caches);
    let places: Vec<_> = if config.namespaces.is_empty() {
        vec![place(None)]
    } else {
        config.namespaces.iter().map(|namespace| place(Some(namespace.clone()))).collect()
    };
    let seed = u64::from(std::process::id()) ^ k8s_openapi::jiff::Timestamp::now().as_nanosecond() as u64;
    let (metrics, listen) = (Metrics::new()?, config.listen);
    let registry = metrics.registry.clone();
    let experiments = caches.experiments.clone();
    let all = move || experiments.iter().flat_map(Store::state).collect();
    registry.register(Box::new(Experiments::new(all)?))?;
    let context = Arc::new(Context {
        events: Events::new(client.clone()),
        world: World { client: client.clone(), conductor: Conductor::new()?, config },
        backoff: Backoff::new(seed),
        refusals: Refusals::default(),
        metrics,
        caches,
    });
    let (readiness, (ended, end)) = (Readiness::default(), oneshot::channel::<()>());
    let end = end.map(drop).boxed().shared();
    let mut passes: JoinSet<()> =
        places.into_iter().map(|place| place.passes(&client, &readiness, Arc::clone(&context), end.clone())).collect();

    let reports = reports::routes(context);
    retrylab_runtime::serve(listen, app(readiness, registry, reports)).await?;
    drop(ended);
    tokio::time::timeout(LAST_PASSES, async { while passes.join_next().await.is_some() {} }).await.ok();
    Ok(())
}

/// A client for the cluster that the operator, or whoever runs it, is in.
///
/// # Errors
/// When there is no cluster to speak to.
pub async fn client() -> anyhow::Result<Client> {
    let mut kubernetes = kube::Config::infer().await.context("cannot find a cluster")?;
    // Retrying is the controller's own business: it knows what has changed in the meantime.
    kubernetes.default_retry = false;
    Client::try_from(kubernetes).context("cannot make a client for the cluster")
}
