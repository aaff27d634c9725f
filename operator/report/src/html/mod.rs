//! The report as one HTML page: no script, nothing from the network, light and dark, for a phone and for paper.

mod arm;
mod bars;
mod index;
mod page;
mod scale;
mod summary;
mod tables;
mod timeline;

pub use index::{Entry, index, not_found};
pub use page::POLICY;

use maud::{Markup, html};

use crate::{
    Report, Source,
    advice::advice,
    headline::{finding, headline},
    words,
};
use scale::Scales;

/// The report as an HTML page.
pub fn html(report: &Report) -> String {
    let body = html! {
        header { (about(report)) (verdict(report)) (contents(report)) }
        main {
            (summary::comparison(report))
            (summary::criteria(report))
            @let scales = Scales::of(report);
            @for (number, spec) in report.spec.arms.iter().enumerate() {
                (arm::section(report, spec, number, &scales))
            }
            (next(report))
        }
        footer.soft { (definitions()) }
    };
    page::page(&format!("{}: {}", report.metadata.name, headline(report)), &body).into_string()
}

/// What this is a report of.
fn about(report: &Report) -> Markup {
    let spec = &report.spec;
    let source = match report.source {
        Source::Cluster => "measured in a cluster",
        Source::Process => "measured in one process, over loopback",
        Source::Simulation => "simulated",
    };
    html! {
        div.eyebrow {
            span {
                "RetryExperiment "
                strong {
                    @if let Some(namespace) = &report.metadata.namespace { (namespace) "/" }
                    (report.metadata.name)
                }
            }
            span { (source) }
            @if let Some(started) = report.status.started_at.as_ref().filter(|_| report.source != Source::Simulation) {
                span { (started.0.strftime("%Y-%m-%d %H:%M UTC").to_string()) }
            }
            span {
                @let load = words::load(&spec.load);
                @if !load.is_empty() { code { (load) } ", " }
                (spec.duration.to_string()) " an arm, seed " (spec.seed)
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let tone = summary::tone(report.status.verdict);
    html! {
        div class={ "verdict " (tone) } {
            h1 { (headline(report)) }
            @if let Some(finding) = finding(report) { p { (finding) } }
        }
    }
}

fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="Contents" {
            a href="#compared" { "Arms side by side" }
            @for (number, arm) in report.spec.arms.iter().enumerate() {
                a href={ "#arm-" (number) } { (arm.name) }
            }
            a href="#next" { "What to do next" }
        }
    }
}

fn next(report: &Report) -> Markup {
    let advice = advice(report);
    html! {
        section.next #next aria-labelledby="next-title" {
            h2 #next-title { "What to do next" }
            @if advice.is_empty() {
                p.soft { "Nothing follows from these results: there is no advice without figures that give it." }
            } @else {
                ul { @for advice in advice { li { strong { (advice.what) } ": " (advice.why) "." } } }
            }
        }
    }
}

fn definitions() -> Markup {
    html! {
        p {
            "Amplification: attempts ÷ requests, of the requests that arrived in a window, whenever the attempts were made. \
             Wire: attempts sent in the window ÷ requests that arrived in it. Peak: the highest second with at least 20 arrivals. \
             Success: requests that succeeded ÷ requests. Goodput: successful answers per second. Recovery: from the last \
             fault's end to stable service. Latency: from the intended start of a request to its outcome, failures included."
        }
    }
}
