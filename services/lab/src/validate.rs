//! `retrylab validate`: would the cluster take these files? Everything that is wrong with them at once.

use anyhow::bail;
use clap::Args;

use crate::{
    exit::Answer,
    experiment::{At, Found, KIND, all},
    input::Source,
};

/// Checks files by every rule that the cluster has: all that is wrong with them, each with its line, its field and what is allowed
#[derive(Debug, Args)]
pub struct Options {
    /// Files with experiments, YAML or JSON; - reads the standard input. Other kinds in them are passed over, and a file must
    /// have one experiment at least
    #[arg(required = true)]
    files: Vec<Source>,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When a file can't be read, has no experiment, or one that breaks a rule: with everything that is wrong in all files.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let (mut said, mut wrong) = (Vec::new(), Vec::new());
    for source in &options.files {
        match source.read().and_then(|read| all(source, &read)) {
            Ok(found) => of_file(source, &found, &mut said, &mut wrong),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    if wrong.is_empty() {
        Ok(Answer::told(said.concat()))
    } else {
        bail!("{}\n{}", counted(wrong.len()), wrong.join("\n"))
    }
}

fn counted(mistakes: usize) -> String {
    if mistakes == 1 { "1 mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

fn of_file(source: &Source, found: &[Found], said: &mut Vec<String>, wrong: &mut Vec<String>) {
    for document in found {
        match document {
            Found::Good(experiment) => said.push(format!("{source}: {} is valid\n", experiment.name)),
            Found::Other(what) => said.push(format!("{source}: {what} is passed over\n")),
            Found::Bad(mistakes) => wrong.extend(mistakes.iter().map(|mistake| At(source, mistake).to_string())),
        }
    }
    if found.iter().all(|document| matches!(document, Found::Other(_))) {
        wrong.push(format!("{source}: there is no {KIND} in it"));
    }
}
