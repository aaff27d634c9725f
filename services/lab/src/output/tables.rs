//! A report as tables for a terminal: windows, arms, criteria, and the verdict in the last line.

use retrylab_api::{ArmStatus, CriterionStatus, FatesStatus, LatencyStatus, WindowStatus};
use retrylab_report::Report;

use super::{NOTHING, shown, source_in_words, table};

/// The report for people.
pub fn report_table(report: &Report) -> String {
    let status = &report.status;
    let mut parts = Vec::new();
    if status.arms.iter().any(|arm| !arm.windows.is_empty()) {
        parts.push(windows_table(&status.arms));
        parts.push(arms_table(&status.arms));
    }
    if !status.criteria.is_empty() {
        parts.push(criteria_table(&status.criteria));
    }
    let outside = |arm: &ArmStatus| {
        let line = |what: &String| format!("{}: outside the prediction: {what}\n", arm.name);
        arm.outside_prediction.iter().map(line).collect::<String>()
    };
    let outside: String = status.arms.iter().map(outside).collect();
    parts.extend(Some(outside).filter(|text| !text.is_empty()));
    parts.push(verdict_line(report));
    parts.join("\n")
}

/// The verdict with its reason, and where it comes from.
fn verdict_line(report: &Report) -> String {
    let status = &report.status;
    let name = format!("{}, {}", report.metadata.name, source_in_words(report.source));
    match (status.verdict, &status.message) {
        (Some(verdict), Some(message)) => format!("{name}: {}: {message}\n", verdict.as_str()),
        (Some(verdict), None) => format!("{name}: {}\n", verdict.as_str()),
        (None, _) => format!("{name}: not over, no verdict yet\n"),
    }
}

/// The figures of every window.
pub fn windows_table(arms: &[ArmStatus]) -> String {
    let header = ["ARM", "WINDOW", "REQUESTS", "ATTEMPTS", "AMP", "WIRE", "PEAK", "SUCCESS", "GOODPUT", "FATES"];
    let row = |arm: &ArmStatus, window: &WindowStatus| {
        vec![
            arm.name.clone(),
            window.name.clone(),
            window.requests.to_string(),
            window.attempts.to_string(),
            shown(window.amplification.as_ref()),
            shown(window.wire_amplification.as_ref()),
            shown(window.peak_amplification.as_ref()),
            shown(window.success_rate.as_ref()),
            shown(window.goodput.as_ref()),
            fates(&window.fates),
        ]
    };
    let rows: Vec<_> = arms.iter().flat_map(|arm| arm.windows.iter().map(move |window| row(arm, window))).collect();
    table(&header, &rows)
}

fn arms_table(arms: &[ArmStatus]) -> String {
    let row = |arm: &ArmStatus| {
        let latency = |of: fn(&LatencyStatus) -> &String| shown(arm.latency.as_ref().map(of));
        let recovery = arm.recovery.as_ref();
        vec![
            arm.name.clone(),
            recovery.map_or(NOTHING, |recovery| recovery.verdict.as_str()).to_owned(),
            shown(recovery.and_then(|recovery| recovery.time_to_recovery.as_ref())),
            shown(arm.worst_case.as_ref()),
            latency(|l| &l.p50),
            latency(|l| &l.p99),
            latency(|l| &l.p999),
        ]
    };
    table(
        &["ARM", "VERDICT", "RECOVERY", "WORST CASE", "P50 MS", "P99 MS", "P99.9 MS"],
        &arms.iter().map(row).collect::<Vec<_>>(),
    )
}

/// Criteria, each with what was observed and whether it holds.
pub fn criteria_table(criteria: &[CriterionStatus]) -> String {
    let row = |criterion: &CriterionStatus| {
        let holds = match criterion.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let CriterionStatus { name, arm, bound, .. } = criterion.clone();
        vec![name, arm, shown(criterion.observed.as_ref()), bound, holds.to_owned()]
    };
    table(&["CRITERION", "ARM", "OBSERVED", "BOUND", "HOLDS"], &criteria.iter().map(row).collect::<Vec<_>>())
}

/// The fates that requests had, each with its number.
fn fates(fates: &FatesStatus) -> String {
    let FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } =
        *fates;
    let all = [
        ("ok", ok),
        ("okAfterRetry", ok_after_retry),
        ("exhausted", exhausted),
        ("budgetDenied", budget_denied),
        ("breakerOpen", breaker_open),
        ("deadline", deadline),
        ("notRetryable", not_retryable),
        ("dropped", dropped),
    ];
    let those = all.iter().filter(|(_, count)| *count > 0).map(|(fate, count)| format!("{fate} {count}"));
    those.collect::<Vec<_>>().join(", ")
}
