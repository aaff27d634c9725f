//! Waiting for the end of one experiment: `helm test` does, in an image that has nothing but the operator.

use anyhow::{Context as _, bail};
use clap::Args;
use kube::{Api, runtime::wait::await_condition};
use retrylab_api::{RetryExperiment, Span, Verdict};

use crate::controller::client;

/// Whose end is waited for.
#[derive(Args, Clone, Debug)]
pub struct Awaited {
    /// The experiment's name.
    name: String,
    /// Its namespace.
    #[arg(long)]
    namespace: String,
    /// How long to wait.
    #[arg(long, default_value = "5m")]
    timeout: Span,
}

/// Waits until the experiment is over, and gives its outcome in words.
///
/// # Errors
/// When it is not over in time, or it did not pass.
pub async fn outcome(awaited: Awaited) -> anyhow::Result<String> {
    let Awaited { name, namespace, timeout } = awaited;
    let api: Api<RetryExperiment> = Api::namespaced(client().await?, &namespace);
    let verdict = |seen: Option<&RetryExperiment>| seen?.status.as_ref()?.verdict;
    let over = await_condition(api, &name, |seen: Option<&RetryExperiment>| verdict(seen).is_some());
    let over = tokio::time::timeout(timeout.as_duration(), over)
        .await
        .with_context(|| format!("{namespace}/{name} is not over after {timeout}"))?
        .with_context(|| format!("cannot watch {namespace}/{name}"))?;
    let message = over.as_ref().and_then(|seen| seen.status.as_ref()?.message.clone()).unwrap_or_default();
    match verdict(over.as_ref()) {
        Some(Verdict::Passed) => Ok(format!("{namespace}/{name} has passed: {message}")),
        Some(verdict) => bail!("{namespace}/{name} ended with the verdict {verdict:?}: {message}"),
        None => bail!("{namespace}/{name} is gone"),
    }
}
