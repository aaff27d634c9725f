//! `retrylab report`: a report in another form.

use clap::Args;

use crate::{
    exit::{Answer, Ending},
    kubectl::Kubectl,
    output::ReportForm,
    reported::{REPORTED, Reported},
};

/// Shows what an experiment found, in any form; ends by its verdict
#[derive(Debug, Args)]
pub struct Options {
    #[arg(help = REPORTED)]
    report: Reported,
    #[command(flatten)]
    kubectl: Kubectl,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: ReportForm,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When there is no such report.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let report = options.report.read_whole(&options.kubectl)?;
    let ending = report.status.verdict.map_or(Ending::Inconclusive, Ending::from);
    Ok(Answer { text: options.output.show(&report)?, ending })
}
