//! Which report a verb is about: one in a file, or that of an experiment in the cluster.

use std::{fmt, str::FromStr, sync::OnceLock};

use anyhow::{Context, bail};
use retrylab_api::{ArmStatus, GROUP, RetryExperiment};
use retrylab_report::{Report, Source as Origin};
use serde_json::Value;

use crate::{
    experiment::KIND,
    input::{Source, documents},
    kubectl::{Kubectl, experiment_report},
};

/// Whether the command runs as kubectl's plugin, where a bare name is that of an object.
static AS_PLUGIN: OnceLock<bool> = OnceLock::new();

/// Says once, before arguments are read, whether the command runs as kubectl's plugin.
pub fn as_plugin(is_so: bool) {
    AS_PLUGIN.get_or_init(|| is_so);
}

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// A file or the standard input.
    In(Source),
    /// An experiment in the cluster.
    Object(String),
}

/// What the help says of it.
pub const REPORTED: &str = "A report in JSON or YAML, or an experiment as `kubectl get -o yaml` gives it: a file, or - for the standard input; \
                            rx/NAME is that of an experiment in the cluster. As a plugin of kubectl a bare NAME is one, too";

impl FromStr for Reported {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = || AS_PLUGIN.get() == Some(&true) && text != "-" && !text.contains(['.', '/']);
        let named =
            ["rx/", "retryexperiment/", "retryexperiments/"].iter().find_map(|prefix| text.strip_prefix(prefix));
        Ok(match named {
            Some(name) => Self::Object(name.to_owned()),
            None if bare() => Self::Object(text.to_owned()),
            None => Self::In(text.parse()?),
        })
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(source) => source.fmt(f),
            Self::Object(name) => write!(f, "rx/{name}"),
        }
    }
}

impl Reported {
    /// The report.
    ///
    /// # Errors
    /// When there is none, it can't be read, or it isn't one.
    pub fn read(&self, kubectl: &Kubectl) -> anyhow::Result<Report> {
        match self {
            Self::Object(name) => experiment_report(kubectl, name),
            Self::In(source) => {
                let text = source.read()?;
                parse(&text).with_context(|| format!("cannot use {source}"))
            }
        }
    }
}

/// Reads a report, or makes one of an experiment with a status.
fn parse(text: &str) -> anyhow::Result<Report> {
    let mut found = documents(text)?.into_iter().map(|document| document.value);
    let (Some(value), None) = (found.next(), found.next()) else { bail!("one document is needed, a report") };
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "ExperimentReport" => read(value),
        KIND if value["apiVersion"].as_str().is_some_and(|version| version.starts_with(GROUP)) => {
            let experiment: RetryExperiment = read(value)?;
            if experiment.status.is_none() {
                bail!(
                    "the {KIND} has no status: nothing was found yet; `retrylab simulate` or `retrylab run` makes a report of it"
                );
            }
            Ok(Report::new(&experiment, vec![], Origin::Cluster))
        }
        _ => bail!("kind: {} is not allowed; allowed: ExperimentReport, or a {KIND} with a status", value["kind"]),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    Ok(serde_path_to_error::deserialize(value)?)
}

/// The arm of that name.
///
/// # Errors
/// Names those that there are, when it isn't there.
pub fn arm_of<'r>(report: &'r Report, name: &str) -> anyhow::Result<&'r ArmStatus> {
    let arms = &report.status.arms;
    let names = || arms.iter().map(|arm| arm.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = arms.iter().find(|arm| arm.name == name);
    found.with_context(|| format!("arm: {name} is not allowed; there are: {}", names()))
}
