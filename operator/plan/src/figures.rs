//! From the counts of an arm to the figures in the status: the same whether pods counted or a simulation did.

use retrylab_api::{
    ArmStatus, EvidenceStatus, ExactFigures, FatesStatus, LatencyStatus, OUTSIDE_MAX, PredictedRecovery,
    RecoveryStatus, SHORTCOMING_MAX_BYTES, SHORTCOMINGS_MAX, Span, WindowStatus,
};
use retrylab_core::{
    evidence::Evidence,
    sim::{Prediction, Setup},
    stats::{ArmCounts, Course, Fates, Figures, Judgement, Quantiles, Ratio, Recovery, judge},
    timeline::{Window, windows},
};

use crate::{
    prediction,
    words::{clipped, few},
};

/// What an arm found.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmFigures {
    /// Of every window, in the order of [`windows`], with no time of day in it.
    pub windows: Vec<WindowStatus>,
    /// How service came back after the last fault.
    pub recovery: Option<RecoveryStatus>,
    /// How service was to come back.
    pub predicted_recovery: Option<PredictedRecovery>,
    /// What was measured outside what is predicted, in words.
    pub outside_prediction: Vec<String>,
    /// The policy's static bound on the attempts for each request.
    pub worst_case: Option<String>,
    /// Over the whole run.
    pub latency: Option<LatencyStatus>,
    /// Whether these figures may carry a verdict.
    pub evidence: EvidenceStatus,
}

impl ArmFigures {
    /// The figures of an arm that is over, beside what is predicted of it.
    pub fn new(setup: &Setup, counts: &ArmCounts, evidence: &Evidence, prediction: Option<&Prediction>) -> Self {
        let (load, faults) = (&setup.load, &setup.backend.faults);
        let course = Course::new(faults, load);
        let requests = counts.load.planned.total();
        let drain = setup.drain();
        let predicted_ms = prediction.and_then(prediction::drain_ms);
        let (mut shown, mut outside) = (Vec::new(), Vec::new());
        for window in windows(faults, &load.shed, load.duration_ms) {
            let figures = counts.figures(&window);
            let mut status = window_status(&window, &figures, evidence);
            let of_window = prediction.and_then(|p| p.windows.iter().find(|predicted| predicted.name == window.name));
            if let Some(predicted) = of_window {
                status.predicted = Some(prediction::shown(predicted));
                outside.extend(prediction::outside(predicted, &figures));
            }
            shown.push(status);
        }
        let judgement = course.map(|course| judge(counts, &course, &drain, predicted_ms));
        let foretold = prediction.and_then(|p| p.recovery.as_ref());
        let found = judgement.as_ref().and_then(|judgement| judgement.recovery);
        outside.extend(foretold.zip(found).and_then(|(foretold, found)| prediction::recovery_outside(foretold, found)));
        Self {
            windows: shown,
            recovery: judgement.map(recovery_status),
            predicted_recovery: foretold.map(prediction::recovery_shown),
            outside_prediction: few(outside, OUTSIDE_MAX),
            worst_case: setup.worst_case(requests).map(|ratio| ratio.to_string()),
            latency: counts.latency(0, u64::MAX).quantiles().map(latency_status),
            evidence: evidence_status(evidence),
        }
    }

    /// The arm's status with these figures.
    pub fn into_status(self, arm: &ArmStatus) -> ArmStatus {
        let Self { windows, recovery, predicted_recovery, outside_prediction, worst_case, latency, evidence } = self;
        ArmStatus {
            windows,
            recovery,
            predicted_recovery,
            outside_prediction,
            worst_case,
            latency,
            evidence: Some(evidence),
            ..arm.clone()
        }
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
        exact: ExactFigures {
            peak_amplification: figures.peak_amplification.map(Into::into),
            retry_share: figures.retry_share.map(Into::into),
            sync_index: figures.sync_index.map(Into::into),
            wasted_work: figures.wasted_work.map(Into::into),
            goodput: figures.goodput.map(Into::into),
        },
        predicted: None,
        latency: figures.latency.map(latency_status),
        fates: fates_status(figures.fates),
    }
}

const fn fates_status(fates: Fates) -> FatesStatus {
    let Fates { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } = fates;
    FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped }
}

fn recovery_status(Judgement { recovery, verdict, why }: Judgement) -> RecoveryStatus {
    let shown = |recovery| match recovery {
        Recovery::After(ms) => Span::from_millis(ms).to_string(),
        Recovery::LongerThan(ms) => format!("> {}", Span::from_millis(ms)),
    };
    RecoveryStatus { time_to_recovery: recovery.map(shown), verdict: verdict.into(), message: why }
}

fn latency_status(quantiles: Quantiles) -> LatencyStatus {
    let Quantiles { p50_us, p99_us, p999_us } = quantiles;
    LatencyStatus {
        p50: millis(p50_us),
        p99: millis(p99_us),
        p999: millis(p999_us),
        p50_us: Some(p50_us),
        p99_us: Some(p99_us),
        p999_us: Some(p999_us),
    }
}

/// Microseconds as milliseconds with one decimal.
fn millis(us: u64) -> String {
    Ratio::new(us, 1_000).map_or_else(String::new, |ms| ms.decimal(1))
}

fn evidence_status(evidence: &Evidence) -> EvidenceStatus {
    let shortcomings = few(evidence.shortcomings(), SHORTCOMINGS_MAX);
    EvidenceStatus {
        fault_delivered: evidence.fault_delivered().filter(|_| !evidence.faults.is_empty()).map(|r| r.to_string()),
        load_achieved: evidence.load.achieved.map(|r| r.to_string()),
        accounting_gap: evidence.accounting_gap(),
        lateness_p99: evidence.load.lateness_p99_us.map(millis),
        lateness_p99_us: evidence.load.lateness_p99_us,
        shortcomings: shortcomings.into_iter().map(|text| clipped(text, SHORTCOMING_MAX_BYTES)).collect(),
    }
}
