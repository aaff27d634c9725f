//! `retrylab watch`: an experiment in the cluster, live: in a terminal a picture that keeps up with the time, elsewhere a line for
//! whatever changes. Ends with the results and by the verdict.

mod lines;
mod outage;
mod picture;
mod stream;

use std::time::Duration;

use clap::Args;
use console::Term;
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{RetryExperiment, Verdict};
use retrylab_report::{Report, Source};

use crate::{
    exit::{Answer, Ending, Unanswered},
    kubectl::Kubectl,
    output::report_table,
    said::{is_read, print, say},
};
use picture::Picture;
use stream::{Seen, Stream};

/// How often the picture is drawn anew while nothing is heard.
const REDRAW: Duration = Duration::from_millis(500);

/// Shows an experiment in the cluster live, until it is over: phase, arm, window, conditions, and the figures of arms as they finish;
/// ends by its verdict, or with 2 when the experiment is deleted, or the cluster does not answer for 5 minutes
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
/// What kubectl refuses, that the experiment was deleted, or that the cluster has not answered for too long.
pub fn run(Options { name, kubectl }: &Options) -> anyhow::Result<Answer> {
    let Some((experiment, verdict)) = until_over(name, kubectl)? else {
        return Ok(Answer { text: String::new(), ending: Ending::Inconclusive });
    };
    let report = Report::new(&experiment, vec![], Source::Cluster);
    Ok(Answer { text: report_table(&report), ending: Ending::from(verdict) })
}

/// The experiment as it was when it was over, and its verdict; `None`: nobody reads what is said of it any more.
fn until_over(name: &str, kubectl: &Kubectl) -> anyhow::Result<Option<(RetryExperiment, Verdict)>> {
    let term = Term::stdout();
    let mut picture = term.is_term().then(|| Picture::new(term));
    let (mut stream, mut latest, mut is_out) = (Stream::open(name, kubectl)?, None::<RetryExperiment>, false);
    while is_read() {
        match stream.next(REDRAW)? {
            Seen::Nothing => {}
            Seen::Gone => return Err(gone(name)),
            Seen::Outage(words) => {
                is_out = true;
                picture.iter_mut().try_for_each(Picture::clear)?;
                let minutes = outage::LONGEST.as_secs() / 60;
                say(&format!(
                    "the cluster does not answer: {words}\nit is asked again and again, for {minutes} minutes at most"
                ));
            }
            Seen::Experiment(now) => {
                if std::mem::take(&mut is_out) {
                    picture.iter_mut().try_for_each(Picture::clear)?;
                    say("the cluster answers again");
                }
                if latest.as_ref().is_some_and(|before| before.metadata.uid != now.metadata.uid) {
                    return Err(gone(name));
                }
                if picture.is_none() {
                    lines::news(latest.as_ref(), &now).iter().try_for_each(|line| print(&format!("{line}\n")))?;
                }
                latest = Some(*now);
            }
        }
        let Some(experiment) = latest.take() else { continue };
        if let Some(verdict) = experiment.status.as_ref().and_then(|status| status.verdict) {
            picture.iter_mut().try_for_each(Picture::clear)?;
            return Ok(Some((experiment, verdict)));
        }
        if !is_out {
            let screen = || lines::screen(&experiment, Timestamp::now());
            picture.iter_mut().try_for_each(|picture| picture.draw(&screen()))?;
        }
        latest = Some(experiment);
    }
    Ok(None)
}

/// Its namesake, if there is one, is another experiment.
fn gone(name: &str) -> anyhow::Error {
    Unanswered(format!("{name} was deleted while it was watched; its results are gone with it")).into()
}
