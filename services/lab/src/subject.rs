//! What is simulated: a file's experiment, and what the simulation adds to it.

use std::time::Duration;

use clap::Args;
use retrylab_api::{Arm, ArmPlan, RetryExperimentSpec, arm_plan, setup};
use retrylab_core::sim::{MAX_CLIENTS, Setup};

use crate::{
    experiment::{self, Experiment},
    input::Source,
};

/// Where the load goes; nobody looks that up in a simulation.
const TARGET: &str = "client:8000";

/// What is simulated, and on what.
#[derive(Debug, Args)]
pub struct Subject {
    /// The file with the experiment; - reads the standard input
    pub file: Source,
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

impl Subject {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read, is no `RetryExperiment`, or breaks a rule.
    pub fn read(&self) -> anyhow::Result<Experiment> {
        experiment::read(&self.file)
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
