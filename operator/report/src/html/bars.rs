//! Small pictures in the rows of tables: shares of fates, ranges of latency, bands of predictions.

use maud::{Markup, html};
use retrylab_api::{FatesStatus, LatencyStatus, PredictedBand};

use super::scale::{Scales, pct};
use crate::figure::{count, number};

/// The fates with their counts, the good ones first: name, class, count.
pub fn named(fates: &FatesStatus) -> [(&'static str, &'static str, u64); 8] {
    let FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } =
        *fates;
    [
        ("ok", "ok", ok),
        ("ok after retry", "ok-late", ok_after_retry),
        ("exhausted", "exhausted", exhausted),
        ("budget denied", "budget", budget_denied),
        ("breaker open", "breaker", breaker_open),
        ("deadline", "deadline", deadline),
        ("not retryable", "refused", not_retryable),
        ("dropped", "dropped", dropped),
    ]
}

/// How requests ended, as shares of a bar, with the numbers beside it.
pub fn fates(fates: &FatesStatus) -> Markup {
    let there: Vec<_> = named(fates).into_iter().filter(|(.., n)| *n > 0).collect();
    let all: u64 = there.iter().map(|(.., n)| n).sum();
    let of_all = |n: u64| n as f64 / all.max(1) as f64 * 100.0;
    let begun = there.iter().scan(0, |before, (.., n)| {
        *before += n;
        Some(*before - n)
    });
    html! {
        @if all > 0 {
            svg.bar height="14" aria-hidden="true" {
                @for ((_, class, n), before) in there.iter().zip(begun) {
                    rect class=(class) x=(pct(of_all(before))) width=(pct(of_all(*n))) height="14" {}
                }
            }
        }
        div.chips {
            @for (name, class, n) in &there { span { span class={ "chip " (class) } {} (name) " " (count(*n)) } }
            @if there.is_empty() { "no requests" }
        }
    }
}

/// p50, p99 and p99.9 on a logarithmic axis.
pub fn latency(latency: &LatencyStatus, scales: &Scales) -> Markup {
    let at = |ms: &str| number(Some(ms)).map(|ms| pct(scales.log_x(ms)));
    let (p50, p99, p999) = (at(&latency.p50), at(&latency.p99), at(&latency.p999));
    html! {
        svg.bar height="16" aria-hidden="true" {
            line.grid x1="0" x2="100%" y1="8" y2="8" {}
            @if let (Some(from), Some(to)) = (&p50, &p999) { line.span x1=(from) x2=(to) y1="8" y2="8" {} }
            @for (at, class) in [(p999, "p999"), (p99, "p99"), (p50, "p50")] {
                @if let Some(at) = at { circle class={ "dot " (class) } cx=(at) cy="8" r="4.5" {} }
            }
        }
    }
}

/// A measured figure on the band in which it was expected; `most` is the end of the axis.
pub fn expected(measured: Option<&str>, band: &PredictedBand, most: f64) -> Markup {
    let (low, high) = (number(Some(&band.low)), number(Some(&band.high)));
    let at = |value: f64| (value / most * 100.0).clamp(0.0, 100.0);
    let measured = number(measured);
    let outside =
        measured.zip(low).is_some_and(|(m, low)| m < low) || measured.zip(high).is_some_and(|(m, high)| m > high);
    html! {
        svg.bar height="16" aria-hidden="true" {
            rect.range x="0" width="100%" y="5" height="6" {}
            @if let (Some(low), Some(high)) = (low, high) {
                // A band of no width is still seen.
                rect.expected x=(pct(at(low).min(99.0))) width=(pct((at(high) - at(low)).max(1.0))) y="1" height="14" {}
            }
            @if let Some(measured) = measured {
                circle class=(if outside { "dot outside" } else { "dot" }) cx=(pct(at(measured))) cy="8" r="4.5" {}
            }
        }
    }
}
