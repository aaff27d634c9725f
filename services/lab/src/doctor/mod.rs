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
/// with 1 if something is wrong, and with 2 if something can't be seen
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
    /// The user may not look, or was not answered.
    Unseen,
}

impl Finding {
    fn ok(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, state: State::Ok, seen: seen.into(), advice: None }
    }

    fn problem(what: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Problem, seen: seen.into(), advice: Some(advice.into()) }
    }

    fn unseen(what: &'static str, why: &str) -> Self {
        let advice = Some("ask whoever runs the cluster, or look with their rights".to_owned());
        Self { what, state: State::Unseen, seen: format!("you may not look: {why}"), advice }
    }

    /// Something that nobody would tell.
    fn unanswered(what: &'static str, why: &str) -> Self {
        let advice = Some("look again in a moment; if it stays so, ask whoever runs the cluster".to_owned());
        Self { what, state: State::Unseen, seen: format!("there was no answer: {why}"), advice }
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
            State::Unseen => "unknown",
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
    let ending = ending(&findings);
    let text = output.show(&findings, |findings| findings.iter().map(Finding::text).collect())?;
    Ok(Answer { text, ending })
}

/// What can't be seen is not known to be well.
fn ending(findings: &[Finding]) -> Ending {
    let any = |state: State| findings.iter().any(|finding| finding.state == state);
    match (any(State::Problem), any(State::Unseen)) {
        (true, _) => Ending::Failed,
        (false, true) => Ending::Inconclusive,
        (false, false) => Ending::Passed,
    }
}
