//! What a world sees of an experiment's workloads.

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{LAYERS_MAX, ReportRef, RetryExperiment};
use retrylab_core::wire::{BackendResults, ClientResults, LoadgenResults, RunReport, RunState};

use crate::{handover, prediction::Foresight};

/// What a pod does in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The service that breaks.
    Backend,
    /// The service that retries: the first one, where several are in a chain.
    Client,
    /// The n-th retrying service of a chain, 2 to [`LAYERS_MAX`]: it is called by the one before it.
    Inner(u8),
    /// What sends the load.
    Loadgen,
}

impl Role {
    /// The roles of an experiment with so many layers of clients, in the order in which runs are handed over: nothing is
    /// sent before all others know their part.
    pub fn all(layers: u32) -> Vec<Self> {
        let inner = (2..=layers.min(LAYERS_MAX) as u8).rev().map(Self::Inner);
        [Self::Backend].into_iter().chain(inner).chain([Self::Client, Self::Loadgen]).collect()
    }

    /// The role as it stands in names and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Client => "client",
            Self::Inner(2) => "client-2",
            Self::Inner(3) => "client-3",
            Self::Inner(_) => "client-4",
            Self::Loadgen => "loadgen",
        }
    }

    /// Whom the role calls, in an experiment with so many layers of clients; `None`: nobody.
    pub const fn calls(self, layers: u32) -> Option<Self> {
        let layer = match self {
            Self::Backend => return None,
            Self::Loadgen => return Some(Self::Client),
            Self::Client => 1,
            Self::Inner(n) => n,
        };
        Some(if layer as u32 >= layers { Self::Backend } else { Self::Inner(layer + 1) })
    }

    /// Whether another role calls this one, which then has a Service.
    pub const fn is_called(self) -> bool {
        !matches!(self, Self::Loadgen)
    }

    /// The port that the role serves on.
    pub const fn port(self) -> u16 {
        match self {
            Self::Client | Self::Inner(_) => 8000,
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
    /// The pods of each inner client of a chain, from the second one on.
    pub inner: Vec<RoleSeen>,
    /// The load generator's pod.
    pub loadgen: RoleSeen,
    /// Where load for the client goes (`address:port`): its Service. `None`: there is none yet.
    pub target: Option<String>,
    /// Why the workloads can't be deployed, if they can't.
    pub blocked: Option<String>,
    /// What the ready pods say of the run of the arm that the status says is running.
    pub runs: Runs,
    /// What is predicted of that arm.
    pub foresight: Foresight,
    /// Where this world keeps the timelines of finished arms; `None`: nowhere that outlives it.
    pub kept_in: Option<ReportRef>,
}

impl Observed {
    /// Whether every pod that there should be has the run, and nothing of it is under way on any of them.
    pub fn is_over(&self, experiment: &RetryExperiment) -> bool {
        handover::is_over(experiment, self)
    }

    /// The pods of a role.
    pub fn role(&self, role: Role) -> &RoleSeen {
        static NOBODY: RoleSeen = RoleSeen { ready: Vec::new(), unready: 0, problems: Vec::new() };
        match role {
            Role::Backend => &self.backend,
            Role::Client => &self.client,
            Role::Inner(n) => self.inner.get(usize::from(n) - 2).unwrap_or(&NOBODY),
            Role::Loadgen => &self.loadgen,
        }
    }
}

/// The pods of a role that are not on their way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSeen {
    /// The ready ones, by name.
    pub ready: Vec<PodSeen>,
    /// How many others run.
    pub unready: usize,
    /// Why others are not ready, in words.
    pub problems: Vec<String>,
}

/// A ready pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// Where it is reached: `host:port`.
    pub address: String,
}

/// What the ready pods say of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs {
    /// The backends.
    pub backends: Vec<PodRun<BackendResults>>,
    /// The clients.
    pub clients: Vec<PodRun<ClientResults>>,
    /// The pods of each inner client of a chain, from the second one on.
    pub inner: Vec<Vec<PodRun<ClientResults>>>,
    /// The load generator.
    pub loadgens: Vec<PodRun<LoadgenResults>>,
}

impl Runs {
    /// The pods of an inner client, by its place in the chain.
    pub(crate) fn inner(&self, n: u8) -> &[PodRun<ClientResults>] {
        self.inner.get(usize::from(n) - 2).map_or(&[], Vec::as_slice)
    }

    /// The pods of every client of the chain.
    pub(crate) fn all_clients(&self) -> impl Iterator<Item = &PodRun<ClientResults>> {
        self.clients.iter().chain(self.inner.iter().flatten())
    }

    /// Whether every pod has counted the run from its start to its end.
    pub(crate) fn are_whole(&self) -> bool {
        fn of<R>(runs: &[PodRun<R>]) -> bool {
            let mut reports = runs.iter().map(|run| run.seen.report());
            reports.all(|report| report.is_some_and(|r| r.state == RunState::Complete && r.joined_at_ms == 0))
        }
        of(&self.backends) && of(&self.clients) && self.inner.iter().all(|layer| of(layer)) && of(&self.loadgens)
    }

    /// Every pod's answer without its counts, in the order of [`Role::all`].
    pub(crate) fn answers(&self) -> Vec<(Role, &PodSeen, Answer<'_>)> {
        fn of<R>(role: Role, runs: &[PodRun<R>]) -> impl Iterator<Item = (Role, &PodSeen, Answer<'_>)> {
            runs.iter().map(move |run| (role, &run.pod, run.seen.answer()))
        }
        let inner = self.inner.iter().enumerate().map(|(i, runs)| of(Role::Inner(i as u8 + 2), runs));
        of(Role::Backend, &self.backends)
            .chain(inner.rev().flatten())
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
        /// Since when its process has been up at the latest, on the world's clock.
        up_since: Timestamp,
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
