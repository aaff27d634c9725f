//! `retrylab run`: the experiment of a file in this process, measured as in a cluster. The same plan, the same services,
//! the same run protocol over HTTP, the same status; the world is this process and 127.0.0.1.

mod audience;
mod counters;
mod course;
mod host;
mod interrupt;
mod service;
mod world;

use anyhow::{Context, bail};
use clap::Args;
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{RetryExperiment, RetryExperimentSpec};
use retrylab_conduct::{Conductor, new_token};
use retrylab_core::stats::ArmSeries;
use retrylab_report::{Report, Source};
use tokio::runtime::Builder;

use self::{audience::Audience, world::World};

/// Runs an experiment in this process, with no cluster: real services on 127.0.0.1, real time, the status that the operator
/// would write
#[derive(Debug, Args)]
pub struct Options {
    /// The file with the experiment
    file: std::path::PathBuf,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the file can't be used, or a service can't be started.
pub fn run(options: &Options) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(&options.file)?;
    let experiment: RetryExperiment = serde_saphyr::from_str(&text)?;
    let report = measured(as_a_cluster_would(experiment)?)?;
    Ok(serde_saphyr::to_string(&report.status)?)
}

/// Runs the experiment to its verdict.
fn measured(mut experiment: RetryExperiment) -> anyhow::Result<Report> {
    // Two threads: this one follows the plan, the other hears Ctrl-C whatever this one does, and tells how far it is.
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("retrylab").enable_all().build()?;
    let timelines = runtime.block_on(async {
        let mut audience = Audience::new()?;
        let mut world = World::new(new_token().context("cannot make a token")?);
        let (conductor, aborted) = (Conductor::new()?, interrupt::aborted()?);
        let course =
            course::carry_through(&mut experiment, &mut world, &conductor, &mut audience, aborted).await;
        audience.leave().await;
        world.remove();
        course
    })?;
    Ok(Report::new(&experiment, timelines, Source::Process))
}

/// The object as an API server would give it out, less what only a cluster can do.
fn as_a_cluster_would(mut experiment: RetryExperiment) -> anyhow::Result<RetryExperiment> {
    Ok(experiment)
}
