//! One pass over one experiment: dereference → observe → plan → keep a timeline → write the status → make the workloads → act → tell.

use std::{sync::Arc, time::Instant};

use k8s_openapi::jiff::Timestamp;
use kube::{Api, ResourceExt, api::PostParams, runtime::controller::Action};
use retrylab_api::RetryExperiment;
use retrylab_plan::{Observed, Plan, Workloads, plan};

use crate::{
    backoff::Backoff,
    caches::Caches,
    error::{Error, call},
    events::Events,
    metrics::Metrics,
    refusals::Refusals,
    world::World,
};

/// What a pass needs.
pub struct Context {
    pub world: World,
    pub events: Events,
    pub backoff: Backoff,
    pub refusals: Refusals,
    pub metrics: Metrics,
    pub caches: Caches,
}

/// Makes one pass.
pub async fn reconcile(cached: Arc<RetryExperiment>, context: Arc<Context>) -> Result<Action, Error> {
    let (begun, uid) = (Instant::now(), cached.uid().unwrap_or_default());
    let result = pass(&cached, &context).await;
    let (undisturbed, action) = match result {
        // Somebody wrote in between: no error, but what was decided may be wrong. The newer version is on its way.
        Err(e) if e.is_conflict() => (false, Ok(Action::requeue(std::time::Duration::from_millis(100)))),
        result => (true, result),
    };
    if action.is_ok() {
        context.backoff.forget(&uid);
    }
    context.metrics.pass(action.as_ref().map(|_| undisturbed), begun.elapsed().as_secs_f64());
    action
}

/// What follows a pass that failed.
#[allow(clippy::needless_pass_by_value, reason = "the controller's signature")]
pub fn on_error(experiment: Arc<RetryExperiment>, error: &Error, context: Arc<Context>) -> Action {
    let wait = context.backoff.failed(&experiment.uid().unwrap_or_default(), &context.caches.uids());
    let (namespace, name) = (experiment.namespace().unwrap_or_default(), experiment.name_any());
    tracing::warn!(namespace, name, wait_ms = wait.as_millis() as u64, "{error}");
    Action::requeue(wait)
}

async fn pass(cached: &RetryExperiment, context: &Context) -> Result<Action, Error> {
    let Context { world, events, metrics, caches, .. } = context;
    if cached.metadata.deletion_timestamp.is_some() || (is_settled(cached) && !caches.has_deployments(cached)) {
        return Ok(Action::await_change()); // what an experiment owns is collected by the cluster
    }
    // The cache may be older than the last status that was written, and the plan must not be.
    let api: Api<RetryExperiment> = Api::namespaced(world.client.clone(), &cached.namespace().unwrap_or_default());
    let object = || format!("RetryExperiment {}/{}", cached.namespace().unwrap_or_default(), cached.name_any());
    let Some(experiment) = call("get", object, api.get_opt(&cached.name_any())).await? else {
        return Ok(Action::await_change());
    };
    if experiment.uid() != cached.uid() || experiment.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let mut observed = world.observe(&experiment).await?;
    let in_the_way = observed.blocked.is_some();
    observed.blocked = observed.blocked.or_else(|| context.refusals.of(&experiment));
    let Plan { status, series: _, workloads, acts, events: to_tell, next } =
        decide(world, &experiment, observed).await?;
    if experiment.status.as_ref() != Some(&status) {
        let mut written = experiment.clone();
        written.status = Some(status);
        call("write the status of", object, api.replace_status(&cached.name_any(), &PostParams::default(), &written))
            .await?;
        metrics.status_writes.inc();
    }
    if !acts.is_empty()
        && let Some(token) = world.token(&experiment).await?
    {
        metrics.told(&world.conductor.perform(&experiment.name_any(), &acts, &token).await);
    }
    match workloads {
        Workloads::Deployed if !in_the_way => context.refusals.note(&experiment, world.deploy(&experiment).await)?,
        // With the end itself always: a deployment that was refused half-way has left no Deployment, but the rest.
        Workloads::Removed if caches.has_deployments(&experiment) || !is_settled(&experiment) => {
            world.remove(&experiment).await?;
            context.refusals.forget(&experiment);
        }
        Workloads::Deployed | Workloads::Removed | Workloads::AsTheyAre => {}
    }
    events.publish(&experiment, to_tell).await;
    Ok(next.map_or_else(Action::await_change, Action::requeue))
}

/// What is to be done. A timeline that comes with it is kept first; where that is refused, the figures come without it.
async fn decide(world: &World, experiment: &RetryExperiment, mut observed: Observed) -> Result<Plan, Error> {
    let now = Timestamp::now();
    let decided = plan(experiment, &observed, now, world.config.caps());
    let Some(series) = &decided.series else { return Ok(decided) };
    match world.keep(experiment, series).await {
        Ok(()) => Ok(decided),
        Err(refusal) if refusal.is_refusal() => {
            tracing::warn!("the timeline of arm {} is not kept: {refusal}", series.arm);
            observed.kept_in = None;
            Ok(plan(experiment, &observed, now, world.config.caps()))
        }
        Err(e) => Err(e),
    }
}

/// Whether there is nothing left to do for this version of the object, but for its workloads.
fn is_settled(experiment: &RetryExperiment) -> bool {
    let status = experiment.status.as_ref();
    status.is_some_and(|s| s.verdict.is_some() && s.observed_generation == experiment.metadata.generation)
}
