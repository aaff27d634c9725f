//! The verdict in one sentence, and what tells the arms apart in another.

use std::cmp::Ordering;

use retrylab_api::{ArmPhase, CriterionStatus, Phase, RetryExperimentStatus, Verdict};

use crate::{
    Report, Source,
    comparison::{Comparison, Row},
    figure::{NOTHING, percent, shown},
};

/// Most arms that are all named; of more the best and the worst.
const NAMED_MAX: usize = 4;

/// The verdict in one sentence. What has no verdict says why, before anything else.
pub fn headline(report: &Report) -> String {
    let status = &report.status;
    let message = status.message.as_deref().unwrap_or("no reason is given").trim_end_matches('.');
    let simulated = if report.source == Source::Simulation { " in simulation" } else { "" };
    match status.verdict {
        Some(Verdict::Passed) => format!("Passed{simulated}: {}.", held(status)),
        Some(Verdict::Failed) => format!("Failed{simulated}: {}.", broken(status, message)),
        Some(Verdict::Inconclusive) => {
            format!("Inconclusive: {}. Nothing below carries a verdict.", why_not(status, message))
        }
        Some(Verdict::Aborted) => format!("Aborted: {message}; {} done.", done(report)),
        Some(Verdict::Error) => format!("Error: {message}."),
        None if report.source == Source::Simulation => format!("Simulated, without a verdict: {} done.", done(report)),
        None => under_way(report),
    }
}

/// What tells the arms apart, in one sentence; `None`: fewer than two of them may be compared.
pub fn finding(report: &Report) -> Option<String> {
    let comparison = Comparison::of(report);
    let arms: Vec<_> = comparison.sound().filter(|row| row.amplification().is_some()).collect();
    let (first, others) = match arms.as_slice() {
        [] | [_] => return None,
        [first, others @ ..] if others.len() < NAMED_MAX => (*first, others.to_vec()),
        all => {
            let worth = |row: &Row<'_>| (row.success().unwrap_or(0.0), -row.amplification().unwrap_or(0.0));
            let by_worth = |a: &&Row<'_>, b: &&Row<'_>| worth(a).partial_cmp(&worth(b)).unwrap_or(Ordering::Equal);
            (*all.iter().min_by(by_worth)?, vec![*all.iter().max_by(by_worth)?])
        }
    };
    let place = if report.spec.faults.is_empty() {
        "Over the whole run".to_owned()
    } else {
        format!("In the window {}", comparison.window)
    };
    let (attempts, success) = figures(&first)?;
    let is_same = |row: &Row<'_>| figures(row).as_ref() == Some(&(attempts.clone(), success.clone()));
    if arms.len() <= NAMED_MAX && others.iter().all(is_same) && !arms.iter().any(Row::stays_down) {
        let names: Vec<_> = arms.iter().map(|row| row.name).collect();
        let names = names.join(", ");
        return Some(format!(
            "{place}, {names} each made {attempts} attempts per request, and {success} of requests succeeded."
        ));
    }
    let down = |row: &Row<'_>| if row.stays_down() { " (and it stayed down afterwards)" } else { "" };
    let others = others.iter().filter_map(|row| {
        let (attempts, success) = figures(row)?;
        Some(format!("with {} it was {attempts} and {success}{}", row.name, down(row)))
    });
    let others: Vec<_> = others.collect();
    Some(format!(
        "{place}, {} made {attempts} attempts per request, and {success} of requests succeeded{}; {}.",
        first.name,
        down(&first),
        others.join(", ")
    ))
}

fn figures(row: &Row<'_>) -> Option<(String, String)> {
    let window = row.window?;
    Some((shown(window.amplification.as_deref()).to_owned(), percent(window.success_rate.as_deref())))
}

/// A criterion that was checked, in words.
pub fn check(criterion: &CriterionStatus) -> String {
    let CriterionStatus { name, arm, observed, bound, holds: _ } = criterion;
    format!("{name} in {arm} is {}, to be {bound}", observed.as_deref().unwrap_or(NOTHING))
}

fn held(status: &RetryExperimentStatus) -> String {
    match status.criteria.len() {
        0 => "the evidence is complete, and no criteria were set".to_owned(),
        1 => "the evidence is complete, and the one check holds".to_owned(),
        n => format!("the evidence is complete, and all {n} checks hold"),
    }
}

fn broken(status: &RetryExperimentStatus, message: &str) -> String {
    let broken: Vec<_> = status.criteria.iter().filter(|criterion| criterion.holds == Some(false)).collect();
    let Some(first) = broken.first() else { return message.to_owned() };
    let all = status.criteria.len();
    match broken.len() {
        1 => format!("1 of {all} checks does not hold: {}", check(first)),
        n => format!("{n} of {all} checks do not hold; the first: {}", check(first)),
    }
}

fn why_not(status: &RetryExperimentStatus, message: &str) -> String {
    let shortcomings = status.arms.iter().flat_map(|arm| {
        arm.evidence.iter().flat_map(|evidence| &evidence.shortcomings).map(|lack| (arm.name.as_str(), lack.as_str()))
    });
    let shortcomings: Vec<_> = shortcomings.collect();
    match shortcomings.as_slice() {
        [] => message.to_owned(),
        [(arm, lack)] => format!("in {arm}, {lack}"),
        [(arm, lack), rest @ ..] => format!("in {arm}, {lack}; and {} more", rest.len()),
    }
}

fn done(report: &Report) -> String {
    let done = report.status.arms.iter().filter(|arm| !arm.windows.is_empty()).count();
    match report.spec.arms.len() {
        1 if done == 1 => "the one arm is".to_owned(),
        all if done == all => format!("all {all} arms are"),
        all => format!("{done} of {all} arms are"),
    }
}

fn under_way(report: &Report) -> String {
    let status = &report.status;
    let running = status.arms.last().filter(|arm| arm.phase == ArmPhase::Running);
    match (status.phase, running) {
        (Some(Phase::Running), Some(arm)) => {
            let (n, all) = (status.arms.len(), report.spec.arms.len());
            format!("Running: arm {} is under way, {n} of {all}; there is no verdict yet.", arm.name)
        }
        (Some(Phase::Running | Phase::Complete), _) => format!("Running: {} done.", done(report)),
        (Some(Phase::Paused), _) => format!("Paused: the next arm is held back; {} done.", done(report)),
        (Some(Phase::Deploying) | None, _) => "Not started: the workloads are not ready yet.".to_owned(),
    }
}
