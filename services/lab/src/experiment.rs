//! The file: a `RetryExperiment` in YAML, under the rules that the operator has for it.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use retrylab_api::{Arm, ArmPlan, Caps, GROUP, RetryExperiment, RetryExperimentSpec, arm_plan, setup, validate};
use retrylab_core::sim::{MAX_CLIENTS, Setup};
use serde_json::Value;

/// Where the load goes; nobody looks that up in a simulation.
const TARGET: &str = "client:8000";

/// What is simulated, and on what.
#[derive(Debug, Args)]
pub struct Subject {
    /// The file with the experiment
    pub file: PathBuf,
    /// Clients, each with limits of its own, instead of the file's spec.client.replicas
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CLIENTS)))]
    clients: Option<u32>,
    /// How long a message takes one way, in microseconds
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    network_us: u64,
    /// The most events that one run may have; one that would have more is refused
    #[arg(long, default_value_t = 2_000_000_000)]
    pub max_events: u64,
}

/// An experiment that has passed every rule.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: RetryExperimentSpec,
}

impl Subject {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read, is no `RetryExperiment`, or breaks a rule: with the field, what was given and what is allowed.
    pub fn read(&self) -> anyhow::Result<Experiment> {
        let place = || format!("cannot use {}", self.file.display());
        let text = fs::read_to_string(&self.file).with_context(place)?;
        parse(&text).with_context(place)
    }

    /// One arm, ready to be simulated, with the plans that pods would be handed for it.
    pub fn setup(&self, spec: &RetryExperimentSpec, arm: &Arm) -> (ArmPlan, Setup) {
        let plan = arm_plan(spec, arm, TARGET);
        let mut setup = setup(spec, &plan);
        setup.clients = self.clients.unwrap_or(setup.clients);
        setup.network = Duration::from_micros(self.network_us);
        (plan, setup)
    }
}

/// Reads an experiment.
///
/// # Errors
/// When it is no `RetryExperiment`, or breaks a rule.
pub fn parse(text: &str) -> anyhow::Result<Experiment> {
    let value: Value = serde_saphyr::from_str(text).context("not YAML")?;
    let (api_version, kind) = (format!("{GROUP}/v1alpha1"), "RetryExperiment");
    for (field, expected) in [("apiVersion", api_version.as_str()), ("kind", kind)] {
        if value[field].as_str() != Some(expected) {
            bail!("{field}: {} is not allowed; allowed: {expected}", value[field]);
        }
    }
    let experiment: RetryExperiment = serde_path_to_error::deserialize(value)?;
    validate(&experiment.spec, Caps::default())?;
    Ok(Experiment { name: experiment.metadata.name.unwrap_or_default(), spec: experiment.spec })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPARISON: &str = include_str!("../../../deploy/samples/comparison.yaml");

    fn refused(text: &str) -> String {
        parse(text).map(|e| e.name).map_err(|e| format!("{e:#}")).unwrap_err()
    }

    #[test]
    fn a_sample_is_read() {
        let experiment = parse(COMPARISON).unwrap();
        assert_eq!((experiment.name.as_str(), experiment.spec.arms.len()), ("comparison", 3));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(COMPARISON.contains(from));
            let message = refused(&COMPARISON.replace(from, to));
            assert!(message.contains(expected), "{message}");
        };
        check("kind: RetryExperiment", "kind: Pod", "kind: \"Pod\" is not allowed; allowed: RetryExperiment");
        check("rate: 50", "rate: 0", "spec.load.rate: 0 is not allowed; allowed: 1 to 20000");
        check("rate: 50", "rate: fast", "spec.load.rate");
        check("rate: 50", "pace: 50", "unknown field `pace`");
        assert!(refused("a: [").contains("not YAML"));
    }
}
