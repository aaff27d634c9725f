//! `retrylab run`: the experiment of a file in this process, measured as in a cluster. The same plan, the same services,
//! the same run protocol over HTTP, the same status; the world is this process and 127.0.0.1.

mod audience;
mod counters;
mod course;
mod host;
mod interrupt;
mod log;
mod service;
mod stage;
mod world;

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use retrylab_api::RetryExperiment;
use retrylab_conduct::{Conductor, new_token};
use retrylab_report::{Report, Source, html};
use tokio::runtime::Builder;

use self::{audience::Audience, world::World};
use crate::{
    exit::{Answer, Ending, Unanswered},
    experiment::{self, Experiment},
    input,
    output::ReportForm,
    said::say,
};

/// Runs an experiment in this process, with no cluster: the services of the images on 127.0.0.1, in real time, with the
/// status that the operator would write
#[derive(Debug, Args)]
pub struct Options {
    /// The file with the experiment; - reads the standard input
    file: input::Source,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: ReportForm,
    /// Writes the report as one HTML page, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the verb.
///
/// # Errors
/// When the file can't be used, or the operating system has no room for a service.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let mut experiment = admitted(experiment::read(&options.file)?)?;
    let page = options.report.as_deref().map(writable).transpose()?;
    // The services are this process's and end with it, whatever the file says; the report has what it says.
    let ttl_seconds = std::mem::take(&mut experiment.spec.ttl_seconds_after_finished);
    let mut report = measured(experiment).map_err(|e| Unanswered(format!("{e:#}")))?;
    report.spec.ttl_seconds_after_finished = ttl_seconds;
    let mut ending = report.status.verdict.map_or(Ending::Inconclusive, Ending::from);
    if let (Some(mut page), Some(path)) = (page, &options.report) {
        let written = page.set_len(0).and_then(|()| page.write_all(html(&report).as_bytes()));
        // What was measured is shown all the same.
        if let Err(e) = written {
            say(&format!("cannot write {}: {e}", path.display()));
            ending = ending.max(Ending::Inconclusive);
        }
    }
    Ok(Answer { text: options.output.show(&report)?, ending })
}

/// The file, before an experiment is run for it; what it holds stays until then.
fn writable(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

/// The object as an API server would have it. What only a cluster can do is refused, or said not to be done.
fn admitted(Experiment { name, object: mut experiment, .. }: Experiment) -> anyhow::Result<RetryExperiment> {
    let spec = &mut experiment.spec;
    if spec.suspend {
        bail!("spec.suspend: true is not allowed; allowed: false, since nobody could let the experiment go on here");
    }
    let images = [("backend", &spec.backend.image), ("client", &spec.client.image), ("loadgen", &spec.loadgen.image)];
    for (role, image) in images {
        if let Some(image) = image {
            say(&format!("note: spec.{role}.image: {image} is not run, but the {role} of this program"));
        }
    }
    let uid = new_token().context("cannot make a uid")?.split_off(32);
    if experiment.metadata.name.is_none() {
        experiment.metadata.name = Some(format!("{name}{}", &uid[..5]));
    }
    experiment.metadata.uid = Some(uid);
    experiment.metadata.generation = Some(1);
    experiment.status = None;
    Ok(experiment)
}

/// Runs the experiment to its verdict.
fn measured(mut experiment: RetryExperiment) -> anyhow::Result<Report> {
    // Two threads: this one follows the plan; the other hears Ctrl-C whatever this one does, and tells people where it is.
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("audience").enable_all().build()?;
    let timelines = runtime.block_on(async {
        let (audience, interrupted) = (Audience::new()?, interrupt::interrupted()?);
        let mut world = World::new(new_token().context("cannot make a token")?);
        let conductor = Conductor::new()?;
        let course = course::carry_through(&mut experiment, &mut world, &conductor, &audience, interrupted).await;
        world.remove();
        audience.leave().await;
        course
    })?;
    Ok(Report::new(&experiment, timelines, Source::Process))
}
