//! An arm's figures, window by window.

use maud::{Markup, html};
use retrylab_api::{ArmStatus, EvidenceStatus, PredictedBand, WindowStatus};
use retrylab_core::timeline::TOTAL;

use super::{bars, scale::Scales};
use crate::figure::{NOTHING, count, latency, number, percent, shown};

/// Load and success.
pub fn windows(arm: &ArmStatus) -> Markup {
    let has_layers = arm.windows.iter().any(|window| !window.layer_attempts.is_empty());
    let figure = |figure: &Option<String>| shown(figure.as_deref()).to_owned();
    html! {
        h3 { "Load and success, window by window" }
        table.cards role="table" {
            thead { tr role="row" {
                th scope="col" { "Window" }
                @for name in ["Requests", "Attempts", "Amplification", "Wire", "Peak", "Success", "Goodput", "Wasted work", "Sync index"] {
                    th.n scope="col" { (name) }
                }
            } }
            tbody { @for window in &arm.windows { tr role="row" {
                th scope="row" { (window.name) }
                td.n role="cell" data-label="Requests" { (count(window.requests)) }
                td.n role="cell" data-label="Attempts" { div {
                    (count(window.attempts))
                    @if has_layers { small.soft { (window.layer_attempts.iter().map(|n| count(*n)).collect::<Vec<_>>().join(" → ")) } }
                } }
                td.n.best role="cell" data-label="Amplification" { (figure(&window.amplification)) }
                td.n role="cell" data-label="Wire" { (figure(&window.wire_amplification)) }
                td.n role="cell" data-label="Peak" { (figure(&window.peak_amplification)) }
                td.n role="cell" data-label="Success" { (percent(window.success_rate.as_deref())) }
                td.n role="cell" data-label="Goodput" { @if let Some(goodput) = &window.goodput { (goodput) " /s" } @else { (NOTHING) } }
                td.n role="cell" data-label="Wasted work" { (percent(window.wasted_work.as_deref())) }
                td.n role="cell" data-label="Sync index" { (figure(&window.sync_index)) }
            } } }
        }
    }
}

/// Latency percentiles.
pub fn latencies(arm: &ArmStatus, scales: &Scales) -> Markup {
    let total = |window: &WindowStatus| if window.name == TOTAL { arm.latency.clone() } else { None };
    html! {
        div {
            h3 { "Latency" }
            table.cards role="table" {
                thead { tr role="row" {
                    th scope="col" { "Window" } th.n scope="col" { "p50" } th.n scope="col" { "p99" } th.n scope="col" { "p99.9" }
                    th.graphic scope="col" { "log scale, the same for all arms" }
                } }
                tbody { @for window in &arm.windows { tr role="row" {
                    th scope="row" { (window.name) }
                    @if let Some(found) = window.latency.clone().or_else(|| total(window)) {
                        td.n role="cell" data-label="p50" { (latency(&found.p50)) }
                        td.n role="cell" data-label="p99" { (latency(&found.p99)) }
                        td.n role="cell" data-label="p99.9" { (latency(&found.p999)) }
                        td.graphic.wide role="cell" { (bars::latency(&found, scales)) }
                    } @else {
                        td.wide role="cell" colspan="4" { small.soft { "no whole second with an answer" } }
                    }
                } } }
            }
        }
    }
}

/// How requests ended.
pub fn fates(arm: &ArmStatus) -> Markup {
    html! {
        div {
            h3 { "Fates: how requests ended" }
            table.cards role="table" {
                thead { tr role="row" { th scope="col" { "Window" } th scope="col" { "Share of its requests" } } }
                tbody { @for window in &arm.windows { tr role="row" {
                    th scope="row" { (window.name) }
                    td.wide role="cell" { (bars::fates(&window.fates)) }
                } } }
            }
        }
    }
}

/// One figure beside what was expected of it.
struct Expected<'w> {
    window: &'w str,
    figure: &'static str,
    measured: Option<&'w str>,
    band: &'w PredictedBand,
    is_share: bool,
}

/// Predicted against measured.
pub fn predictions(arm: &ArmStatus) -> Markup {
    let rows: Vec<_> = arm.windows.iter().flat_map(expected).collect();
    let highest = rows.iter().filter(|row| !row.is_share).flat_map(|row| [row.measured, Some(row.band.high.as_str())]);
    let most = highest.filter_map(number).fold(1.0, f64::max) * 1.1;
    html! {
        div {
            h3 { "Predicted against measured" }
            @if rows.is_empty() {
                p.soft { "No prediction" @if let Some(why) = &arm.no_prediction { ": " (why) } "." }
            } @else {
                table.cards role="table" {
                    caption { "The band in which another run would lie, by simulation, and what was measured (the dot)." }
                    thead { tr role="row" {
                        th scope="col" { "Window" } th.n scope="col" { "Measured" } th.n scope="col" { "Predicted" }
                        th.graphic scope="col" { "from 0" }
                    } }
                    tbody { @for row in &rows { (compared(row, most)) } }
                }
                @for outside in &arm.outside_prediction { p { span.mark.bad { "Outside the band: " } (outside) } }
            }
            @if let Some(predicted) = &arm.predicted_recovery {
                p.soft {
                    "Recovery was to come in " (predicted.recovered) " of " (predicted.of) " simulations"
                    @if let (Some(low), Some(high)) = (&predicted.low, &predicted.high) { ", after " (low) " to " (high) } "."
                }
            }
        }
    }
}

fn expected(window: &WindowStatus) -> Vec<Expected<'_>> {
    let Some(predicted) = &window.predicted else { return vec![] };
    let of = [
        ("amplification", &window.amplification, &predicted.amplification, false),
        ("wire", &window.wire_amplification, &predicted.wire_amplification, false),
        ("success", &window.success_rate, &predicted.success_rate, true),
    ];
    let there = of.into_iter().filter_map(|(figure, measured, band, is_share)| {
        let band = band.as_ref()?;
        Some(Expected { window: &window.name, figure, measured: measured.as_deref(), band, is_share })
    });
    there.collect()
}

fn compared(row: &Expected<'_>, most: f64) -> Markup {
    let said = |figure: &str| if row.is_share { percent(Some(figure)) } else { figure.to_owned() };
    html! {
        tr role="row" {
            th scope="row" { (row.window) " " small.soft { (row.figure) } }
            td.n role="cell" data-label="Measured" { (row.measured.map_or_else(|| NOTHING.to_owned(), said)) }
            td.n role="cell" data-label="Predicted" { (said(&row.band.low)) " – " (said(&row.band.high)) }
            td.graphic.wide role="cell" { (bars::expected(row.measured, row.band, if row.is_share { 1.0 } else { most })) }
        }
    }
}

/// What the figures are founded on.
pub fn evidence(evidence: &EvidenceStatus) -> Markup {
    let EvidenceStatus { fault_delivered, load_achieved, accounting_gap, lateness_p99, shortcomings } = evidence;
    html! {
        h3 { "Evidence" }
        @if shortcomings.is_empty() {
            p { span.mark.good { "✓ complete" } ": these figures may carry a verdict." }
        } @else {
            p { span.mark.unsure { "? incomplete" } ": these figures carry no verdict." }
            ul { @for lack in shortcomings { li { (lack) } } }
        }
        ul.facts.soft {
            li { "Faults delivered: " (percent(fault_delivered.as_deref())) " of the requests that they should have struck" }
            li { "Load achieved: " (percent(load_achieved.as_deref())) " of the planned requests" }
            li { "Accounting gap: " (count(*accounting_gap)) ", the sum of all differences between client, backend and load generator" }
            li { "Load generator late by: " (lateness_p99.as_deref().map_or_else(|| NOTHING.to_owned(), latency)) " (p99)" }
        }
    }
}
