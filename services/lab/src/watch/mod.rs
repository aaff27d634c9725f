//! `retrylab watch`: an experiment in the cluster, live: in a terminal a picture that keeps up with the time, elsewhere a line for
//! whatever changes. Ends with the results and by the verdict.

mod lines;
mod picture;
mod stream;

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use console::Term;
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{RetryExperiment, Verdict};
use retrylab_report::{Report, Source};

use crate::{
    exit::{Answer, Ending, Unanswered},
    kubectl::Kubectl,
    output::report_table,
};
use picture::Picture;
use stream::{Seen, Stream};

/// How often the picture is drawn anew while nothing is heard.
const REDRAW: Duration = Duration::from_millis(500);

/// Shows an experiment in the cluster live, until it is over: phase, arm, window, conditions, and the figures of arms as they finish;
/// ends by its verdict
#[derive(Debug, Args)]
pub struct Options {
    /// The experiment
    name: String,
    #[command(flatten)]
    kubectl: Kubectl,
}

/// Runs the verb; gives what it prints last.
///
/// # Errors
/// What kubectl refuses, or that the experiment was deleted.
pub fn run(Options { name, kubectl }: &Options) -> anyhow::Result<Answer> {
    let (experiment, verdict) = until_over(name, kubectl)?;
    let report = Report::new(&experiment, vec![], Source::Cluster);
    Ok(Answer { text: report_table(&report), ending: Ending::from(verdict) })
}

/// The experiment as it was when it was over, and its verdict.
fn until_over(name: &str, kubectl: &Kubectl) -> anyhow::Result<(RetryExperiment, Verdict)> {
    let term = Term::stdout();
    let mut picture = term.is_term().then(|| Picture::new(term));
    let mut stream = Stream::open(name, kubectl)?;
    let mut latest: Option<RetryExperiment> = None;
    loop {
        match stream.next(REDRAW)? {
            Seen::Nothing => {}
            Seen::Gone => {
                bail!(Unanswered(format!("{name} was deleted while it was watched; its results are gone with it")))
            }
            Seen::Experiment(now) => {
                if picture.is_none() {
                    for line in lines::news(latest.as_ref(), &now) {
                        println!("{line}");
                    }
                }
                latest = Some(*now);
            }
        }
        let Some(experiment) = latest.take() else { continue };
        if let Some(verdict) = experiment.status.as_ref().and_then(|status| status.verdict) {
            picture.iter_mut().try_for_each(Picture::clear)?;
            return Ok((experiment, verdict));
        }
        picture.iter_mut().try_for_each(|picture| picture.draw(&lines::screen(&experiment, Timestamp::now())))?;
        latest = Some(experiment);
    }
}
