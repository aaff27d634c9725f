//! A pod that keeps the run protocol: the same hand-over again is the same run, one run at a time, runs kept for life.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::ArmPlan;
use retrylab_core::{
    load::Arrivals,
    stats::{BackendSeries, ClientSeries, LoadSeries, SparseHistogram, UserTime},
    wire::{BackendResults, ClientResults, FaultRecord, LoadgenResults, RunReport, RunState},
};
use serde_json::json;

use super::world::{MS, Us, moment, unix_us};
use crate::{PodSeen, Role, RunSeen};

/// How long after its time a window takes effect and ends, and a request leaves.
const TIMER_US: u64 = 300;

pub struct Pod {
    pub role: Role,
    pub name: String,
    pub up_since: Us,
    pub ready_from: Us,
    /// The operator can't speak to it before.
    pub cut_until: Us,
    pub is_gone: bool,
    pub runs: Vec<Run>,
}

/// A run as one pod has it; the pod's role decides which of the counts are used.
pub struct Run {
    pub id: String,
    pub plan: ArmPlan,
    pub starts: Us,
    pub joined_us: u64,
    pub stopped: Option<Us>,
    pub in_flight: u64,
    pub arrivals: std::iter::Peekable<std::iter::Enumerate<Arrivals>>,
    pub client: ClientSeries,
    pub backend: BackendSeries,
    pub load: LoadSeries,
    /// How late requests leave.
    pub late_us: u64,
    /// When each answer came, and how long it took.
    pub latencies: Vec<(u64, u64)>,
    /// For each window, the requests that met it.
    pub struck: Vec<u64>,
}

/// The pod answered 409, or not at all.
#[derive(Debug)]
pub struct Refused;

impl Pod {
    pub fn is_ready(&self, now: Us) -> bool {
        !self.is_gone && self.ready_from <= now
    }

    pub fn can_be_asked(&self, now: Us) -> bool {
        !self.is_gone && self.cut_until <= now
    }

    pub fn seen(&self) -> PodSeen {
        PodSeen { name: self.name.clone(), address: self.name.clone() }
    }

    pub fn run_mut(&mut self, id: &str) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id && run.stopped.is_none())
    }

    pub fn has_under_way(&self, now: Us) -> bool {
        !self.is_gone && self.runs.iter().any(|run| run.is_under_way(now))
    }

    /// `PUT /admin/runs/{id}`. True: the run is new.
    pub fn hand_over(&mut self, id: &str, starts_in_ms: i64, plan: &ArmPlan, now: Us) -> Result<bool, Refused> {
        if let Some(run) = self.runs.iter().find(|run| run.id == id) {
            let same = match self.role {
                Role::Backend => run.plan.backend == plan.backend,
                Role::Client | Role::Inner(_) => run.plan.client == plan.client,
                Role::Loadgen => run.plan.loadgen == plan.loadgen,
            };
            return if same { Ok(false) } else { Err(Refused) };
        }
        if self.has_under_way(now) {
            return Err(Refused);
        }
        let starts = now + starts_in_ms * 1_000;
        let joined_us = (now - starts).max(0) as u64;
        let mut arrivals = plan.loadgen.load.arrivals().enumerate().peekable();
        while arrivals.next_if(|(_, due)| (due.as_micros() as u64) < joined_us).is_some() {}
        self.runs.push(Run {
            id: id.to_owned(),
            plan: plan.clone(),
            starts,
            joined_us,
            stopped: None,
            in_flight: 0,
            arrivals,
            client: ClientSeries::default(),
            backend: BackendSeries::default(),
            load: LoadSeries::default(),
            late_us: TIMER_US,
            latencies: vec![],
            struck: vec![0; plan.backend.faults.len()],
        });
        Ok(true)
    }

    /// `DELETE /admin/runs/{id}`.
    pub fn stop(&mut self, id: &str, now: Us) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == id && run.is_under_way(now)) {
            run.stopped = Some(now);
        }
    }

    /// When the run began, as nearly as one can tell from outside.
    pub fn began(&self, id: &str, now: Us) -> Option<(Timestamp, Timestamp)> {
        let run = self.runs.iter().find(|run| run.id == id && run.starts <= now && self.can_be_asked(now))?;
        Some((moment(run.starts - MS), moment(run.starts + MS)))
    }

    /// `GET /admin/runs/{id}`.
    pub fn report<R>(&self, id: &str, now: Us, results: impl Fn(&Run, RunState) -> R) -> RunSeen<R> {
        if !self.can_be_asked(now) {
            return RunSeen::Unreachable("connection refused".into());
        }
        let Some(run) = self.runs.iter().find(|run| run.id == id) else {
            let uptime_ms = (now - self.up_since) / MS;
            return RunSeen::Absent { up_since: moment(now - uptime_ms * MS) };
        };
        let state = run.state(now);
        RunSeen::Here(Box::new(RunReport {
            id: id.to_owned(),
            state,
            elapsed_ms: run.offset(now) / 1_000,
            joined_at_ms: run.joined_us / 1_000,
            results: results(run, state),
        }))
    }
}

impl Run {
    /// Microseconds since the start; 0 before it.
    pub fn offset(&self, now: Us) -> u64 {
        (now - self.starts).max(0) as u64
    }

    fn duration_us(&self) -> u64 {
        self.plan.client.duration_ms * 1_000
    }

    pub fn state(&self, now: Us) -> RunState {
        if self.stopped.is_some() {
            RunState::Stopped
        } else if now < self.starts {
            RunState::Scheduled
        } else if self.offset(now) >= self.duration_us() && self.in_flight == 0 {
            RunState::Complete
        } else {
            RunState::Running
        }
    }

    pub fn is_under_way(&self, now: Us) -> bool {
        matches!(self.state(now), RunState::Scheduled | RunState::Running)
    }

    /// The window that is in effect.
    pub fn open_window(&self, now: Us) -> Option<usize> {
        let (offset, begun) = (self.offset(now), now >= self.starts && self.stopped.is_none());
        let windows = &self.plan.backend.faults;
        windows.iter().position(|w| begun && (w.at_ms * 1_000..w.end_ms() * 1_000).contains(&offset))
    }

    pub fn backend_results(&self, now: Us) -> BackendResults {
        let until = self.offset(self.stopped.unwrap_or(now));
        let record = |(window, &struck): (&retrylab_core::fault::FaultWindow, &u64)| {
            let starts_us = (window.at_ms * 1_000).max(self.joined_us) + TIMER_US;
            let ends_us = window.end_ms() * 1_000;
            let (started, reached) = (starts_us < until && starts_us < ends_us, until.min(ends_us));
            FaultRecord {
                name: window.name.clone(),
                started_us: started.then_some(starts_us),
                started_unix_us: started.then(|| unix_us(self.starts) + starts_us),
                ended_us: (started && (reached == ends_us || self.stopped.is_some())).then_some(reached + TIMER_US),
                exposed: struck,
                affected: struck,
            }
        };
        BackendResults {
            series: self.backend.clone(),
            in_flight: self.in_flight,
            faults: self.plan.backend.faults.iter().zip(&self.struck).map(record).collect(),
            foreign_faults: 0,
        }
    }

    pub fn client_results(&self) -> ClientResults {
        let (series, in_flight) = (self.client.clone(), self.in_flight);
        ClientResults { series, in_flight, foreign_requests: 0, strategy_changes: 0, unsent: None }
    }

    /// The histograms are made when the run is over: nobody looks at them before.
    pub fn loadgen_results(&self, state: RunState) -> LoadgenResults {
        let (mut series, in_flight) = (self.load.clone(), self.in_flight);
        if self.late_us > 100_000 {
            series.late = series.sent.clone();
        }
        if matches!(state, RunState::Scheduled | RunState::Running) {
            return LoadgenResults { series, in_flight, ..LoadgenResults::default() };
        }
        let seconds = self.latencies.iter().map(|(answered_us, _)| answered_us / 1_000_000 + 1).max().unwrap_or(0);
        let of = |second| self.latencies.iter().filter(move |(at, _)| at / 1_000_000 == second).map(|(_, took)| *took);
        LoadgenResults {
            series,
            in_flight,
            users: UserTime::default(), // an open loop has none
            latency_us: (0..seconds).map(|second| histogram(of(second))).collect(),
            lateness_us: histogram((0..self.load.sent.total()).map(|_| self.late_us)),
        }
    }
}

/// A histogram as it is on the wire: made in no time, where a recorder takes as long for three values as for a million.
fn histogram(values: impl Iterator<Item = u64>) -> SparseHistogram {
    let mut counts = BTreeMap::<u64, u64>::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    serde_json::from_value(json!(counts.into_iter().collect::<Vec<_>>())).expect("pairs of value and count")
}
