//! What a simulation found: the results that the three services of a measured run would have reported.

use crate::{
    evidence::{Evidence, FaultEvidence},
    fault::FaultWindow,
    load::LoadPlan,
    sim::Setup,
    stats::{ArmCounts, Course, Recovery, time_to_recovery},
    timeline::windows,
    wire::{BackendResults, ClientResults, LoadgenResults},
};

/// A run that is over, as its load generator, all of its clients and all of its backends counted it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of the load generator.
    pub load: LoadgenResults,
    /// Of all clients together; of all first ones, where several are in a chain.
    pub client: ClientResults,
    /// Of all clients in each further place of a chain, from the second one on.
    pub inner: Vec<ClientResults>,
    /// Of all backends together.
    pub backend: BackendResults,
    /// What happened in it: arrivals, deliveries, ends of service, answers, timeouts that came, waits that were over,
    /// edges of fault windows.
    pub events: u64,
}

impl Outcome {
    /// The counts, from which all figures are made.
    pub fn counts(&self) -> ArmCounts {
        ArmCounts {
            load: self.load.series.clone(),
            users: self.load.users,
            client: self.client.series.clone(),
            inner: self.inner.iter().map(|results| results.series.clone()).collect(),
            backend: self.backend.series.clone(),
            latency_us: self.load.latency_us.clone(),
            lateness_us: self.load.lateness_us.clone(),
        }
    }

    /// The evidence, judged as that of a measured run.
    pub fn evidence(&self, setup: &Setup) -> Evidence {
        let (counts, load, faults) = (self.counts(), &setup.load, &setup.backend.faults);
        let of = |window: &FaultWindow| {
            let records = self.backend.faults.iter().filter(|record| record.name == window.name);
            FaultEvidence::new(window, records, &counts.backend)
        };
        let windows = windows(faults, &load.shed, load.duration_ms);
        Evidence::new(&counts, load, &windows, faults.iter().map(of).collect(), vec![])
    }

    /// Whether service came back after the last of the run's faults, on its own; `None`: that can't be told.
    pub fn has_recovered(&self, faults: &[FaultWindow], load: &LoadPlan) -> Option<bool> {
        self.recovery(faults, load).map(|recovery| matches!(recovery, Recovery::After(_)))
    }

    /// How service came back after the last of the run's faults, on its own.
    pub fn recovery(&self, faults: &[FaultWindow], load: &LoadPlan) -> Option<Recovery> {
        time_to_recovery(&self.counts(), &Course::new(faults, load)?)
    }
}

/// The run would need more events than were allowed, or hold more requests at one time than a hundredth of them; nothing is
/// known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too large to simulate: more than {budget} events, or more in flight than they allow for, and only {reached_ms} ms of {duration_ms} ms simulated by then"
)]
pub struct TooLarge {
    /// The events that were allowed.
    pub budget: u64,
    /// How far they went, in milliseconds after the start.
    pub reached_ms: u64,
    /// The run's schedule, in milliseconds.
    pub duration_ms: u64,
}
