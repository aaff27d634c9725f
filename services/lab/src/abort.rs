//! `retrylab abort`: ends an experiment in the cluster.

use clap::Args;
use retrylab_api::RetryExperiment;

use crate::{
    exit::Answer,
    kubectl::{EXPERIMENTS, Kubectl},
};

/// Ends an experiment in the cluster now, with the verdict Aborted and no figures for the arm that runs
#[derive(Debug, Args)]
pub struct Options {
    /// The experiment
    name: String,
    #[command(flatten)]
    kubectl: Kubectl,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// What kubectl refuses.
pub fn run(Options { name, kubectl }: &Options) -> anyhow::Result<Answer> {
    let experiment: RetryExperiment = kubectl.get(&[EXPERIMENTS, name])?;
    if let Some(verdict) = experiment.status.and_then(|status| status.verdict) {
        return Ok(Answer::told(format!("{name} is over already: {}\n", verdict.as_str())));
    }
    kubectl.run(&["patch", EXPERIMENTS, name, "--type=merge", r#"--patch={"spec":{"abort":true}}"#])?;
    let place = kubectl.place_in_words();
    Ok(Answer::told(format!("{name} is being ended; `kubectl retrylab watch {name}{place}` shows the rest\n")))
}
