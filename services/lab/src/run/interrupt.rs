//! Ctrl-C: the first ends the experiment as `spec.abort` does, the second ends this process at once.

use std::process;

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::exit::INTERRUPTED;

/// Listens for Ctrl-C from now on; what it gives becomes true with the first. Needs a tokio runtime with a thread that
/// nothing else holds up.
///
/// # Errors
/// When the operating system has no room for a handler.
pub fn interrupted() -> anyhow::Result<watch::Receiver<bool>> {
    let interrupts = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let (tell, told) = watch::channel(false);
    tokio::spawn(listen(interrupts, tell));
    Ok(told)
}

async fn listen(mut interrupts: Signal, interrupted: watch::Sender<bool>) {
    interrupts.recv().await;
    interrupted.send_replace(true);
    interrupts.recv().await;
    process::exit(INTERRUPTED);
}
