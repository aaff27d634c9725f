//! `retrylab doctor`: what an experiment in the cluster needs, one by one: is it there and right, and if not, what to do.

mod cluster;
mod dashboards;
mod labels;
mod monitors;

use clap::Args;
use serde::Serialize;

use crate::{
    exit::{Answer, Ending},
    kubectl::Kubectl,
    output::Form,
};

/// Looks whether experiments can run in the cluster: the definition, the operator, your permission, monitors and dashboards; ends
/// with 1 if something is wrong
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    kubectl: Kubectl,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// What was found of one thing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    what: &'static str,
    state: State,
    /// What was seen.
    seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    Ok,
    Problem,
    NotThere,
}

impl Finding {
    fn ok(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, state: State::Ok, seen: seen.into(), advice: None }
    }

    fn problem(what: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Problem, seen: seen.into(), advice: Some(advice.into()) }
    }

    /// Nothing that experiments need.
    fn not_there(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, state: State::NotThere, seen: seen.into(), advice: None }
    }

    fn text(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Problem => "PROBLEM",
            State::NotThere => "not there",
        };
        let advice = self.advice.as_ref().map_or_else(String::new, |advice| format!("{:23}{advice}\n", ""));
        format!("{state:<10} {:<11} {}\n{advice}", self.what, self.seen)
    }
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the cluster doesn't answer at all.
pub fn run(Options { kubectl, output }: &Options) -> anyhow::Result<Answer> {
    let mut findings = vec![cluster::version(kubectl)?];
    findings.push(cluster::definition(kubectl)?);
    findings.push(cluster::operator(kubectl)?);
    findings.push(cluster::permission(kubectl)?);
    findings.push(monitors::monitors(kubectl)?);
    findings.push(dashboards::dashboards(kubectl)?);
    let is_well = findings.iter().all(|finding| finding.state != State::Problem);
    let text = output.show(&findings, |findings| findings.iter().map(Finding::text).collect())?;
    Ok(Answer { text, ending: if is_well { Ending::Passed } else { Ending::Failed } })
}
