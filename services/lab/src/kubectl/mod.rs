//! The cluster, through kubectl: every kubeconfig, context and credential plugin that the user's kubectl has works, and no second
//! Kubernetes client is needed.

mod refusal;

pub use refusal::Refusal;

use std::{
    io,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use anyhow::Context;
use clap::Args;
use k8s_openapi::api::core::v1::ConfigMap;
use retrylab_api::RetryExperiment;
use retrylab_core::stats::ArmSeries;
use retrylab_report::{Report, Source};
use serde::{Deserialize, de::DeserializeOwned};

use crate::said::say;

/// What `kubectl get` gives of several objects, of whatever kinds: a `v1` `List`.
#[derive(Debug, Deserialize)]
pub struct Listed<T> {
    /// The objects.
    pub items: Vec<T>,
}

/// The kind by its full name, which no other definition can have.
pub const EXPERIMENTS: &str = "retryexperiments.retrylab.dev";

/// Which cluster, and where in it: passed on to kubectl as they are.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster, as kubectl has it")]
pub struct Kubectl {
    /// The namespace
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Kubectl {
    /// What kubectl prints.
    ///
    /// # Errors
    /// What it refuses, in a sentence with what to do about it.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.try_run(arguments)?.map_err(|refusal| refusal.error(self))
    }

    /// What kubectl prints, or what it refuses.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub fn try_run(&self, arguments: &[&str]) -> anyhow::Result<Result<String, Refusal>> {
        let Output { status, stdout, stderr } = self.output(arguments)?;
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        Ok(if status.success() { Ok(out.into_owned()) } else { Err(Refusal::of(&err)) })
    }

    /// All that kubectl gives, for what it answers with its exit code.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub fn output(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.command(arguments).output().map_err(no_kubectl)
    }

    /// The options that say which cluster, as one types them behind a command.
    pub fn cluster_in_words(&self) -> String {
        let kubeconfig = self.kubeconfig.as_ref().map(|file| file.display().to_string());
        let options = [("--context", self.context.clone()), ("--kubeconfig", kubeconfig)];
        let given = options.into_iter().filter_map(|(option, value)| Some(format!(" {option} {}", quoted(&value?))));
        given.collect()
    }

    /// The same with the namespace.
    pub fn place_in_words(&self) -> String {
        let namespace = self.namespace.as_ref().map_or_else(String::new, |name| format!(" -n {}", quoted(name)));
        namespace + &self.cluster_in_words()
    }

    /// An object, or a list.
    ///
    /// # Errors
    /// What kubectl refuses, or that what it gives is no such object.
    pub fn get<T: DeserializeOwned>(&self, arguments: &[&str]) -> anyhow::Result<T> {
        self.try_get(arguments)?.map_err(|refusal| refusal.error(self))
    }

    /// An object, a list, or what is refused.
    ///
    /// # Errors
    /// When there is no kubectl, or what it gives is no such object.
    pub fn try_get<T: DeserializeOwned>(&self, arguments: &[&str]) -> anyhow::Result<Result<T, Refusal>> {
        let all = [&["get"], arguments, &["--output=json"]].concat();
        let text = match self.try_run(&all)? {
            Ok(text) => text,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut json = serde_json::Deserializer::from_str(&text);
        let read = serde_path_to_error::deserialize(&mut json);
        read.map(Ok).with_context(|| format!("cannot understand what `kubectl get {}` gives", arguments.join(" ")))
    }

    /// kubectl at work, its output to be read as it comes.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub fn start(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(no_kubectl)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let Self { namespace, context, kubeconfig } = self;
        let mut command = Command::new("kubectl");
        command.args(arguments).stdin(Stdio::null());
        for (option, value) in [("--namespace", namespace), ("--context", context)] {
            command.args(value.iter().flat_map(|value| [option, value]));
        }
        command.args(kubeconfig.iter().map(|file| format!("--kubeconfig={}", file.display())));
        command
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn no_kubectl(error: io::Error) -> anyhow::Error {
    let hint = "cannot run kubectl, through which the cluster is reached: is it installed, and on the PATH?";
    anyhow::Error::new(error).context(hint)
}

/// The report of an experiment in the cluster, without timelines: what the object says.
///
/// # Errors
/// What kubectl refuses.
pub fn experiment_report(kubectl: &Kubectl, name: &str) -> anyhow::Result<Report> {
    Ok(Report::new(&kubectl.get(&[EXPERIMENTS, name])?, vec![], Source::Cluster))
}

/// The same with the timelines beside the object, as far as they are kept and the user may read them.
///
/// # Errors
/// What kubectl refuses.
pub fn whole_report(kubectl: &Kubectl, name: &str) -> anyhow::Result<Report> {
    let experiment: RetryExperiment = kubectl.get(&[EXPERIMENTS, name])?;
    let kept = experiment.status.as_ref().and_then(|status| status.report_ref.as_ref());
    let series = match kept {
        Some(kept) => match kubectl.try_get::<ConfigMap>(&["configmap", &kept.name])? {
            Ok(kept) => timelines(&kept)?,
            Err(Refusal::NoObject(_)) => vec![],
            Err(Refusal::NotAllowed(words)) => {
                say(&format!("note: the report is without timelines, since you may not read them: {words}"));
                vec![]
            }
            Err(refusal) => return Err(refusal.error(kubectl)),
        },
        None => vec![],
    };
    Ok(Report::new(&experiment, series, Source::Cluster))
}

fn timelines(kept: &ConfigMap) -> anyhow::Result<Vec<ArmSeries>> {
    let name = kept.metadata.name.as_deref().unwrap_or_default();
    let of_arm = |(key, text): (&String, &String)| {
        serde_json::from_str(text).with_context(|| format!("cannot understand the ConfigMap {name}, key {key}"))
    };
    kept.data.iter().flatten().filter(|(key, _)| key.strip_suffix(".json").is_some()).map(of_arm).collect()
}
