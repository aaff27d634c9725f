//! Which report a verb is about: one in a file, or that of an experiment in the cluster.

use std::{fmt, str::FromStr, sync::OnceLock};

use anyhow::{Context, bail};
use retrylab_api::{ArmStatus, GROUP, RetryExperiment};
use retrylab_report::{Report, Source as Origin};
use serde_json::Value;

use crate::{
    exit::Unanswered,
    experiment::KIND,
    input::{Source, documents},
    kubectl::{Kubectl, experiment_report, whole_report},
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
    /// The report; the timelines of an experiment in the cluster are left there.
    ///
    /// # Errors
    /// When there is none, it can't be read, or it isn't one.
    pub fn read(&self, kubectl: &Kubectl) -> anyhow::Result<Report> {
        self.read_by(|name| experiment_report(kubectl, name))
    }

    /// The report with its timelines.
    ///
    /// # Errors
    /// When there is none, it can't be read, or it isn't one.
    pub fn read_whole(&self, kubectl: &Kubectl) -> anyhow::Result<Report> {
        self.read_by(|name| whole_report(kubectl, name))
    }

    fn read_by(&self, of_object: impl Fn(&str) -> anyhow::Result<Report>) -> anyhow::Result<Report> {
        match self {
            Self::Object(name) => of_object(name),
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
            if experiment.status.as_ref().is_none_or(|status| status.phase.is_none()) {
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

/// That the experiment has an arm of that name.
///
/// # Errors
/// Names those that there are, when it has not.
pub fn known_arm(report: &Report, name: &str) -> anyhow::Result<()> {
    let names = report.spec.arms.iter().map(|arm| arm.name.as_str());
    if names.clone().any(|arm| arm == name) {
        return Ok(());
    }
    bail!("arm: {name} is not allowed; there are: {}", names.collect::<Vec<_>>().join(", "))
}

/// What is known of the arm of that name.
///
/// # Errors
/// Names those that there are, when the experiment has no such arm; or that it has not begun.
pub fn arm_of<'r>(report: &'r Report, name: &str) -> anyhow::Result<&'r ArmStatus> {
    known_arm(report, name)?;
    let found = report.status.arms.iter().find(|arm| arm.name == name);
    found.ok_or_else(|| Unanswered(format!("the arm {name} has not begun: it has no figures")).into())
}
