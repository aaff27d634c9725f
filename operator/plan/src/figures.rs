//! From the counts of an arm to the figures in the status: the same whether pods counted or a simulation did.

use std::time::Duration;

use retrylab_api::{
    ArmPlan, ArmStatus, EvidenceStatus, FatesStatus, LatencyStatus, RecoveryStatus, RetryExperimentSpec, Span,
    WindowStatus,
};
use retrylab_core::{
    evidence::Evidence,
    fault::{FaultKind, FaultWindow},
    policy::Demand,
    stats::{ArmCounts, Course, Drain, Fates, Figures, Judgement, Quantiles, Ratio, Recovery, judge, time_to_recovery},
    timeline::{Window, windows},
};

/// What an arm found.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmFigures {
    /// Of every window, in the order of [`windows`], with no time of day in it.
    pub windows: Vec<WindowStatus>,
    /// How service came back after the last fault.
    pub recovery: Option<RecoveryStatus>,
    /// The policy's static bound on the attempts for each request.
    pub worst_case: Option<String>,
    /// Over the whole run.
    pub latency: Option<LatencyStatus>,
    /// Whether these figures may carry a verdict.
    pub evidence: EvidenceStatus,
}

impl ArmFigures {
    /// The figures of an arm that is over.
    pub fn new(spec: &RetryExperimentSpec, plan: &ArmPlan, counts: &ArmCounts, evidence: &Evidence) -> Self {
        let (load, faults, duration_ms) = (&plan.loadgen.load, &plan.backend.faults, plan.client.duration_ms);
        let status = |window: &Window| window_status(window, &counts.figures(window), evidence);
        let worst_case = worst_case(spec, plan, counts.load.planned.total());
        let course = Course::new(faults, &load.shed, duration_ms);
        Self {
            windows: windows(faults, &load.shed, duration_ms).iter().map(status).collect(),
            recovery: course.map(|course| recovery_status(counts, &course, &drain(spec, plan, worst_case))),
            worst_case: worst_case.map(|ratio| ratio.to_string()),
            latency: counts.latency(0, u64::MAX).quantiles().map(latency_status),
            evidence: evidence_status(evidence),
        }
    }

    /// The arm's status with these figures.
    pub fn into_status(self, arm: &ArmStatus) -> ArmStatus {
        let Self { windows, recovery, worst_case, latency, evidence } = self;
        ArmStatus { windows, recovery, worst_case, latency, evidence: Some(evidence), ..arm.clone() }
    }
}

fn window_status(window: &Window, figures: &Figures, evidence: &Evidence) -> WindowStatus {
    let shown = |ratio: Option<Ratio>| ratio.map(|r| r.to_string());
    let fault = evidence.faults.iter().find(|fault| fault.name == window.name);
    let Figures { requests, attempts, wire_attempts, backend_requests, .. } = *figures;
    WindowStatus {
        name: window.name.clone(),
        planned_at: None,
        actual_at: None,
        off_ms: fault.and_then(|fault| fault.off_us).map(|us| us.div_ceil(1_000)),
        requests,
        attempts,
        wire_attempts,
        backend_requests,
        layer_attempts: figures.layer_attempts.clone(),
        amplification: shown(figures.amplification),
        wire_amplification: shown(figures.wire_amplification),
        backend_amplification: shown(figures.backend_amplification),
        peak_amplification: shown(figures.peak_amplification),
        retry_share: shown(figures.retry_share),
        sync_index: shown(figures.sync_index),
        wasted_work: shown(figures.wasted_work),
        success_rate: shown(figures.success_rate),
        goodput: figures.goodput.map(|r| r.decimal(1)),
        latency: figures.latency.map(latency_status),
        fates: fates_status(figures.fates),
    }
}

const fn fates_status(fates: Fates) -> FatesStatus {
    let Fates { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } = fates;
    FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped }
}

/// What the time to work an outage off follows from, for a run of so many requests.
fn drain(spec: &RetryExperimentSpec, plan: &ArmPlan, worst_case: Option<Ratio>) -> Drain {
    let (backend, policy) = (&spec.backend, &plan.client.strategy.policy);
    let (replicas, concurrency) = (u64::from(backend.replicas), u64::from(backend.concurrency));
    let delays = (0..policy.max_attempts.saturating_sub(1)).map(|i| policy.delay.longest(i).as_millis() as u64);
    let pushed_back_ms = policy.retry_after.map_or(0, |r| r.cap_ms + r.cap_ms * u64::from(r.jitter_permille) / 1_000);
    let attempts_max = u64::from(policy.max_attempts).pow(plan.layers());
    let fails_at_once = |fault: &FaultWindow| {
        matches!(fault.kind, FaultKind::Error { .. } | FaultKind::Reset { .. } | FaultKind::Refuse { .. })
    };
    Drain {
        capacity_per_ks: replicas * concurrency * 1_000_000 / backend.service_time.as_millis().max(1),
        backlog_max: replicas * (u64::from(backend.queue) + concurrency),
        attempts_max,
        amplification_permille_max: worst_case.map_or(attempts_max * 1_000, Ratio::permille_up),
        timeout_ms: plan.client.timeout_ms,
        delay_ms_max: delays.max().unwrap_or(0).max(pushed_back_ms),
        hangs: !plan.backend.faults.iter().all(fails_at_once),
    }
}

/// The static bound of the arm's policy on the attempts for each request, for the requests that came.
fn worst_case(spec: &RetryExperimentSpec, plan: &ArmPlan, requests: u64) -> Option<Ratio> {
    let timeout = Duration::from_millis(plan.client.timeout_ms);
    let policy = &plan.client.strategy.policy;
    let longest_ms = policy.longest_request(timeout).as_millis() as u64 * u64::from(plan.layers());
    policy.worst_case(&Demand {
        requests,
        duration_ms: plan.client.duration_ms + longest_ms,
        clients: u64::from(spec.client.replicas),
        layers: plan.layers(),
    })
}

fn recovery_status(counts: &ArmCounts, course: &Course, drain: &Drain) -> RecoveryStatus {
    let shown = |recovery| match recovery {
        Recovery::After(ms) => Span::from_millis(ms).to_string(),
        Recovery::LongerThan(ms) => format!("> {}", Span::from_millis(ms)),
    };
    let Judgement { verdict, why } = judge(counts, course, drain, None);
    RecoveryStatus {
        time_to_recovery: time_to_recovery(counts, course).map(shown),
        verdict: verdict.into(),
        message: why,
    }
}

fn latency_status(quantiles: Quantiles) -> LatencyStatus {
    let Quantiles { p50_us, p99_us, p999_us } = quantiles;
    LatencyStatus { p50: millis(p50_us), p99: millis(p99_us), p999: millis(p999_us) }
}

/// Microseconds as milliseconds with one decimal.
fn millis(us: u64) -> String {
    Ratio::new(us, 1_000).map_or_else(String::new, |ms| ms.decimal(1))
}

fn evidence_status(evidence: &Evidence) -> EvidenceStatus {
    EvidenceStatus {
        fault_delivered: evidence.fault_delivered().filter(|_| !evidence.faults.is_empty()).map(|r| r.to_string()),
        load_achieved: evidence.load_achieved.map(|r| r.to_string()),
        accounting_gap: evidence.accounting_gap(),
        lateness_p99: evidence.lateness_p99_us.map(millis),
        shortcomings: evidence.shortcomings(),
    }
}
