//! Whether a run's numbers may carry a verdict: was the fault delivered, the load achieved, was everything counted, and
//! counted twice with the same result? A run that lacks evidence is Inconclusive, never Passed.

mod accounts;
mod delivery;
mod load;
mod on_the_way;

pub use accounts::{Disagreement, disagreements};
pub use delivery::FaultEvidence;
pub use load::LoadEvidence;
pub use on_the_way::{last_attempt_ms, on_the_way};

use crate::{
    load::LoadPlan,
    stats::{ArmCounts, Ratio},
    timeline::Window,
};

/// How many of the counts that disagree are named.
const NAMED_MAX: usize = 3;

/// What is known about how a run went.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// For each fault window: the share of the requests it should have struck that it did strike.
    pub faults: Vec<FaultEvidence>,
    /// Whether the load was sent, in time, and by users who were there.
    pub load: LoadEvidence,
    /// The counts that must agree and don't; none on a lossless run.
    pub disagreements: Vec<Disagreement>,
    /// What else makes the counts partial or foreign, in words.
    pub notes: Vec<String>,
}

impl Evidence {
    /// The evidence of an arm that was run under this load, in these windows.
    pub fn new(
        counts: &ArmCounts,
        plan: &LoadPlan,
        windows: &[Window],
        faults: Vec<FaultEvidence>,
        notes: Vec<String>,
    ) -> Self {
        let mut disagreements = disagreements(counts, plan);
        let (fewest, most) =
            faults.iter().fold((0, 0), |sum, fault| (sum.0 + fault.injected.0, sum.1 + fault.injected.1));
        let injected = counts.backend.injected.total();
        let gap = injected.abs_diff(injected.clamp(fewest, most));
        if gap > 0 {
            disagreements.push(Disagreement { what: "requests ended by faults and struck by them", gap });
        }
        Self { faults, load: LoadEvidence::new(counts, plan, windows), disagreements, notes }
    }

    /// The sum of all differences between counts that must agree; 0 on a lossless run.
    pub fn accounting_gap(&self) -> u64 {
        self.disagreements.iter().map(|disagreement| disagreement.gap).sum()
    }

    /// The least of the fault windows' delivered shares; `None` when there are no windows or one of them met no request.
    pub fn fault_delivered(&self) -> Option<Ratio> {
        self.faults.iter().map(|f| f.delivered).collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// What the evidence lacks, in words; empty when it carries a verdict.
    pub fn shortcomings(&self) -> Vec<String> {
        let mut lacks = self.notes.clone();
        lacks.extend(self.faults.iter().filter_map(FaultEvidence::shortcoming));
        lacks.extend(self.load.shortcoming());
        lacks.extend(self.load.users_shortcoming());
        if !self.disagreements.is_empty() {
            let named = self.disagreements.iter().take(NAMED_MAX).map(|d| format!("{} by {}", d.what, d.gap));
            let named = named.collect::<Vec<_>>().join(", ");
            lacks.push(format!("counts that must agree differ by {} ({named})", self.accounting_gap()));
        }
        lacks.extend(self.load.lateness());
        lacks
    }
}
