//! The course of an experiment in this process: observe → plan → take the status over → act → make the workloads → tell,
//! and again when the plan says so, until there is a verdict. What the operator does in a cluster, without a cluster.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{Caps, RetryExperiment, RetryExperimentSpec};
use retrylab_conduct::{Conductor, running};
use retrylab_core::stats::ArmSeries;
use retrylab_plan::{Plan, Workloads, plan};
use tokio::{sync::watch, time};

use super::{audience::Audience, world::World};

/// When to look again where the plan waits for a change that nobody would tell of.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For how long the services are up before a start is settled. If the hand-over is late, another start is settled only when the
/// load generator's answer shows that it was up before the first one was, and an answer tells that as late as it comes.
const UP_BEFORE_START: Duration = Duration::from_millis(250);

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
            deploy(world, &experiment.spec).await?;
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

/// They are ready as soon as they are there: whoever connects is served.
async fn deploy(world: &mut World, spec: &RetryExperimentSpec) -> anyhow::Result<()> {
    world.deploy(spec)?;
    time::sleep(UP_BEFORE_START).await;
    Ok(())
}

/// As `kubectl patch` would: an edit of the spec makes another generation of it.
fn abort(experiment: &mut RetryExperiment) {
    experiment.spec.abort = true;
    experiment.metadata.generation = experiment.metadata.generation.map(|generation| generation + 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tests::comparison;

    /// The run that the status names, when it is decided at this moment after all pods were asked.
    async fn decided(experiment: &mut RetryExperiment, world: &World, conductor: &Conductor, now: Timestamp) -> u32 {
        let mut observed = world.observe(&experiment.spec);
        conductor.ask(experiment, &mut observed, world.token()).await;
        experiment.status = Some(plan(experiment, &observed, now, Caps::default()).status);
        running(experiment).unwrap().run.handover
    }

    /// As if this process had been held up between the decision and the first word to a service.
    #[tokio::test]
    async fn the_first_start_is_settled_anew_when_its_hand_over_is_late() {
        let (mut experiment, conductor) = (comparison().object, Conductor::new().unwrap());
        let mut world = World::new("token".to_owned());
        deploy(&mut world, &experiment.spec).await.unwrap();
        assert_eq!(decided(&mut experiment, &world, &conductor, Timestamp::now()).await, 1);
        let start = running(&experiment).unwrap().run.starts_at.0;
        assert_eq!(decided(&mut experiment, &world, &conductor, start).await, 2);
        world.remove();
    }
}
