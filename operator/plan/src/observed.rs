//! What a world sees of an experiment's workloads.

use k8s_openapi::jiff::Timestamp;
use retrylab_core::wire::{BackendResults, ClientResults, LoadgenResults, RunReport, RunState};

/// What a pod does in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The service that breaks.
    Backend,
    /// The service that retries.
    Client,
    /// What sends the load.
    Loadgen,
}

impl Role {
    /// Every role, in the order in which runs are handed over: nothing is sent before all others know their part.
    pub const ALL: [Self; 3] = [Self::Backend, Self::Client, Self::Loadgen];

    /// The role as it stands in names and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Client => "client",
            Self::Loadgen => "loadgen",
        }
    }

    /// The port that the role serves on.
    pub const fn port(self) -> u16 {
        match self {
            Self::Client => 8000,
            Self::Backend => 8001,
            Self::Loadgen => 8002,
        }
    }
}

/// Everything that was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The backend's pods.
    pub backend: RoleSeen,
    /// The client's pods.
    pub client: RoleSeen,
    /// The load generator's pod.
    pub loadgen: RoleSeen,
    /// Why the workloads can't be deployed, if they can't.
    pub blocked: Option<String>,
    /// What the ready pods say of the run of the arm that the status says is running.
    pub runs: Runs,
}

impl Observed {
    /// The pods of a role.
    pub const fn role(&self, role: Role) -> &RoleSeen {
        match role {
            Role::Backend => &self.backend,
            Role::Client => &self.client,
            Role::Loadgen => &self.loadgen,
        }
    }
}

/// The pods of a role that are not on their way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSeen {
    /// The ready ones, by name.
    pub ready: Vec<PodSeen>,
    /// Why others are not ready, in words.
    pub problems: Vec<String>,
}

/// A ready pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// Its IP address.
    pub address: String,
}

/// What the ready pods say of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs {
    /// The backends.
    pub backends: Vec<PodRun<BackendResults>>,
    /// The clients.
    pub clients: Vec<PodRun<ClientResults>>,
    /// The load generator.
    pub loadgens: Vec<PodRun<LoadgenResults>>,
}

impl Runs {
    /// Every pod's answer without its counts, in the order of [`Role::ALL`].
    pub(crate) fn answers(&self) -> Vec<(Role, &PodSeen, Answer<'_>)> {
        fn of<R>(role: Role, runs: &[PodRun<R>]) -> impl Iterator<Item = (Role, &PodSeen, Answer<'_>)> {
            runs.iter().map(move |run| (role, &run.pod, run.seen.answer()))
        }
        of(Role::Backend, &self.backends)
            .chain(of(Role::Client, &self.clients))
            .chain(of(Role::Loadgen, &self.loadgens))
            .collect()
    }
}

/// A pod's answer about a run, without its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer<'r> {
    /// It has no such run.
    Absent,
    /// It could not be asked.
    Unreachable,
    /// The run of this id is under way there, or to come.
    UnderWay(&'r str),
    /// Nothing of the run is under way any more.
    Over,
}

/// What one pod says of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct PodRun<R> {
    /// The pod.
    pub pod: PodSeen,
    /// When the run began there on the world's clock, by the pod's answer: not before the first moment and not after the
    /// second. `None`: not known.
    pub began: Option<(Timestamp, Timestamp)>,
    /// Its answer.
    pub seen: RunSeen<R>,
}

/// A pod's answer about a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunSeen<R> {
    /// It has no such run.
    Absent {
        /// For how long its process has been up, in milliseconds.
        uptime_ms: u64,
    },
    /// It could not be asked.
    Unreachable(String),
    /// It has the run.
    Here(Box<RunReport<R>>),
}

impl<R> RunSeen<R> {
    fn answer(&self) -> Answer<'_> {
        match self {
            Self::Absent { .. } => Answer::Absent,
            Self::Unreachable(_) => Answer::Unreachable,
            Self::Here(report) => match report.state {
                RunState::Scheduled | RunState::Running => Answer::UnderWay(&report.id),
                RunState::Complete | RunState::Stopped => Answer::Over,
            },
        }
    }

    /// The report, if the pod has the run.
    pub fn report(&self) -> Option<&RunReport<R>> {
        match self {
            Self::Here(report) => Some(report),
            Self::Absent { .. } | Self::Unreachable(_) => None,
        }
    }
}
