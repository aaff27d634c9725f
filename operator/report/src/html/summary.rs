//! What a reader wants first: the arms side by side, and the criteria.

use maud::{Markup, html};
use retrylab_api::{ArmPhase, CriterionStatus, RecoveryVerdict, Verdict};

use super::{scale::Scales, timeline};
use crate::{
    Report,
    comparison::{Comparison, Row},
    figure::{NOTHING, latency, percent, shown},
    words,
};

/// The class that gives a verdict its colour. The word is always there as well.
pub const fn tone(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "good",
        Some(Verdict::Failed | Verdict::Error) => "bad",
        Some(Verdict::Inconclusive | Verdict::Aborted) => "unsure",
        None => "",
    }
}

/// The arms side by side, in the window that tells them apart.
pub fn comparison(report: &Report) -> Markup {
    let comparison = Comparison::of(report);
    let scales = Scales::of(report);
    let has_series = !report.series.is_empty();
    let is_whole = report.spec.faults.is_empty();
    html! {
        section aria-labelledby="compared" {
            h2 #compared { "Arms side by side" }
            table.cards.compare role="table" {
                caption {
                    @if is_whole { "Over the whole run." } @else {
                        "Amplification, peak, success and goodput in the window " strong { (comparison.window) }
                        "; recovery and p99 over the whole run."
                    }
                }
                thead { tr role="row" {
                    th scope="col" { "Arm" } th.n scope="col" { "Amplification" } th.n scope="col" { "Peak" }
                    th.n scope="col" { "Success" } th.n scope="col" { "Goodput" } th scope="col" { "Recovery" }
                    th.n scope="col" { "p99" }
                    @if has_series { th scope="col" { span.of-attempts { "attempts" } " over " span.of-goodput { "goodput" } } }
                } }
                tbody { @for (number, row) in comparison.rows.iter().enumerate() {
                    (compared(report, number, row, has_series, &scales))
                } }
            }
        }
    }
}

fn compared(report: &Report, number: usize, row: &Row<'_>, has_series: bool, scales: &Scales) -> Markup {
    let figure =
        |of: fn(&retrylab_api::WindowStatus) -> Option<&String>| shown(row.window.and_then(of).map(String::as_str));
    let recovery = row.arm.and_then(|arm| arm.recovery.as_ref());
    let p99 = row.arm.and_then(|arm| arm.latency.as_ref()).map_or_else(|| NOTHING.to_owned(), |l| latency(&l.p99));
    html! {
        tr role="row" {
            th scope="row" {
                a href={ "#arm-" (number) } { (row.name) }
                @if let Some(state) = state(row) { small.soft { " " (state) } }
            }
            @if row.window.is_none() {
                td.wide colspan={ (if has_series { 7 } else { 6 }) } role="cell" { small.soft { "no figures" } }
            } @else {
                td.n.best role="cell" data-label="Amplification" { div {
                    (figure(|w| w.amplification.as_ref()))
                    small.soft { "wire " (figure(|w| w.wire_amplification.as_ref())) }
                } }
                td.n role="cell" data-label="Peak" { (figure(|w| w.peak_amplification.as_ref())) }
                td.n role="cell" data-label="Success" { (percent(row.window.and_then(|w| w.success_rate.as_deref()))) }
                td.n role="cell" data-label="Goodput" { div { (figure(|w| w.goodput.as_ref())) "\u{a0}/s" } }
                td role="cell" data-label="Recovery" { div {
                    @if let Some(recovery) = recovery {
                        (shown(recovery.time_to_recovery.as_deref()))
                        small class={ "mark " (recovery_tone(recovery.verdict)) } { (recovery.verdict.as_str()) }
                    } @else { (NOTHING) }
                } }
                td.n role="cell" data-label="p99" { (p99) }
                @if has_series {
                    td.spark.wide role="cell" {
                        @if let Some(series) = report.series_of(row.name) { (timeline::spark(series, &report.spec, scales)) }
                    }
                }
            }
        }
    }
}

/// What is to be known before an arm's figures are read.
fn state(row: &Row<'_>) -> Option<&'static str> {
    match row.arm {
        None => Some("not begun"),
        Some(arm) if arm.phase == ArmPhase::Stopped => Some("stopped"),
        Some(arm) if arm.windows.is_empty() => Some("running"),
        Some(_) if !row.is_sound() => Some("without evidence"),
        Some(_) => None,
    }
}

/// The class that gives a recovery verdict its colour.
pub const fn recovery_tone(verdict: RecoveryVerdict) -> &'static str {
    match verdict {
        RecoveryVerdict::NoEffect | RecoveryVerdict::Recovered => "good",
        RecoveryVerdict::MetastableSuspected | RecoveryVerdict::MetastableConfirmed | RecoveryVerdict::Overloaded => {
            "bad"
        }
        RecoveryVerdict::SlowRecovery | RecoveryVerdict::Undetermined => "unsure",
    }
}

/// The criteria, those that don't hold first.
pub fn criteria(report: &Report) -> Markup {
    let mut criteria: Vec<&CriterionStatus> = report.status.criteria.iter().collect();
    criteria.sort_by_key(|criterion| match criterion.holds {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    });
    html! {
        @if !criteria.is_empty() {
            section aria-labelledby="criteria" {
                h2 #criteria { "Criteria" }
                table.cards role="table" {
                    thead { tr role="row" {
                        th scope="col" { "Criterion" } th scope="col" { "Arm" } th.n scope="col" { "Observed" }
                        th scope="col" { "To be" } th scope="col" { "" }
                    } }
                    tbody { @for criterion in criteria { (checked(criterion, &report.spec.criteria)) } }
                }
            }
        }
    }
}

fn checked(criterion: &CriterionStatus, all: &[retrylab_api::Criterion]) -> Markup {
    let (tone, mark) = match criterion.holds {
        Some(true) => ("good", "✓ holds"),
        Some(false) => ("bad", "✗ does not hold"),
        None => ("unsure", "? not known"),
    };
    let spec = all.iter().find(|spec| spec.name == criterion.name);
    html! {
        tr role="row" {
            th scope="row" {
                (criterion.name)
                @if let Some(spec) = spec { small.soft { " " (words::name(&spec.metric)) " in " (spec.window) } }
            }
            td role="cell" data-label="Arm" { (criterion.arm) }
            td.n role="cell" data-label="Observed" { (shown(criterion.observed.as_deref())) }
            td role="cell" data-label="To be" { (criterion.bound.replace("<=", "≤").replace(">=", "≥")) }
            td role="cell" data-label="" { span class={ "mark " (tone) } { (mark) } }
        }
    }
}
