//! Watching one place, a namespace or the cluster: experiments and their Deployments, each change leading to a pass. Pods are
//! not watched: one that becomes ready, or is lost, changes its Deployment's status.

use std::sync::Arc;

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};
use k8s_openapi::{NamespaceResourceScope, api::apps::v1::Deployment};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        Controller, WatchStreamExt, controller,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher,
    },
};
use retrylab_api::RetryExperiment;

use crate::{
    caches::Caches,
    reconcile::{Context, on_error, reconcile},
    resources::{EXPERIMENT_LABEL, MANAGED_SELECTOR},
    server::Readiness,
};

/// Passes at one time, in one place.
const CONCURRENCY: u16 = 32;

/// Comes when the operator is to end.
pub type End = Shared<BoxFuture<'static, ()>>;

/// A place that is to be watched.
pub struct Place {
    /// `None`: the whole cluster.
    namespace: Option<String>,
    experiments: (Store<RetryExperiment>, Writer<RetryExperiment>),
    deployments: Writer<PartialObjectMeta<Deployment>>,
}

impl Place {
    /// A namespace, or the cluster; what is seen there will be in the caches.
    pub fn new(namespace: Option<String>, caches: &mut Caches) -> Self {
        let (experiments, (deployments, writer)) = (reflector::store(), reflector::store());
        caches.experiments.push(experiments.0.clone());
        caches.deployments.push(deployments);
        Self { namespace, experiments, deployments: writer }
    }

    /// Watches and makes passes, until the end. The operator is not ready before each watch has listed everything.
    pub fn passes(
        self,
        client: &Client,
        readiness: &Readiness,
        context: Arc<Context>,
        end: End,
    ) -> BoxFuture<'static, ()> {
        let Self { namespace, experiments: (experiments, writer), deployments } = self;
        let managed = watcher::Config::default().labels(MANAGED_SELECTOR);
        let deployment_changes = watcher(api::<PartialObjectMeta<Deployment>>(client, namespace.as_deref()), managed)
            .default_backoff()
            .inspect(readiness.gate())
            .reflect(deployments)
            .touched_objects()
            .filter_map(experiment_of);
        let experiment_changes =
            watcher(api::<RetryExperiment>(client, namespace.as_deref()), watcher::Config::default())
                .default_backoff()
                .inspect(readiness.gate())
                .reflect(writer)
                .applied_objects();
        Controller::for_stream(experiment_changes, experiments)
            .with_config(controller::Config::default().concurrency(CONCURRENCY))
            .reconcile_on(deployment_changes)
            .graceful_shutdown_on(end)
            .run(reconcile, on_error, context)
            .for_each(|pass| {
                // What goes wrong in a pass was logged there.
                if let Err(controller::Error::QueueError(e)) = pass {
                    tracing::warn!("watch: {e}");
                }
                std::future::ready(())
            })
            .boxed()
    }
}

fn api<K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>>(
    client: &Client,
    namespace: Option<&str>,
) -> Api<K> {
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
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
