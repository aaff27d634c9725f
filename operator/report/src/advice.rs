//! What to do next: short, derived from the results, each with its reason. Of an arm whose evidence is incomplete nothing
//! is concluded but that.

use retrylab_api::{ArmStatus, Phase, RecoveryVerdict, Strategy, StrategyType, Verdict, WindowStatus};

use crate::{
    Report,
    comparison::{Comparison, Row},
    figure::{count, latency, number, percent, shown},
};

/// A retry is expensive from so many attempts per request on.
const COSTLY: f64 = 1.5;
/// Retries in the worst 100 ms, in multiples of the mean, from which on they come in step.
const IN_STEP: f64 = 5.0;
/// The share of completed work that nobody waited for, from which on that is worth a word.
const WASTED: f64 = 0.1;
/// By how much one arm must have fewer attempts than another to be called cheaper.
const CHEAPER: f64 = 0.95;
/// Success rates that differ by no more than this are taken for the same: half a percent.
const SAME_SUCCESS: f64 = 0.005;
/// How many times shorter a p99 must be to be worth more attempts.
const MUCH_SHORTER: f64 = 2.0;
/// How many more attempts it may cost then.
const FEW_MORE: f64 = 1.1;
/// The longest list.
const ADVICE_MAX: usize = 8;

/// Something to do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do.
    pub what: String,
    /// The figures that say so.
    pub why: String,
}

/// What to do next. Nothing while the experiment goes on.
pub fn advice(report: &Report) -> Vec<Advice> {
    let is_over = report.status.verdict.is_some() || report.source == crate::Source::Simulation;
    if !is_over || matches!(report.status.verdict, Some(Verdict::Aborted | Verdict::Error)) {
        return vec![];
    }
    let comparison = Comparison::of(report);
    let mut all: Vec<Advice> = report.status.arms.iter().filter_map(unsound).collect();
    let sound: Vec<Row<'_>> = comparison.sound().collect();
    all.extend(prefer(&sound, comparison.window));
    for row in &sound {
        let Some(arm) = row.arm else { continue };
        all.extend(held_down(arm, &sound));
        all.extend(in_vain(arm, report));
        all.extend(in_step(arm, report));
        all.extend(for_nobody(arm, report));
        all.extend(undecided(arm));
        all.extend(surprised(arm));
    }
    if report.spec.criteria.is_empty() && report.status.phase == Some(Phase::Complete) {
        all.push(new(
            "Set criteria, so that the next run can fail",
            "spec.criteria is empty: nothing was asked of the arms",
        ));
    }
    all.truncate(ADVICE_MAX);
    all
}

fn new(what: impl Into<String>, why: impl Into<String>) -> Advice {
    Advice { what: what.into(), why: why.into() }
}

/// Evidence that is incomplete: what to mend before the next run.
fn unsound(arm: &ArmStatus) -> Option<Advice> {
    let evidence = arm.evidence.as_ref()?;
    let lack = evidence.shortcomings.first()?;
    let (late, sent) = (number(evidence.lateness_p99.as_deref()), number(evidence.load_achieved.as_deref()));
    let name = &arm.name;
    let what = if late.is_some_and(|ms| ms > 100.0) {
        format!("Run {name} again on a quieter node, or with more CPU for the load generator")
    } else if sent.is_some_and(|share| share < 0.99) {
        format!("Run {name} again with a load that the generator can send")
    } else {
        format!("Run {name} again before reading anything from it")
    };
    Some(new(what, lack.clone()))
}

/// One arm that does what others do for less.
fn prefer(sound: &[Row<'_>], window: &str) -> Option<Advice> {
    let (best, others) = (cheapest(sound)?, sound);
    let dearer = others.iter().filter(|other| other.name != best.name && no_better(other, &best));
    let (dearest, reason) = dearer.filter_map(|other| Some((other, gain(&best, other)?))).max_by(|a, b| {
        let load = |row: &Row<'_>| row.amplification().unwrap_or(0.0);
        load(a.0).total_cmp(&load(b.0))
    })?;
    let success = percent(best.window?.success_rate.as_deref());
    let other = percent(dearest.window?.success_rate.as_deref());
    let rates = if success == other {
        format!("{success} of requests succeeded under both")
    } else {
        format!("{success} of requests succeeded, under {} {other}", dearest.name)
    };
    Some(new(format!("Prefer {} to {}", best.name, dearest.name), format!("in {window}, {reason}, and {rates}")))
}

/// Of the arms that came back and saved the most requests, the one with the shortest tail where that is much shorter for few
/// attempts more, else the one with the fewest attempts.
fn cheapest<'r>(sound: &[Row<'r>]) -> Option<Row<'r>> {
    let up = || sound.iter().filter(|row| !row.stays_down());
    let most = up().filter_map(Row::success).fold(0.0, f64::max);
    let saved = up().filter(|row| row.success().is_some_and(|rate| rate >= most - SAME_SUCCESS));
    let mut saved: Vec<_> = saved.filter(|row| row.amplification().is_some()).copied().collect();
    saved.sort_by(|a, b| a.amplification().unwrap_or(0.0).total_cmp(&b.amplification().unwrap_or(0.0)));
    let fewest = saved.first().copied()?;
    let shorter = saved.iter().find(|row| is_much_shorter(row, &fewest));
    Some(shorter.copied().unwrap_or(fewest))
}

fn is_much_shorter(row: &Row<'_>, than: &Row<'_>) -> bool {
    let (Some(short), Some(long)) = (row.p99_ms(), than.p99_ms()) else { return false };
    let (Some(more), Some(less)) = (row.amplification(), than.amplification()) else { return false };
    short * MUCH_SHORTER <= long && more <= less * FEW_MORE
}

/// Whether an arm saves no more requests than the best one.
fn no_better(other: &Row<'_>, best: &Row<'_>) -> bool {
    other.success().zip(best.success()).is_some_and(|(other, best)| other <= best + SAME_SUCCESS)
}

/// What the best arm has over the other, in words.
fn gain(best: &Row<'_>, other: &Row<'_>) -> Option<String> {
    let (ours, theirs) = (best.window?, other.window?);
    let loads = (shown(ours.amplification.as_deref()), shown(theirs.amplification.as_deref()));
    if best.amplification()? <= other.amplification()? * CHEAPER {
        return Some(format!("{} attempts per request instead of {}", loads.0, loads.1));
    }
    let p99 = |row: &Row<'_>| row.arm.and_then(|arm| arm.latency.as_ref()).map(|l| latency(&l.p99));
    if is_much_shorter(best, other) {
        let (ours, theirs) = (p99(best)?, p99(other)?);
        return Some(format!(
            "p99 is {ours} instead of {theirs} for {} attempts per request instead of {}",
            loads.0, loads.1
        ));
    }
    None
}

/// A service that its own retries hold down.
fn held_down(arm: &ArmStatus, sound: &[Row<'_>]) -> Option<Advice> {
    let recovery = arm.recovery.as_ref()?;
    let what = match recovery.verdict {
        RecoveryVerdict::MetastableConfirmed | RecoveryVerdict::MetastableSuspected => {
            format!("Don't run {} at this load: give it fewer attempts, or a budget", arm.name)
        }
        RecoveryVerdict::Overloaded => "Lower the load or raise the capacity before comparing policies".to_owned(),
        _ => return None,
    };
    let back: Vec<_> = sound.iter().filter(|row| row.came_back()).map(|row| row.name).collect();
    let others = if back.is_empty() { String::new() } else { format!("; under {} it came back", back.join(" and ")) };
    Some(new(what, format!("{}: {}{others}", recovery.verdict.as_str(), recovery.message)))
}

/// Retries that saved nobody.
fn in_vain(arm: &ArmStatus, report: &Report) -> Option<Advice> {
    let is_fault = |window: &&WindowStatus| report.spec.faults.iter().any(|fault| fault.name == window.name);
    let costly = |window: &&WindowStatus| number(window.amplification.as_deref()).is_some_and(|a| a >= COSTLY);
    let window = arm.windows.iter().filter(is_fault).filter(costly).find(|w| w.fates.ok_after_retry == 0)?;
    let extra = count(window.attempts.saturating_sub(window.requests));
    Some(new(
        format!("Bound the retries of {} with a budget, or let their delays outlive the fault", arm.name),
        format!("in {}, {extra} more attempts than requests saved none of {}", window.name, count(window.requests)),
    ))
}

/// Retries that come back together.
fn in_step(arm: &ArmStatus, report: &Report) -> Option<Advice> {
    let strategy = &report.spec.arms.iter().find(|spec| spec.name == arm.name)?.strategy;
    if !waits_in_step(strategy) {
        return None;
    }
    let index = |window: &&WindowStatus| number(window.sync_index.as_deref()).unwrap_or(0.0);
    let window = arm.windows.iter().max_by(|a, b| index(a).total_cmp(&index(b)))?;
    (index(&window) >= IN_STEP).then(|| {
        let times = shown(window.sync_index.as_deref());
        new(
            format!("Add jitter to {}", arm.name),
            format!("in {}, the worst 100 ms held {times} times the retries of the mean 100 ms", window.name),
        )
    })
}

/// Whether a strategy waits, and for the same time whenever it does.
const fn waits_in_step(strategy: &Strategy) -> bool {
    matches!(strategy.kind, StrategyType::Fixed | StrategyType::Backoff)
}

/// Work that nobody waited for.
fn for_nobody(arm: &ArmStatus, report: &Report) -> Option<Advice> {
    let wasted = |window: &&WindowStatus| number(window.wasted_work.as_deref()).unwrap_or(0.0);
    let window = arm.windows.iter().max_by(|a, b| wasted(a).total_cmp(&wasted(b)))?;
    let backend = &report.spec.backend;
    let what = match (backend.drop_expired, backend.cancel_on_disconnect) {
        (true, true) => return None,
        (false, true) => "Let the backend drop requests whose deadline has passed (dropExpired)",
        (true, false) => "Let the backend stop work whose client has gone (cancelOnDisconnect)",
        (false, false) => "Let the backend drop what nobody waits for (dropExpired, cancelOnDisconnect)",
    };
    (wasted(&window) >= WASTED).then(|| {
        let share = percent(window.wasted_work.as_deref());
        let why = format!(
            "under {}, {share} of what it completed in {} was for clients that had gone",
            arm.name, window.name
        );
        new(what, why)
    })
}

/// A recovery of which nothing can be said.
fn undecided(arm: &ArmStatus) -> Option<Advice> {
    let recovery = arm.recovery.as_ref().filter(|recovery| recovery.verdict == RecoveryVerdict::Undetermined)?;
    let what = format!("To learn whether {} recovers, give the run more time or more requests", arm.name);
    Some(new(what, recovery.message.clone()))
}

/// What simulations did not expect.
fn surprised(arm: &ArmStatus) -> Option<Advice> {
    let outside = arm.outside_prediction.first()?;
    let what = format!("Look for what else was measured in {}: the network, the node, other load", arm.name);
    Some(new(what, outside.clone()))
}
