//! The operator's binary: `retrylab-operator` runs it, `retrylab-operator crd` prints the custom resource definition,
//! `retrylab-operator await NAME` waits for the end of an experiment.

use clap::{Parser, Subcommand};
use retrylab_operator::{Awaited, Config};

#[derive(Parser)]
#[command(version, about = "Runs RetryExperiments in a Kubernetes cluster")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Print the custom resource definition as YAML.
    Crd,
    /// Wait until an experiment is over; fails if it has not passed.
    Await(Awaited),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { command, config } = Args::parse();
    match command {
        Some(Command::Crd) => print!("{}", serde_saphyr::to_string(&retrylab_api::crd())?),
        Some(Command::Await(awaited)) => println!("{}", retrylab_operator::outcome(awaited).await?),
        None => {
            retrylab_runtime::init_logs();
            retrylab_operator::run(config).await?;
        }
    }
    Ok(())
}
