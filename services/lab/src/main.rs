//! The command `retrylab`: experiments without a cluster.

mod experiment;
mod output;
mod parameter;
mod repeat;
mod run;
mod simulate;
mod spread;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Puts retry policies under test.
#[derive(Parser)]
#[command(name = "retrylab", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Options),
    Simulate(simulate::Options),
    Sweep(sweep::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Run(options) => run::run(&options),
        Verb::Simulate(options) => simulate::run(&options),
        Verb::Sweep(options) => sweep::run(&options),
    };
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("retrylab: {error:#}");
            ExitCode::FAILURE
        }
    }
}
