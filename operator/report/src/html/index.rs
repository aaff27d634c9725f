//! The page that lists experiments, and the one that says that there is no such report.

use maud::{Markup, html};
use retrylab_api::{RetryExperimentStatus, Verdict};

use super::{page::page, summary::tone};
use crate::{
    figure::{NOTHING, shown},
    words,
};

/// An experiment in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// For how long it has been there, such as `5m`.
    pub age: String,
    /// What it found.
    pub status: RetryExperimentStatus,
}

impl Entry {
    /// Where its report is, below the list.
    fn link(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The page with experiments, in the order in which they are given, and how many older ones there are.
pub fn index(entries: &[Entry], older: usize) -> String {
    let body = html! {
        header {
            div.eyebrow { span { "Retrylab" } }
            h1 { "Experiments" }
        }
        main { (list(entries)) (beyond(older)) }
        footer.soft {
            p { "Every report is there as a page, as " code { ".json" } " and as " code { ".md" } ": " code { "/reports/NAMESPACE/NAME.json" } "." }
        }
    };
    page("Retrylab: experiments", &body).into_string()
}

fn list(entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() {
            p { "There is no experiment yet: " code { "kubectl apply -f deploy/samples/comparison.yaml" } " makes one." }
        } @else {
            table.cards role="table" {
                thead { tr role="row" {
                    th scope="col" { "Experiment" } th scope="col" { "Namespace" } th scope="col" { "Phase" }
                    th scope="col" { "Verdict" } th scope="col" { "Arm" } th.n scope="col" { "Amplification" } th.n scope="col" { "Age" }
                } }
                tbody { @for entry in entries { (row(entry)) } }
            }
        }
    }
}

/// Where to find those that the list has no room for.
fn beyond(older: usize) -> Markup {
    html! {
        @if older > 0 {
            p { "And " (older) " more that are older: "
                code { "kubectl get rx --all-namespaces --sort-by .metadata.creationTimestamp" } "." }
        }
    }
}

fn row(entry: &Entry) -> Markup {
    let (status, summary) = (&entry.status, entry.status.summary.as_ref());
    let phase = status.phase.map_or_else(|| "New".to_owned(), |phase| words::name(&phase));
    html! {
        tr role="row" {
            th scope="row" { a href={ "/reports/" (entry.link()) } { (entry.name) } }
            td role="cell" data-label="Namespace" { (entry.namespace) }
            td role="cell" data-label="Phase" { (phase) }
            td role="cell" data-label="Verdict" {
                span class={ "mark " (tone(status.verdict)) } { (status.verdict.map_or(NOTHING, Verdict::as_str)) }
            }
            td role="cell" data-label="Arm" { (shown(summary.map(|summary| summary.arm.as_str()))) }
            td.n role="cell" data-label="Amplification" { (shown(summary.and_then(|s| s.amplification.as_deref()))) }
            td.n role="cell" data-label="Age" { (entry.age) }
        }
    }
}

/// The page for a report that there isn't, with what may help.
pub fn not_found(path: &str) -> String {
    let body = html! {
        header {
            div.eyebrow { span { "Retrylab" } }
            h1 { "There is no such report" }
        }
        main {
            p { "Nothing is known of " code { (path) } ". A report is at " code { "/reports/NAMESPACE/NAME" } ", for as long as its experiment is there." }
            p { a href="/reports/" { "All experiments" } }
        }
    };
    page("Retrylab: no such report", &body).into_string()
}
