//! The course of an experiment in this process: observe → plan → take the status over → act → make the workloads → tell,
//! and again when the plan says so, until there is a verdict. What the operator does in a cluster, without a cluster.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{Caps, RetryExperiment};
use retrylab_conduct::{Conductor, running};
use retrylab_core::stats::ArmSeries;
use retrylab_plan::{Plan, Workloads, plan};
use tokio::{sync::watch, time};

use super::{audience::Audience, world::World};

/// When to look again where the plan waits for a change that nobody would tell of.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Carries the experiment through; gives the timelines of the arms that were measured. Its status is in the object.
///
/// # Errors
/// When a service can't be started.
pub async fn carry_through(
    experiment: &mut RetryExperiment,
    world: &mut World,
    conductor: &Conductor,
    audience: &Audience,
    mut interrupted: watch::Receiver<bool>,
) -> anyhow::Result<Vec<ArmSeries>> {
    let (name, mut timelines) = (experiment.metadata.name.clone().unwrap_or_default(), Vec::new());
    loop {
        let mut observed = world.observe(&experiment.spec);
        if running(experiment).is_some() {
            conductor.ask(experiment, &mut observed, world.token()).await;
        }
        let Plan { status, series, workloads, acts, events, next } =
            plan(experiment, &observed, Timestamp::now(), Caps::default());
        let is_over = status.verdict.is_some();
        experiment.status = Some(status);
        timelines.extend(series);
        conductor.perform(&name, &acts, world.token()).await;
        audience.tell(&events);
        audience.follow(experiment, world);
        if is_over {
            return Ok(timelines);
        }
        if workloads == Workloads::Deployed {
            world.deploy(&experiment.spec)?; // and they are ready: whoever connects is served
            continue;
        }
        tokio::select! {
            () = time::sleep(next.unwrap_or(LOOK_AGAIN)) => {}
            Ok(_) = interrupted.wait_for(|is_so| *is_so && !experiment.spec.abort) => {
                audience.say("the experiment is being ended; Ctrl-C again ends this at once");
                abort(experiment);
            }
        }
    }
}

/// As `kubectl patch` would: an edit of the spec makes another generation of it.
fn abort(experiment: &mut RetryExperiment) {
    experiment.spec.abort = true;
    experiment.metadata.generation = experiment.metadata.generation.map(|generation| generation + 1);
}
