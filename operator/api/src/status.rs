//! `status`: what the operator found out. Ratios are decimals with three places, as strings; times are UTC.

mod exact;
mod prediction;
mod recovery;
mod window;

pub use exact::{ExactFigures, Fraction};
pub use prediction::{PredictedBand, PredictedFigures, PredictedRecovery};
pub use recovery::{RecoveryStatus, RecoveryVerdict};
pub use window::{FatesStatus, LatencyStatus, WindowStatus};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time},
    jiff::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most bytes of `message` and of a condition's message; an event, which repeats one, has room for 1 KiB.
pub const MESSAGE_MAX_BYTES: usize = 1_000;
/// Most shortcomings of an arm's evidence, the last of which may be "and 12 more".
pub const SHORTCOMINGS_MAX: usize = 6;
/// Most bytes of a shortcoming.
pub const SHORTCOMING_MAX_BYTES: usize = 240;
/// Most figures of an arm that are named as outside the prediction, the last of which may be "and 12 more".
pub const OUTSIDE_MAX: usize = 4;

/// What became of the experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryExperimentStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the experiment stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why the verdict is what it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `Accepted`, `WorkloadsReady`, `FaultActive`, `Paused`, `Complete` and `Succeeded`; for Flux and whoever else goes by kstatus,
    /// `Reconciling` until it is over, and `Stalled` when it is over and has not passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Since when the workloads are being deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploying_since: Option<Time>,
    /// When the first arm was handed over. From then on the spec can't be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the experiment was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The figures of the arm that runs, or of the last one: what `kubectl get` shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The arms that were begun, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmStatus>,
    /// The criteria, each with what was observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionStatus>,
    /// Where the timelines of the finished arms are kept: one key for each, `ARM.json`, with counts by 100 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_ref: Option<ReportRef>,
}

/// An object in the experiment's namespace that holds what is too long for the status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportRef {
    /// Its kind: `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Where the experiment stands, for people; scripts read the conditions. Deploying: the workloads are being deployed. Running: an arm
/// runs, or is about to. Paused: `spec.suspend` holds the next arm back. Complete: it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// The workloads are being deployed.
    Deploying,
    /// An arm runs, or is about to.
    Running,
    /// `spec.suspend` holds the next arm back.
    Paused,
    /// It is over.
    Complete,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] = [Self::Deploying, Self::Running, Self::Paused, Self::Complete];

    /// The phase as it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploying => "Deploying",
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Complete => "Complete",
        }
    }
}

/// What was found, once the experiment is over. Passed: the evidence is complete and every criterion holds. Failed: the evidence is
/// complete and a criterion does not hold. Inconclusive: the evidence carries no verdict. Aborted: `spec.abort` ended it. Error:
/// it could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// The evidence is complete and every criterion holds.
    Passed,
    /// The evidence is complete and a criterion does not hold.
    Failed,
    /// The evidence does not carry a verdict.
    Inconclusive,
    /// `spec.abort` ended it.
    Aborted,
    /// It could not be carried out.
    Error,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 5] = [Self::Passed, Self::Failed, Self::Inconclusive, Self::Aborted, Self::Error];

    /// The verdict as it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Inconclusive => "Inconclusive",
            Self::Aborted => "Aborted",
            Self::Error => "Error",
        }
    }
}

/// The figures that `kubectl get` shows, of one arm over its whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The arm.
    pub arm: String,
    /// Attempts ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<String>,
    /// The highest attempts ÷ arrivals of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_amplification: Option<String>,
    /// Requests that succeeded ÷ requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<String>,
    /// From the last fault's end to stable service, or "> X" when it was not stable in the observed time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_recovery: Option<String>,
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArmStatus {
    /// The arm's name.
    pub name: String,
    /// Where it stands. Running: its start is settled. Complete: its figures are in. Stopped: it was ended before its time.
    pub phase: ArmPhase,
    /// The run as it was handed over to the pods; absent where nothing was, in a simulation.
    #[serde(default = "RunRecord::none", skip_serializing_if = "RunRecord::is_none")]
    pub run: RunRecord,
    /// When the arm was over, the drain included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The figures of each window: baseline, every fault, recovery, every shed and what comes after it, total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowStatus>,
    /// How service came back after the last fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryStatus>,
    /// How service was to come back, by a simulation of the arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_recovery: Option<PredictedRecovery>,
    /// What was measured outside the band that simulations of the arm predict, in words: then the network or the node was
    /// measured, and not the policy alone. It does not change the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside_prediction: Vec<String>,
    /// Why there is no prediction, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_prediction: Option<String>,
    /// The most attempts for each request, over the whole run, that the policy allows, whatever fails when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_case: Option<String>,
    /// Milliseconds from the intended start of a request to its answer, queueing and waits included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
    /// Whether the figures may carry a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceStatus>,
}

impl ArmStatus {
    /// An arm that has begun, and of which nothing is known yet.
    pub const fn begun(name: String, run: RunRecord) -> Self {
        Self {
            name,
            phase: ArmPhase::Running,
            run,
            finished_at: None,
            windows: vec![],
            recovery: None,
            predicted_recovery: None,
            outside_prediction: vec![],
            no_prediction: None,
            worst_case: None,
            latency: None,
            evidence: None,
        }
    }
}

/// Where an arm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ArmPhase {
    /// Its start is settled, and the pods have its plan or are about to get it.
    Running,
    /// Its figures are in.
    Complete,
    /// It was ended before its time.
    Stopped,
}

/// A run as it was handed over: written before any pod is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The run's id, the same on every pod.
    pub id: String,
    /// How many times a start was settled; more than 1 when an earlier start passed before any load was sent.
    pub handover: u32,
    /// When it was settled.
    pub settled_at: MicroTime,
    /// When the schedule begins.
    pub starts_at: MicroTime,
    /// Where the load goes: the client's Service by its address, so that no name is resolved while load is sent.
    pub target: String,
}

impl RunRecord {
    /// That no run was handed over to anybody: in a simulation there is no time of day, and nobody to be told.
    pub const fn none() -> Self {
        let (settled_at, starts_at) = (MicroTime(Timestamp::UNIX_EPOCH), MicroTime(Timestamp::UNIX_EPOCH));
        Self { id: String::new(), handover: 0, settled_at, starts_at, target: String::new() }
    }

    /// Whether no run was handed over to anybody.
    pub const fn is_none(&self) -> bool {
        self.handover == 0
    }
}

/// Whether the figures may carry a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceStatus {
    /// Requests that the faults struck ÷ requests that they should have struck; the least of all windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_delivered: Option<String>,
    /// Requests sent ÷ requests planned, in the whole run; or, where that is less, the time that closed-loop users' requests and
    /// pauses account for ÷ the time that the users were to be there. A window with less than 0.99 of its own is a shortcoming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_achieved: Option<String>,
    /// The sum of all differences between the counts of client, backend and load generator; 0 on a lossless run.
    pub accounting_gap: u64,
    /// How late the load generator was, p99, in milliseconds. A window with a p99 above 100 ms of its own is a shortcoming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_p99: Option<String>,
    /// `latenessP99` in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_p99_us: Option<u64>,
    /// What the evidence lacks, in words; empty when it carries a verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortcomings: Vec<String>,
}

/// One criterion in one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CriterionStatus {
    /// The criterion's name.
    pub name: String,
    /// The arm.
    pub arm: String,
    /// What was observed, in the metric's unit, with as many decimals as tell it from its bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// What it was held against, such as `<= 3.2`, or `<= 1.5 (0.5 x naive)`; a bound that needs another arm's figure is
    /// `?` where there is none.
    pub bound: String,
    /// Whether it holds; not known when nothing was observed, or 0 is compared with another arm's 0, which says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
}
