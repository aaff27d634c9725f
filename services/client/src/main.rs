//! The client's binary: parses its settings, binds and serves.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use retrylab_client::Config;
use retrylab_runtime::Spans;

/// The client of a Retrylab experiment.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to serve; `[::]` is every address, IPv4's too.
    #[arg(long, env = "RETRYLAB_LISTEN", default_value = "[::]:8000")]
    listen: SocketAddr,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    retrylab_runtime::init_logs();
    let spans = Spans::from_env("retrylab-client")?;
    let app = retrylab_client::app(cli.config, spans.clone()).context("cannot start the client")?;
    let served = retrylab_runtime::serve(cli.listen, app).await;
    spans.flush();
    served.with_context(|| format!("cannot serve on {}", cli.listen))
}
