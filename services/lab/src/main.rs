//! The command `retrylab`: experiments without a cluster, what they mean, and what became of them. Under the name
//! `kubectl-retrylab` it is a plugin of kubectl.

#![warn(clippy::print_stdout, clippy::print_stderr, reason = "they panic where nobody reads any more")]

mod abort;
mod assert;
mod compare;
mod crd;
mod doctor;
mod exit;
mod experiment;
mod explain;
mod input;
mod kubectl;
mod output;
mod parameter;
mod plan;
mod repeat;
mod report;
mod reported;
mod run;
mod said;
mod simulate;
mod spread;
mod subject;
mod sweep;
mod validate;
mod watch;

use std::{env, ffi::OsString, io, path::Path, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use exit::{Answer, Ending};
use said::{print, say};

/// What users call the command as kubectl's plugin.
const PLUGIN: &str = "kubectl retrylab";

/// Puts retry policies under test
#[derive(Parser)]
#[command(name = "retrylab", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Validate(validate::Options),
    Plan(plan::Options),
    Explain(explain::Options),
    Run(run::Options),
    Simulate(simulate::Options),
    Sweep(sweep::Options),
    Report(report::Options),
    Compare(compare::Options),
    Assert(assert::Options),
    Watch(watch::Options),
    Abort(abort::Options),
    Doctor(doctor::Options),
    /// Prints the completion of a shell, to be read by it: `source <(retrylab completion bash)`
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Prints the custom resource definition, to be applied to a cluster
    Crd,
}

impl Verb {
    fn run(&self) -> anyhow::Result<Answer> {
        match self {
            Self::Validate(options) => validate::run(options),
            Self::Plan(options) => plan::run(options),
            Self::Explain(options) => explain::run(options),
            Self::Run(options) => run::run(options),
            Self::Simulate(options) => simulate::run(options),
            Self::Sweep(options) => sweep::run(options),
            Self::Report(options) => report::run(options),
            Self::Compare(options) => compare::run(options),
            Self::Assert(options) => assert::run(options),
            Self::Watch(options) => watch::run(options),
            Self::Abort(options) => abort::run(options),
            Self::Doctor(options) => doctor::run(options),
            Self::Completion { shell } => Ok(Answer::told(completion(*shell))),
            Self::Crd => crd::run(),
        }
    }
}

fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "retrylab", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = name(arguments.first());
    reported::as_plugin(name == PLUGIN);
    let verb = match parse(name, arguments) {
        Ok(Cli { verb }) => verb,
        Err(error) => return misused(&error).into(),
    };
    let ending = match verb.run() {
        Ok(Answer { text, ending }) => {
            let printed = print(&text);
            printed.map_or_else(|error| not_printed(name, &error).max(ending), |()| ending)
        }
        Err(error) => {
            say(&format!("{name}: {error:#}"));
            Ending::of_error(&error)
        }
    };
    ending.into()
}

/// What users call the command: as kubectl's plugin it is a word of kubectl's.
fn name(program: Option<&OsString>) -> &'static str {
    let stem = program.and_then(|path| Path::new(path).file_stem()).and_then(|stem| stem.to_str());
    if stem == Some("kubectl-retrylab") { PLUGIN } else { "retrylab" }
}

fn parse(name: &'static str, arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().bin_name(name).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Help and version are what was asked for; everything else is wrong usage.
fn misused(error: &clap::Error) -> Ending {
    // Nothing is left to be done when even that can't be printed.
    error.print().ok();
    if error.use_stderr() { Ending::Misused } else { Ending::Passed }
}

/// Whoever has no answer must not take the code for one.
fn not_printed(name: &str, error: &io::Error) -> Ending {
    say(&format!("{name}: cannot write the answer: {error}"));
    Ending::Inconclusive
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const INTRODUCTION: &str = "Made from the command itself; a test holds it to that. `cargo install --locked --path services/lab` installs it.\n\n\
        Under the name `kubectl-retrylab` on the PATH (`ln -s retrylab ~/.cargo/bin/kubectl-retrylab`) it is a plugin of kubectl, \
        `kubectl retrylab watch NAME`, with all the same verbs. The cluster is reached through kubectl alone: with its kubeconfig, its \
        contexts and its credentials.";

    /// What docs/cli.md says.
    fn reference() -> String {
        let options = clap_markdown::MarkdownOptions::new().show_footer(false).show_table_of_contents(false);
        let verbs = clap_markdown::help_markdown_custom::<Cli>(&options.title("The command retrylab".into()));
        let code = |ending: Ending| format!("| {} | {} |\n", ending.code(), ending.meaning());
        let codes: String = Ending::ALL.map(code).concat();
        let interrupted = format!("| {} | {} |\n", exit::INTERRUPTED, exit::INTERRUPTED_MEANING);
        let sentence = "This document contains the help content for the `retrylab` command-line program.";
        assert!(verbs.contains(sentence));
        let verbs = verbs.replace(sentence, INTRODUCTION);
        let trimmed = verbs.lines().map(|line| format!("{}\n", line.trim_end())).collect::<Vec<_>>().concat();
        format!("{}\n\n## Exit codes\n\n| code | when |\n|---|---|\n{codes}{interrupted}", trimmed.trim_end())
    }

    #[test]
    fn the_reference_says_what_the_command_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
        if env::var_os("UPDATE").is_some() {
            fs::write(path, reference()).unwrap();
        }
        let written = fs::read_to_string(path).unwrap_or_default();
        assert!(written == reference(), "docs/cli.md is out of date: UPDATE=1 cargo test -p retrylab-lab reference");
    }

    #[test]
    fn as_kubectl_s_plugin_its_usage_says_so() {
        let usage = |program: &str| {
            let name = name(Some(&program.into()));
            let error = parse(name, vec![program.into(), "simulate".into(), "--help".into()]).err().unwrap();
            error.to_string()
        };
        assert!(usage("/usr/bin/kubectl-retrylab").contains("Usage: kubectl retrylab simulate "));
        assert!(usage("target/debug/retrylab").contains("Usage: retrylab simulate "));
    }
}
