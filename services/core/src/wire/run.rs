//! The run protocol: `PUT`, `GET` and `DELETE /admin/runs/{id}`, the same on client, backend and load generator.
//!
//! A run's whole plan is handed over once, with the time until its start; from then on the service follows its own
//! monotonic clock. The same id with the same plan is the same run and changes nothing; with another plan it is a
//! conflict (409). A pod that has no such run answers 404.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{FieldError, StrategySetting, error::within};
use crate::{
    fault::FaultWindow,
    load::LoadPlan,
    stats::{BackendSeries, ClientSeries, LoadSeries, SparseHistogram, UserTime},
    timeline::MAX_DURATION_MS,
};

/// The body of `PUT /admin/runs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest<P> {
    /// Milliseconds until the run's start. Negative: it began that long ago, and this service takes up what is left.
    pub starts_in_ms: i64,
    /// The whole plan.
    pub plan: P,
}

/// What every service's plan must tell the run protocol.
pub trait RunPlan: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Length of the schedule, the drain after it not included, in milliseconds.
    fn duration_ms(&self) -> u64;

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds.
    fn validate(&self) -> Result<(), FieldError>;
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// Handed over; its start lies ahead.
    Scheduled,
    /// Within its schedule, or draining: something of it is still under way.
    Running,
    /// The schedule has passed and nothing of it is under way.
    Complete,
    /// Ended by `DELETE`.
    Stopped,
}

/// The answer of `GET` and `PUT /admin/runs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport<R> {
    /// The run's id.
    pub id: String,
    /// Where it stands.
    pub state: RunState,
    /// Milliseconds since its start; 0 before it.
    pub elapsed_ms: u64,
    /// How far into the run this service was handed it: 0 for a whole run. Anything else makes its counts partial.
    pub joined_at_ms: u64,
    /// The counts so far; final once the state is `Complete` or `Stopped`.
    pub results: R,
}

/// The client's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientPlan {
    /// Seeds the jitter; each request draws from its own stream.
    pub seed: u64,
    /// Length of the schedule in milliseconds.
    pub duration_ms: u64,
    /// Put in force when the plan is handed over.
    pub strategy: StrategySetting,
    /// How long one attempt may take, in milliseconds: 1 to 600,000.
    pub timeout_ms: u64,
}

/// The backend's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendPlan {
    /// Seeds which requests a fault strikes.
    pub seed: u64,
    /// Length of the schedule in milliseconds.
    pub duration_ms: u64,
    /// In order of time, none overlapping another.
    pub faults: Vec<FaultWindow>,
}

/// The load generator's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadgenPlan {
    /// What to send, and when.
    pub load: LoadPlan,
    /// Where to: `host:port`; every request is `GET /process`.
    pub target: String,
    /// After this a request counts as failed: 1 ms to 48 h, the longest that a request can take under any policy. Longer than any request can take under the policy.
    pub timeout_ms: u64,
}

impl RunPlan for ClientPlan {
    fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    fn validate(&self) -> Result<(), FieldError> {
        within("duration_ms", self.duration_ms, 1, MAX_DURATION_MS)?;
        within("timeout_ms", self.timeout_ms, 1, 600_000)?;
        self.strategy.policy.validate().map_err(|e| e.within("strategy.policy"))
    }
}

impl RunPlan for BackendPlan {
    fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    fn validate(&self) -> Result<(), FieldError> {
        within("duration_ms", self.duration_ms, 1, MAX_DURATION_MS)?;
        crate::fault::validate(&self.faults, self.duration_ms)
    }
}

impl RunPlan for LoadgenPlan {
    fn duration_ms(&self) -> u64 {
        self.load.duration_ms
    }

    fn validate(&self) -> Result<(), FieldError> {
        within("timeout_ms", self.timeout_ms, 1, 172_800_000)?;
        if !self.target.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(FieldError::new("target", &self.target, "host:port"));
        }
        self.load.validate().map_err(|e| e.within("load"))
    }
}

/// What the client counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientResults {
    /// Counts by 100 ms.
    pub series: ClientSeries,
    /// Requests under way now.
    pub in_flight: u64,
    /// Requests served in the run's time that were not the run's: a person's `curl`.
    pub foreign_requests: u64,
    /// How often somebody changed the strategy after the run's plan set it: anything but 0 spoils the run.
    pub strategy_changes: u64,
    /// Attempts that never left, since no connection could be opened; `None`: there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<Unsent>,
}

/// Attempts that no backend can have heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// How many.
    pub attempts: u64,
    /// Why there was no connection for the first of them.
    pub why: String,
}

/// What the backend counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BackendResults {
    /// Counts by 100 ms.
    pub series: BackendSeries,
    /// Requests in the queue or in service now.
    pub in_flight: u64,
    /// What each fault window did, in the plan's order.
    pub faults: Vec<FaultRecord>,
    /// Faults that somebody started or ended by hand in the run's time: anything but 0 spoils the run.
    pub foreign_faults: u64,
}

/// One fault window as it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The window's name.
    pub name: String,
    /// When it took effect: microseconds after the run's start, on the backend's monotonic clock.
    pub started_us: Option<u64>,
    /// When it took effect: microseconds since 1970, on the backend's wall clock.
    pub started_unix_us: Option<u64>,
    /// When it ended: microseconds after the run's start.
    pub ended_us: Option<u64>,
    /// The run's requests that it could have struck: those that arrived while it was in effect, and for a Reset those that
    /// were here when it began.
    pub exposed: u64,
    /// Those of them that it struck: answered, held up, swallowed or cut off by it. For a Freeze and a Capacity fault,
    /// which act on the workers: those at whose arrival the workers did stand still, or were as few as the fault leaves.
    pub affected: u64,
}

/// What the load generator counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadgenResults {
    /// Counts by 100 ms.
    pub series: LoadSeries,
    /// What closed-loop users did with their time.
    #[serde(default)]
    pub users: UserTime,
    /// Requests under way now.
    pub in_flight: u64,
    /// Latency in microseconds from the intended start to the answer, by the second in which the answer came.
    pub latency_us: Vec<SparseHistogram>,
    /// Lateness in microseconds: actual start of sending less intended start.
    pub lateness_us: SparseHistogram,
}

/// The 404 of `GET` and `DELETE /admin/runs/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoSuchRun {
    /// What is wrong, in one sentence.
    pub error: String,
    /// For how long this process has been up, in milliseconds: whether it can have had the run at all.
    pub uptime_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An operator may be newer than the pods of a run that is under way.
    #[test]
    fn the_results_of_an_older_load_generator_are_read() {
        let mut results = serde_json::to_value(LoadgenResults::default()).unwrap();
        results.as_object_mut().unwrap().remove("users").unwrap();
        results["series"].as_object_mut().unwrap().remove("late").unwrap();
        assert_eq!(serde_json::from_value::<LoadgenResults>(results).unwrap(), LoadgenResults::default());
    }
}
