//! The backend's binary: parses its settings, binds and serves.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use retrylab_backend::Config;
use retrylab_runtime::Spans;

/// The backend of a Retrylab experiment.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to serve; `[::]` is every address, IPv4's too.
    #[arg(long, env = "RETRYLAB_LISTEN", default_value = "[::]:8001")]
    listen: SocketAddr,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    retrylab_runtime::init_logs();
    let spans = Spans::from_env("retrylab-backend")?;
    let app = retrylab_backend::app(cli.config, spans.clone()).context("cannot start the backend")?;
    let served = retrylab_runtime::serve(cli.listen, app).await;
    spans.flush();
    served.with_context(|| format!("cannot serve on {}", cli.listen))
}
