//! From the counts of an arm to the figures in the status: the same whether pods counted or a simulation did.

use retrylab_api::{
    ArmPlan, ArmStatus, EvidenceStatus, FatesStatus, LatencyStatus, RecoveryStatus, Span, WindowStatus,
};
use retrylab_core::{
    evidence::Evidence,
    stats::{ArmCounts, Fates, Figures, Ratio, Recovery, SparseHistogram, time_to_recovery},
    timeline::{Window, windows},
};

/// What an arm found.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmFigures {
    /// Of every window, in the order of [`windows`], with no time of day in it.
    pub windows: Vec<WindowStatus>,
    /// How service came back after the last fault.
    pub recovery: Option<RecoveryStatus>,
    /// Over the whole run.
    pub latency: Option<LatencyStatus>,
    /// Whether these figures may carry a verdict.
    pub evidence: EvidenceStatus,
}

impl ArmFigures {
    /// The figures of an arm that is over. Latencies are those of each second of the run.
    pub fn new(plan: &ArmPlan, counts: &ArmCounts, latency_us: &[SparseHistogram], evidence: &Evidence) -> Self {
        let (faults, duration_ms) = (&plan.backend.faults, plan.client.duration_ms);
        let status = |window: &Window| window_status(window, &counts.figures(window), evidence);
        Self {
            windows: windows(faults, duration_ms).iter().map(status).collect(),
            recovery: faults.last().and_then(|last| {
                let fault = (faults[0].at_ms, last.end_ms());
                time_to_recovery(&counts.load, latency_us, fault, duration_ms).map(recovery_status)
            }),
            latency: latency_status(latency_us),
            evidence: evidence_status(evidence),
        }
    }

    /// The arm's status with these figures.
    pub fn into_status(self, arm: &ArmStatus) -> ArmStatus {
        let Self { windows, recovery, latency, evidence } = self;
        ArmStatus { windows, recovery, latency, evidence: Some(evidence), ..arm.clone() }
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
        success_rate: shown(figures.success_rate),
        goodput: figures.goodput.map(|r| r.decimal(1)),
        fates: fates_status(figures.fates),
    }
}

const fn fates_status(fates: Fates) -> FatesStatus {
    let Fates { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } = fates;
    FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped }
}

fn recovery_status(recovery: Recovery) -> RecoveryStatus {
    let time_to_recovery = match recovery {
        Recovery::After(ms) => Span::from_millis(ms).to_string(),
        Recovery::LongerThan(ms) => format!("> {}", Span::from_millis(ms)),
    };
    RecoveryStatus { time_to_recovery }
}

fn latency_status(by_second: &[SparseHistogram]) -> Option<LatencyStatus> {
    let mut all = SparseHistogram::default();
    for second in by_second {
        all.merge(second);
    }
    let at = |per_mille| all.quantile_us(per_mille).map(millis);
    Some(LatencyStatus { p50: at(500)?, p99: at(990)?, p999: at(999)? })
}

/// Microseconds as milliseconds with one decimal.
fn millis(us: u64) -> String {
    Ratio::new(us, 1_000).map_or_else(String::new, |ms| ms.decimal(1))
}

fn evidence_status(evidence: &Evidence) -> EvidenceStatus {
    EvidenceStatus {
        fault_delivered: evidence.fault_delivered().filter(|_| !evidence.faults.is_empty()).map(|r| r.to_string()),
        load_achieved: evidence.load_achieved.map(|r| r.to_string()),
        accounting_gap: evidence.accounting_gap,
        lateness_p99: evidence.lateness_p99_us.map(millis),
        shortcomings: evidence.shortcomings(),
    }
}
