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
                td.n role="cell" data-label="Goodput" { @if let Some(goodput) = &window.goodput { (goodput) "\u{a0}/s" } @else { (NOTHING) } }
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
                    th scope="col" { "Window" }
                    th.n.of-goodput scope="col" { "● p50" } th.n.of-attempts scope="col" { "● p99" } th.n.of-queue scope="col" { "● p99.9" }
                    th.graphic scope="col" { (scales.latency_range()) }
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
            table.cards.top role="table" {
                thead { tr role="row" { th scope="col" { "Window" } th scope="col" { "Share of its requests" } } }
                tbody { @for window in &arm.windows { tr role="row" {
                    th scope="row" { (window.name) }
                    td.wide role="cell" { (bars::fates(&window.fates)) }
                } } }
            }
        }
    }
}

/// Predicted against measured.
pub fn predictions(arm: &ArmStatus) -> Markup {
    let loads = arm.windows.iter().flat_map(|window| {
        let bands = window.predicted.iter().flat_map(|p| [&p.amplification, &p.wire_amplification]).flatten();
        let measured = [&window.amplification, &window.wire_amplification].into_iter().flatten();
        measured.chain(bands.map(|band| &band.high))
    });
    let most = loads.filter_map(|figure| number(Some(figure))).fold(1.0, f64::max) * 1.05;
    html! {
        h3 { "Predicted against measured" }
        @if arm.windows.iter().all(|window| window.predicted.is_none()) {
            p.soft { "No prediction" @if let Some(why) = &arm.no_prediction { ": " (why) } "." }
        } @else {
            table.cards.expectations role="table" {
                caption {
                    "Shaded: the band in which another run would lie, by simulation. Dot: what was measured. Amplification from 0 to "
                    (format!("{most:.1}")) ", success from 0 to 100 %."
                }
                thead { tr role="row" {
                    th scope="col" { "Window" } th scope="col" { "Amplification" } th scope="col" { "Wire" } th scope="col" { "Success" }
                } }
                tbody { @for window in &arm.windows { (expectations(window, most)) } }
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

fn expectations(window: &WindowStatus, most: f64) -> Markup {
    let Some(predicted) = &window.predicted else { return html! {} };
    let plain = |figure: &str| figure.to_owned();
    let share = |figure: &str| percent(Some(figure));
    html! {
        tr role="row" {
            th scope="row" { (window.name) }
            (expectation("Amplification", window.amplification.as_deref(), predicted.amplification.as_ref(), most, plain))
            (expectation("Wire", window.wire_amplification.as_deref(), predicted.wire_amplification.as_ref(), most, plain))
            (expectation("Success", window.success_rate.as_deref(), predicted.success_rate.as_ref(), 1.0, share))
        }
    }
}

fn expectation(
    label: &str,
    measured: Option<&str>,
    band: Option<&PredictedBand>,
    most: f64,
    said: impl Fn(&str) -> String,
) -> Markup {
    html! {
        td role="cell" data-label=(label) {
            @if let Some(band) = band {
                div {
                    strong { (measured.map_or_else(|| NOTHING.to_owned(), &said)) }
                    span.soft { ", predicted " (said(&band.low)) " to " (said(&band.high)) }
                    (bars::expected(measured, band, most))
                }
            } @else { (NOTHING) }
        }
    }
}

/// What the figures are founded on.
pub fn evidence(evidence: &EvidenceStatus) -> Markup {
    let EvidenceStatus { fault_delivered, load_achieved, accounting_gap, lateness_p99, shortcomings, .. } = evidence;
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
            li { "Load achieved: " (percent(load_achieved.as_deref())) " of the planned load" }
            li { "Accounting gap: " (count(*accounting_gap)) ", the sum of all differences between client, backend and load generator" }
            li { "Load generator late by: " (lateness_p99.as_deref().map_or_else(|| NOTHING.to_owned(), latency)) " (p99)" }
        }
    }
}
