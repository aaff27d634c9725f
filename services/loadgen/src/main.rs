//! The load generator's binary: parses its settings, binds and serves.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use retrylab_loadgen::Config;

/// The load generator of a Retrylab experiment.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to serve; `[::]` is every address, IPv4's too.
    #[arg(long, env = "RETRYLAB_LISTEN", default_value = "[::]:8002")]
    listen: SocketAddr,
    #[command(flatten)]
    config: Config,
}

// One thread is plenty for a request now and then; the load has its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    retrylab_runtime::init_logs();
    let app = retrylab_loadgen::app(cli.config).context("cannot start the load generator")?;
    retrylab_runtime::serve(cli.listen, app).await.with_context(|| format!("cannot serve on {}", cli.listen))
}
