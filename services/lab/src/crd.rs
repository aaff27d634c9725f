//! `retrylab crd`: the definition of `RetryExperiment`, as it is applied to a cluster.

use anyhow::Context;

use crate::exit::Answer;

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When it can't be serialised.
pub fn run() -> anyhow::Result<Answer> {
    serde_saphyr::to_string(&retrylab_api::crd()).map(Answer::told).context("cannot write YAML")
}
