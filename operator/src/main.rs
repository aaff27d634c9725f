//! The operator's binary: `retrylab-operator` runs it, `retrylab-operator crd` prints the custom resource definition.

use clap::{Parser, Subcommand};
use retrylab_operator::Config;

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { command, config } = Args::parse();
    if let Some(Command::Crd) = command {
        print!("{}", serde_saphyr::to_string(&retrylab_api::crd())?);
        return Ok(());
    }
    retrylab_runtime::init_logs();
    retrylab_operator::run(config).await
}
