//! From what the pods counted to the arm's counts and evidence, and when its windows were.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use retrylab_api::{ArmPlan, RetryExperimentSpec, RunRecord, Span, Summary, setup};
use retrylab_core::{
    evidence::{Evidence, FaultEvidence},
    fault::FaultWindow,
    load::LoadShape,
    stats::{ArmCounts, ClientSeries, Counts, SparseHistogram},
    timeline::{TOTAL, windows},
    wire::{ClientResults, FaultRecord, LoadgenResults, RunState, Unsent},
};

use crate::{
    deploy,
    figures::ArmFigures,
    observed::{Observed, PodRun, Role, RunSeen, Runs},
    status::Draft,
};

/// How far a pod's start may be from the settled one; as far as a window's edge may be from the plan.
const START_TOLERANCE: SignedDuration = SignedDuration::from_millis(50);

/// The figures of an arm whose run is over, or out of time.
pub fn of_arm(
    spec: &RetryExperimentSpec,
    plan: &ArmPlan,
    observed: &Observed,
    counts: &ArmCounts,
    run: &RunRecord,
    mut notes: Vec<String>,
) -> ArmFigures {
    notes.extend(self::notes(spec, observed, run));
    notes.extend(load_note(plan, counts));
    let evident = |window: &FaultWindow| FaultEvidence::new(window, records(observed, &window.name), &counts.backend);
    let windows = windows(&plan.backend.faults, &plan.loadgen.load.shed, plan.client.duration_ms);
    let faults = plan.backend.faults.iter().map(evident).collect();
    let evidence = Evidence::new(counts, &plan.loadgen.load, &windows, faults, notes);
    let mut figures = ArmFigures::new(&setup(spec, plan), counts, &evidence, observed.foresight.prediction());
    for (status, window) in figures.windows.iter_mut().zip(windows) {
        let planned = run.starts_at.0 + SignedDuration::from_millis(window.from_ms as i64);
        let started = records(observed, &window.name).filter_map(|record| record.started_unix_us).max();
        status.planned_at = Some(MicroTime(planned));
        status.actual_at = started.and_then(|us| Timestamp::from_microsecond(us as i64).ok()).map(MicroTime);
    }
    figures
}

fn loads(observed: &Observed) -> impl Iterator<Item = &LoadgenResults> {
    observed.runs.loadgens.iter().filter_map(|r| r.seen.report()).map(|report| &report.results)
}

fn records<'o>(observed: &'o Observed, name: &'o str) -> impl Iterator<Item = &'o FaultRecord> + Clone {
    let reports = observed.runs.backends.iter().filter_map(|r| r.seen.report());
    reports.flat_map(|report| &report.results.faults).filter(move |record| record.name == name)
}

/// The counts of all pods together.
pub fn counts(observed: &Observed) -> ArmCounts {
    let mut counts = ArmCounts::default();
    for load in loads(observed) {
        counts.load.merge(&load.series);
        counts.users.merge(&load.users);
        counts.lateness_us.merge(&load.lateness_us);
        merge_by_second(&mut counts.latency_us, &load.latency_us);
    }
    counts.client = client_counts(&observed.runs.clients);
    counts.inner = observed.runs.inner.iter().map(|layer| client_counts(layer)).collect();
    let backends = observed.runs.backends.iter().filter_map(|r| r.seen.report());
    backends.for_each(|report| counts.backend.merge(&report.results.series));
    counts
}

/// Attempts for which there was no connection: nobody will ever receive them.
pub fn unsent(observed: &Observed) -> u64 {
    let reports = observed.runs.all_clients().filter_map(|run| run.seen.report());
    reports.filter_map(|report| report.results.unsent.as_ref()).map(|unsent| unsent.attempts).sum()
}

fn client_counts(pods: &[PodRun<ClientResults>]) -> ClientSeries {
    let mut counts = ClientSeries::default();
    pods.iter().filter_map(|run| run.seen.report()).for_each(|report| counts.merge(&report.results.series));
    counts
}

fn merge_by_second(all: &mut Vec<SparseHistogram>, more: &[SparseHistogram]) {
    all.resize_with(all.len().max(more.len()), SparseHistogram::default);
    all.iter_mut().zip(more).for_each(|(mine, theirs)| mine.merge(theirs));
}

/// What makes the counts partial or foreign, in words.
fn notes(spec: &RetryExperimentSpec, observed: &Observed, run: &RunRecord) -> Vec<String> {
    let mut notes = Vec::new();
    pods(Role::Backend, &observed.runs.backends, deploy::replicas(spec, Role::Backend), run, &mut notes);
    pods(Role::Client, &observed.runs.clients, deploy::replicas(spec, Role::Client), run, &mut notes);
    for n in 2..=spec.client.layers as u8 {
        pods(Role::Inner(n), observed.runs.inner(n), deploy::replicas(spec, Role::Inner(n)), run, &mut notes);
    }
    pods(Role::Loadgen, &observed.runs.loadgens, deploy::replicas(spec, Role::Loadgen), run, &mut notes);
    under_way(observed, &mut notes);
    for run in observed.runs.all_clients() {
        if run.seen.report().is_some_and(|report| report.results.strategy_changes > 0) {
            notes.push(format!("the strategy of {} was changed by hand", run.pod.name));
        }
        if let Some(Unsent { attempts, why }) = run.seen.report().and_then(|report| report.results.unsent.as_ref()) {
            notes.push(format!("{attempts} attempts of {} got no connection: {why}", run.pod.name));
        }
    }
    for run in &observed.runs.backends {
        if run.seen.report().is_some_and(|report| report.results.foreign_faults > 0) {
            notes.push(format!("a fault of {} was started or ended by hand", run.pod.name));
        }
    }
    let clients = || observed.runs.all_clients().filter_map(|r| r.seen.report()).map(|report| &report.results);
    let foreign: u64 = clients().map(|results| results.foreign_requests).sum();
    let own: u64 = clients().map(|results| results.series.requests.total()).sum();
    if foreign * 100 > own {
        notes.push(format!("{foreign} requests that were not the run's went through the clients"));
    }
    notes
}

/// A run that is complete has nothing under way.
fn under_way(observed: &Observed, notes: &mut Vec<String>) {
    fn of<R>(runs: &[PodRun<R>], in_flight: impl Fn(&R) -> u64, notes: &mut Vec<String>) {
        for PodRun { pod, seen, .. } in runs {
            let report = seen.report().filter(|report| report.state == RunState::Complete);
            if let Some(n) = report.map(|report| in_flight(&report.results)).filter(|&n| n > 0) {
                notes.push(format!("{} has {n} requests under way after its end", pod.name));
            }
        }
    }
    let Runs { backends, clients, inner, loadgens } = &observed.runs;
    of(backends, |results| results.in_flight, notes);
    of(clients, |results| results.in_flight, notes);
    for layer in inner {
        of(layer, |results| results.in_flight, notes);
    }
    of(loadgens, |results| results.in_flight, notes);
}

/// Compares the requests that the load generator planned with those that the plan means, bucket by bucket: with closed-loop
/// users only those of the bursts are known beforehand.
fn load_note(plan: &ArmPlan, counts: &ArmCounts) -> Option<String> {
    let (load, planned) = (&plan.loadgen.load, &counts.load.planned);
    let mut meant = Counts::default();
    load.arrivals().for_each(|at| meant.add(at.as_micros() as u64));
    let (all, came_to) = (meant.total(), planned.total());
    let agree =
        if matches!(load.shape, LoadShape::Open { .. }) { planned.distance(&meant) == 0 } else { came_to >= all };
    let other = if came_to == all { ", and not when they were due" } else { "" };
    (!agree).then(|| format!("the load generator came to {came_to} of {all} requests{other}"))
}

fn pods<R>(role: Role, runs: &[PodRun<R>], wanted: usize, run: &RunRecord, notes: &mut Vec<String>) {
    if runs.len() != wanted {
        notes.push(format!("{} of {wanted} {} pods could be asked", runs.len(), role.as_str()));
    }
    let (earliest, latest) = (run.starts_at.0 - START_TOLERANCE, run.starts_at.0 + START_TOLERANCE);
    for PodRun { pod, began, seen } in runs {
        if began.is_some_and(|(not_before, not_after)| not_before > latest || not_after < earliest) {
            notes.push(format!("{} did not begin the run when it was to begin", pod.name));
        }
        match seen {
            RunSeen::Absent { .. } => notes.push(format!("{} lost the run", pod.name)),
            RunSeen::Unreachable(why) => notes.push(format!("{} could not be asked: {why}", pod.name)),
            RunSeen::Here(report) => {
                if report.joined_at_ms > 0 {
                    let at = Span::from_millis(report.joined_at_ms);
                    notes.push(format!("{} took up the run at {at}; what came before is lost", pod.name));
                }
                if report.id != run.id {
                    notes.push(format!("{} answered for the run {}", pod.name, report.id));
                }
                if report.state == RunState::Stopped {
                    notes.push(format!("the run of {} was stopped before its end", pod.name));
                }
            }
        }
    }
}

/// Puts the figures of the last arm where `kubectl get` shows them.
pub fn summarise(draft: &mut Draft) {
    draft.status.summary = draft.status.arms.last().map(|arm| {
        let total = arm.windows.iter().find(|window| window.name == TOTAL);
        Summary {
            arm: arm.name.clone(),
            amplification: total.and_then(|w| w.amplification.clone()),
            peak_amplification: total.and_then(|w| w.peak_amplification.clone()),
            success_rate: total.and_then(|w| w.success_rate.clone()),
            time_to_recovery: arm.recovery.as_ref().and_then(|r| r.time_to_recovery.clone()),
        }
    });
}
