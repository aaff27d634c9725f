//! Watching: experiments, their pods and their Deployments, each change leading to a pass.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::StreamExt;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        Controller, WatchStreamExt, controller,
        reflector::{self, ObjectRef},
        watcher,
    },
};
use retrylab_api::RetryExperiment;

use crate::{
    backoff::Backoff,
    config::Config,
    events::Events,
    metrics::{Experiments, Metrics},
    pods::Pods,
    predictions::Predictions,
    reconcile::{Context, on_error, reconcile},
    refusals::Refusals,
    resources::{EXPERIMENT_LABEL, MANAGED_SELECTOR},
    server::{Gate, Readiness, app},
    world::World,
};

/// Passes at one time.
const CONCURRENCY: u16 = 32;

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// When there is no cluster to speak to, or the port can't be bound.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut kubernetes = kube::Config::infer().await.context("cannot find a cluster")?;
    // Retrying is the controller's own business: it knows what has changed in the meantime.
    kubernetes.default_retry = false;
    let client = Client::try_from(kubernetes).context("cannot make a client for the cluster")?;
    let managed = watcher::Config::default().labels(MANAGED_SELECTOR);

    let readiness = Readiness::default();
    let (experiments, experiments_writer) = reflector::store();
    let experiment_changes = watcher(Api::<RetryExperiment>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .inspect(readiness.opens(Gate::Experiments))
        .reflect(experiments_writer)
        .applied_objects();
    let (deployments, writer) = reflector::store::<PartialObjectMeta<Deployment>>();
    let deployment_changes = watcher(Api::<PartialObjectMeta<Deployment>>::all(client.clone()), managed.clone())
        .default_backoff()
        .inspect(readiness.opens(Gate::Deployments))
        .reflect(writer)
        .touched_objects()
        .filter_map(experiment_of);
    let pod_changes = watcher(Api::<PartialObjectMeta<Pod>>::all(client.clone()), managed)
        .default_backoff()
        .inspect(readiness.opens(Gate::Pods))
        .touched_objects()
        .filter_map(experiment_of);

    let seed = u64::from(std::process::id()) ^ k8s_openapi::jiff::Timestamp::now().as_nanosecond() as u64;
    let metrics = Metrics::new()?;
    let registry = metrics.registry.clone();
    let all = experiments.clone();
    registry.register(Box::new(Experiments::new(move || all.state())?))?;
    let context = Arc::new(Context {
        events: Events::new(client.clone()),
        world: World {
            client: client.clone(),
            pods: Pods::new()?,
            config: config.clone(),
            predictions: Predictions::default(),
        },
        backoff: Backoff::new(seed),
        refusals: Refusals::default(),
        metrics,
        experiments: experiments.clone(),
        deployments,
    });
    let controller = Controller::for_stream(experiment_changes, experiments)
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .reconcile_on(deployment_changes)
        .reconcile_on(pod_changes);
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let passes = controller
        .graceful_shutdown_on(async { drop(end.await) })
        .run(reconcile, on_error, context)
        .for_each(|_| std::future::ready(()));
    let passes = tokio::spawn(passes);

    retrylab_runtime::serve(config.listen, app(readiness, registry)).await?;
    drop(ended);
    tokio::time::timeout(Duration::from_secs(5), passes).await.ok();
    Ok(())
}

/// The experiment that a changed object belongs to. A watch that failed is logged; it begins anew by itself.
async fn experiment_of<K: ResourceExt>(change: watcher::Result<K>) -> Option<ObjectRef<RetryExperiment>> {
    match change {
        Ok(object) => Some(ObjectRef::new(object.labels().get(EXPERIMENT_LABEL)?).within(&object.namespace()?)),
        Err(e) => {
            tracing::warn!("watch: {e}");
            None
        }
    }
}
