//! A cluster in memory: one object with optimistic concurrency, its pods, and a clock that moves when it is told to.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{ArmPhase, RetryExperiment, RetryExperimentStatus};
use retrylab_core::stats::ArmSeries;

use super::{
    pod::{Pod, Refused, Run},
    traffic::Request,
};
use crate::{Act, Observed, PodRun, Role, RoleSeen, Runs, Workloads, deploy::replicas, tests::given::ROLES};

/// Microseconds after the beginning of the world.
pub type Us = i64;

pub const MS: Us = 1_000;
pub const SECOND: Us = 1_000 * MS;

/// How long it takes a pod to be up, and to be ready.
const BOOT: (Us, Us) = (SECOND, 2 * SECOND);
/// How long it takes a pod to answer the operator.
const ANSWER: Us = 10 * MS;
const BEGINNING: Us = 1_800_000_000 * SECOND;

pub fn moment(us: Us) -> Timestamp {
    Timestamp::from_microsecond(BEGINNING + us).unwrap()
}

pub fn unix_us(us: Us) -> u64 {
    (BEGINNING + us) as u64
}

/// What happens by itself.
#[derive(Clone, Copy)]
pub enum Happening {
    /// The next request of a load generator's run is due: (pod, run).
    Due(usize, usize),
    /// A request's next attempt starts.
    Woken(usize),
    /// A backend has served a request: (request, backend).
    Served(usize, usize),
    /// Somebody interferes.
    Script(Script),
}

/// What people and machines do to an experiment.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// Somebody sets `spec.abort`.
    Abort,
    /// Somebody sets `spec.suspend`.
    Suspend(bool),
    /// A pod is gone, and another one comes.
    Replace(Role),
    /// The operator can't reach the role's pods for so long.
    Cut(Role, Us),
}

/// What is wrong with the pods, who say that all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Faults take effect and strike nobody.
    DudFaults,
    /// The clients take no requests.
    DeadClients,
    /// The clients don't reach the backends.
    LostBackends,
    /// The load generator is a second late.
    LateLoad,
    /// The load generator drops every twentieth request.
    DroppedLoad,
    /// The load generator sends nothing, and knows of nothing to send.
    NoLoad,
}

pub struct World {
    pub now: Us,
    pub experiment: RetryExperiment,
    pub version: u64,
    /// Every status that was written, and when.
    pub writes: Vec<(Us, RetryExperimentStatus)>,
    /// How many changes there were that an operator watches.
    pub changes: u64,
    pub pods: Vec<Pod>,
    pub requests: Vec<Request>,
    /// The timelines that were kept, by arm.
    pub kept: BTreeMap<String, ArmSeries>,
    /// What was sent: the run's id and the request's number.
    pub sent: Vec<(String, u64)>,
    /// No pod ever becomes ready.
    pub is_barren: bool,
    pub sabotage: Option<Sabotage>,
    /// The look on which the verdict is founded.
    pub judged: Option<(RetryExperiment, Observed)>,
    agenda: BTreeMap<(Us, u64), Happening>,
    happenings: u64,
}

impl World {
    pub fn new(experiment: RetryExperiment) -> Self {
        Self {
            now: 0,
            experiment,
            version: 0,
            writes: vec![],
            changes: 0,
            pods: vec![],
            requests: vec![],
            kept: BTreeMap::new(),
            sent: vec![],
            is_barren: false,
            sabotage: None,
            judged: None,
            agenda: BTreeMap::new(),
            happenings: 0,
        }
    }

    pub fn at(&mut self, when: Us, happening: Happening) {
        self.happenings += 1;
        self.agenda.insert((when, self.happenings), happening);
    }

    /// Lets time pass until `until`, or until something happens that an operator watches.
    pub fn wait(&mut self, until: Us) {
        let changes = self.changes;
        while let Some((&(when, n), &happening)) = self.agenda.first_key_value().filter(|((when, _), _)| *when <= until)
        {
            self.agenda.remove(&(when, n));
            self.now = self.now.max(when);
            match happening {
                Happening::Due(pod, run) => self.due(pod, run),
                Happening::Woken(request) => self.wake(request),
                Happening::Served(request, backend) => self.served(request, backend),
                Happening::Script(script) => self.play(script),
            }
            if self.changes != changes {
                return;
            }
        }
        self.now = until;
    }

    /// Lets time pass, whatever happens.
    pub fn pass_time(&mut self, length: Us) {
        let until = self.now + length;
        while self.now < until {
            self.wait(until);
        }
    }

    pub fn play(&mut self, script: Script) {
        match script {
            Script::Abort => self.edit(|experiment| experiment.spec.abort = true),
            Script::Suspend(suspend) => self.edit(|experiment| experiment.spec.suspend = suspend),
            Script::Replace(role) => {
                if let Some(pod) = self.pods.iter_mut().find(|pod| pod.role == role && !pod.is_gone) {
                    pod.is_gone = true;
                    self.boot(role);
                }
            }
            Script::Cut(role, length) => {
                let until = self.now + length;
                self.pods.iter_mut().filter(|pod| pod.role == role).for_each(|pod| pod.cut_until = until);
            }
        }
    }

    fn edit(&mut self, edit: impl FnOnce(&mut RetryExperiment)) {
        edit(&mut self.experiment);
        self.experiment.metadata.generation = self.experiment.metadata.generation.map(|g| g + 1);
        self.version += 1;
        self.changes += 1;
    }

    fn boot(&mut self, role: Role) {
        let n = self.pods.iter().filter(|pod| pod.role == role).count();
        let ready_from = if self.is_barren { Us::MAX } else { self.now + BOOT.1 };
        self.pods.push(Pod {
            role,
            name: format!("{}-{n}", role.as_str()),
            up_since: self.now + BOOT.0,
            ready_from,
            cut_until: 0,
            is_gone: false,
            runs: vec![],
        });
        self.changes += 1;
    }

    /// When the next pod becomes ready.
    pub fn next_ready(&self) -> Us {
        let starting = self.pods.iter().filter(|pod| !pod.is_gone && pod.ready_from > self.now);
        starting.map(|pod| pod.ready_from).min().unwrap_or(Us::MAX)
    }

    /// Writes the status, if nobody wrote since `version` was read.
    pub fn write(&mut self, version: u64, status: &RetryExperimentStatus) -> bool {
        if version != self.version {
            return false;
        }
        let kept = serde_json::to_value(status).unwrap();
        self.experiment.status = Some(serde_json::from_value(kept).unwrap());
        self.version += 1;
        self.changes += 1;
        self.writes.push((self.now, status.clone()));
        true
    }

    pub fn ensure(&mut self, workloads: Workloads) {
        let is_there = self.pods.iter().any(|pod| !pod.is_gone);
        match workloads {
            Workloads::Deployed if !is_there => {
                let spec = self.experiment.spec.clone();
                for role in ROLES {
                    (0..replicas(&spec, role)).for_each(|_| self.boot(role));
                }
            }
            Workloads::Removed => self.pods.iter_mut().for_each(|pod| pod.is_gone = true),
            Workloads::Deployed | Workloads::AsTheyAre => {}
        }
    }

    /// Looks at the pods, and asks them for the run that the status says is running. The load generator is asked first:
    /// what the others say after it was done is final.
    pub fn observe(&mut self, experiment: &RetryExperiment) -> Observed {
        let mut observed = Observed {
            backend: self.role_seen(Role::Backend),
            client: self.role_seen(Role::Client),
            loadgen: self.role_seen(Role::Loadgen),
            target: Some("10.96.0.1:8000".into()),
            ..Observed::default()
        };
        let arm = experiment.status.iter().filter_map(|s| s.arms.last()).find(|arm| arm.phase == ArmPhase::Running);
        if let Some(id) = arm.map(|arm| &arm.run.id) {
            let loadgens = self.ask(Role::Loadgen, id, |pod, now| pod.report(id, now, Run::loadgen_results));
            let clients = self.ask(Role::Client, id, |pod, now| pod.report(id, now, |run, _| run.client_results()));
            let backends =
                self.ask(Role::Backend, id, |pod, now| pod.report(id, now, |run, _| run.backend_results(now)));
            observed.runs = Runs { backends, clients, inner: vec![], loadgens };
        }
        observed
    }

    fn role_seen(&self, role: Role) -> RoleSeen {
        let pods = self.pods.iter().filter(|pod| pod.role == role);
        RoleSeen { ready: pods.filter(|pod| pod.is_ready(self.now)).map(Pod::seen).collect(), ..RoleSeen::default() }
    }

    fn ask<R>(&mut self, role: Role, id: &str, ask: impl Fn(&Pod, Us) -> crate::RunSeen<R>) -> Vec<PodRun<R>> {
        self.pass_time(ANSWER);
        let pods = self.pods.iter().filter(|pod| pod.role == role && pod.is_ready(self.now));
        pods.map(|pod| PodRun { pod: pod.seen(), began: pod.began(id, self.now), seen: ask(pod, self.now) }).collect()
    }

    /// Performs one act.
    pub fn perform(&mut self, act: &Act) -> Result<(), Refused> {
        let now = self.now;
        match act {
            Act::HandOver { pod, run, plan, expires, .. } => {
                if expires.is_some_and(|expiry| moment(now) > expiry) {
                    return Err(Refused);
                }
                let starts_in_ms = run.starts_at.0.duration_since(moment(now)).as_millis() as i64;
                let index = self.index(&pod.name).ok_or(Refused)?;
                if self.pods[index].hand_over(&run.id, starts_in_ms, plan, now)?
                    && self.pods[index].role == Role::Loadgen
                {
                    self.schedule_next(index, self.pods[index].runs.len() - 1);
                }
            }
            Act::Stop { pod, run_id, .. } => {
                let index = self.index(&pod.name).ok_or(Refused)?;
                self.pods[index].stop(run_id, now);
            }
        }
        Ok(())
    }

    /// The pod of that name, if the operator can speak to it.
    fn index(&self, name: &str) -> Option<usize> {
        self.pods.iter().position(|pod| pod.name == name && pod.can_be_asked(self.now))
    }
}
