//! One arm: its timeline, its figures, what was expected, and what they are founded on.

use maud::{Markup, html};
use retrylab_api::{Arm, ArmPhase, ArmStatus};

use super::{scale::Scales, summary::recovery_tone, tables, timeline};
use crate::{Report, words};

/// The section of an arm; `number` is its place in the spec.
pub fn section(report: &Report, spec: &Arm, number: usize, scales: &Scales) -> Markup {
    let arm = report.status.arms.iter().find(|arm| arm.name == spec.name);
    html! {
        section.arm aria-labelledby={ "arm-" (number) } {
            h2 id={ "arm-" (number) } { (spec.name) }
            p.soft {
                code { (words::strategy(spec)) }
                @if let Some(worst) = arm.and_then(|arm| arm.worst_case.as_ref()) {
                    ". Whatever fails, it allows " (worst) " attempts per request at most, over the whole run"
                } "."
            }
            @match arm {
                None => { p { "This arm has not begun." } },
                Some(arm) if arm.windows.is_empty() => { (without_figures(arm)) },
                Some(arm) => {
                    (recovery(arm))
                    @if let Some(series) = report.series_of(&arm.name) {
                        (timeline::figure(series, &report.spec, number, scales))
                    } @else { p.soft { "There is no timeline of this arm." } }
                    (tables::windows(arm))
                    div.pair { (tables::latencies(arm, scales)) (tables::fates(arm)) }
                    @if report.source != crate::Source::Simulation { (tables::predictions(arm)) }
                    @if let Some(evidence) = &arm.evidence { (tables::evidence(evidence)) }
                },
            }
        }
    }
}

fn without_figures(arm: &ArmStatus) -> Markup {
    html! {
        p {
            @match arm.phase {
                ArmPhase::Running => {
                    "This arm is under way since " (arm.run.starts_at.0.strftime("%H:%M:%S UTC").to_string())
                    "; its figures come when it is over."
                },
                ArmPhase::Stopped => { "This arm was stopped before its end, and has no figures." },
                ArmPhase::Complete => { "This arm has no figures." },
            }
        }
    }
}

fn recovery(arm: &ArmStatus) -> Markup {
    html! {
        @if let Some(recovery) = &arm.recovery {
            p { span class={ "mark " (recovery_tone(recovery.verdict)) } { (recovery.verdict.as_str()) } ": " (recovery.message) "." }
        }
    }
}
