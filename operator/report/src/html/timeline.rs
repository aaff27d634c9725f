//! An arm's timeline: what arrived, was sent and got through, and below it what waited, over the same time.
//!
//! The outer picture is laid out in percent across and in pixels down, so that its text stays as large on a phone; only the
//! curves are stretched.

mod curves;
mod labels;
mod marks;

use maud::{Markup, html};
use retrylab_api::RetryExperimentSpec;
use retrylab_core::stats::ArmSeries;

use super::scale::{Scales, pct, ticks};
use crate::{figure::count, words};
pub use curves::{Curve, Curves};
use curves::{area, extra, steps};
use labels::{Label, place};
use marks::{Mark, lanes, marks};

/// Height of a lane of names, of the plot of rates, of the plot of what waits, and what is between and below them, in pixels.
const LANE: f64 = 17.0;
const RATES: f64 = 250.0;
const GAP: f64 = 30.0;
const WAITING: f64 = 64.0;
const AXIS: f64 = 24.0;

/// The timeline as a figure; `number` is the arm's, for ids.
pub fn figure(series: &ArmSeries, spec: &RetryExperimentSpec, number: usize, scales: &Scales) -> Markup {
    let marks = marks(spec, scales);
    let lanes = lanes(&marks);
    let top = f64::from(lanes.iter().flatten().max().map_or(0, |lane| lane + 1)) * LANE + 8.0;
    let (waiting_top, bottom) = (top + RATES + GAP, top + RATES + GAP + WAITING);
    let curves = Curves::of(series);
    let labels = place(&curves, scales, RATES);
    let unplaced: Vec<&Curve> =
        curves.all().into_iter().filter(|c| !labels.iter().any(|label| label.name == c.name)).collect();
    html! {
        figure {
            svg.plot role="img" aria-labelledby={ "t" (number) " d" (number) } height=(bottom + AXIS) {
                title id={ "t" (number) } { "Timeline of the arm " (series.arm) }
                desc id={ "d" (number) } { (curves.in_words(series)) }
                @for mark in &marks { (mark.shade(bottom)) }
                (time_axis(spec, scales, top, bottom))
                (rate_lines(scales, top))
                (rates(&curves, scales, top))
                (rate_axis(scales, top))
                (waiting(series, scales, waiting_top))
                @for (mark, lane) in marks.iter().zip(&lanes) {
                    @if let Some(lane) = lane { (mark.name(f64::from(*lane) * LANE + 13.0)) }
                }
                @for Label { name, class, x, y } in &labels {
                    text class={ "label halo of-" (class) } x=(pct(*x)) y=(format!("{:.0}", top + y)) { (name) }
                }
            }
            figcaption {
                (caption(series, &unplaced, spec))
            }
        }
    }
}

/// What is drawn, and what the shaded windows are.
fn caption(series: &ArmSeries, unplaced: &[&Curve], spec: &RetryExperimentSpec) -> Markup {
    html! {
        "Per second, in buckets of " (series.bucket_ms) " ms (thin)"
        @if series.bucket_ms < 1_000 { " and of a second (thick)" }
        ". The scale is the same for all arms. "
        @if !unplaced.is_empty() {
            @for curve in unplaced { span class={ "chip " (curve.fill()) } {} (curve.name) " " }
            "run together here. "
        }
        @for fault in &spec.faults { strong { (fault.name) } ": " (words::fault(fault)) ". " }
        @for burst in &spec.load.bursts { strong { (burst.name) } ": " (words::burst(burst)) ". " }
        @for shed in &spec.load.shed { strong { (shed.name) } ": " (words::shed(shed)) ". " }
    }
}

/// The curves in a picture of their own, which is stretched.
fn stretched(end: f64, y: f64, height: f64, curves: &Markup) -> Markup {
    html! {
        svg x="0" y=(y) width="100%" height=(height) viewBox={ "0 0 " (end) " 1000" } preserveAspectRatio="none" aria-hidden="true" {
            (curves)
        }
    }
}

fn rates(curves: &Curves, scales: &Scales, top: f64) -> Markup {
    let end = scales.end_ms as f64 / curves.bucket_ms as f64;
    let raw = |curve: &Curve| steps(&curve.raw, 1, scales.rate);
    let mean = |curve: &Curve| steps(&curve.mean, curves.block, scales.rate);
    let paths = html! {
        path.area.attempts fill-rule="evenodd" d=(extra(&curves.attempts.raw, &curves.arrivals.raw, scales.rate)) {}
        path.area.goodput d=(area(&curves.goodput.mean, curves.block, scales.rate)) {}
        @for curve in [&curves.goodput, &curves.arrivals] {
            @if curves.block > 1 { path class={ "curve raw " (curve.class) } d=(raw(curve)) {} }
        }
        @for curve in curves.all() { path class={ "curve mean " (curve.class) } d=(mean(curve)) {} }
    };
    stretched(end, top, RATES, &paths)
}

fn waiting(series: &ArmSeries, scales: &Scales, top: f64) -> Markup {
    let values: Vec<f64> = series.queue.iter().map(|&n| n as f64).collect();
    let most = series.queue.iter().max().copied().unwrap_or(0);
    let path = html! {
        path.curve.queue d=(area(&values, 1, scales.queue)) {}
    };
    html! {
        text.halo.of-queue x="0" y=(top - 8.0) { tspan font-weight="600" { "in the backend" } ", waiting or in service: at most " (count(most)) }
        (stretched(scales.end_ms as f64 / series.bucket_ms.max(1) as f64, top, WAITING, &path))
        line.axis x1="0" x2="100%" y1=(top + WAITING) y2=(top + WAITING) {}
    }
}

/// Lines across, at round rates.
fn rate_lines(scales: &Scales, top: f64) -> Markup {
    html! {
        @for (i, tick) in ticks(scales.rate, 4.0).iter().enumerate() {
            @let y = (top + RATES * (1.0 - tick / scales.rate)).round();
            line class=(if i == 0 { "axis" } else { "grid" }) x1="0" x2="100%" y1=(y) y2=(y) {}
        }
    }
}

/// The rates, each above its line, over the curves.
fn rate_axis(scales: &Scales, top: f64) -> Markup {
    let ticks = ticks(scales.rate, 4.0);
    let last = ticks.len().saturating_sub(1);
    html! {
        @for (i, tick) in ticks.iter().enumerate().skip(1) {
            @let y = (top + RATES * (1.0 - tick / scales.rate)).round();
            text.halo x="0" y=(y - 4.0) { (tick) @if i == last { " per second" } }
        }
    }
}

/// Marks below, with the time in seconds; every other one goes where there is little room.
fn time_axis(spec: &RetryExperimentSpec, scales: &Scales, top: f64, bottom: f64) -> Markup {
    let ticks = ticks(scales.end_ms as f64 / 1_000.0, 10.0);
    let duration_ms = spec.duration.as_millis();
    html! {
        @for (i, tick) in ticks.iter().enumerate() {
            @let x = scales.x((tick * 1_000.0) as u64);
            @let anchor = if i == 0 { "start" } else if x > 97.0 { "end" } else { "middle" };
            line.grid x1=(pct(x)) x2=(pct(x)) y1=(top) y2=(bottom) {}
            text class=(if i % 2 == 1 { "minor" } else { "" }) x=(pct(x)) y=(bottom + 17.0) text-anchor=(anchor) { (tick) " s" }
        }
        @if scales.end_ms > duration_ms + 500 {
            line.end x1=(pct(scales.x(duration_ms))) x2=(pct(scales.x(duration_ms))) y1=(top) y2=(bottom) {}
        }
    }
}

/// A small timeline without axes, for a table.
pub fn spark(series: &ArmSeries, spec: &RetryExperimentSpec, scales: &Scales) -> Markup {
    let curves = Curves::of(series);
    let end = scales.end_ms as f64 / curves.bucket_ms as f64;
    let most = scales.mean_rate; // what a picture of this size can show
    let paths = html! {
        path.area.goodput d=(area(&curves.goodput.mean, curves.block, most)) {}
        path.curve.goodput stroke-width="1.25" d=(steps(&curves.goodput.mean, curves.block, most)) {}
        path.curve.attempts stroke-width="1.75" d=(steps(&curves.attempts.mean, curves.block, most)) {}
    };
    html! {
        svg.plot role="img" height="40" aria-label={ "Attempts and goodput of the arm " (series.arm) " over time" } {
            @for mark in marks(spec, scales).iter().filter(|mark| mark.is_window()) { (Mark::shade(mark, 40.0)) }
            (stretched(end, 1.0, 38.0, &paths))
            line.axis x1="0" x2="100%" y1="39.5" y2="39.5" {}
        }
    }
}
