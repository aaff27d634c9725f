//! What to do next: short, derived from the results, each with its reason. Of an arm whose evidence is incomplete nothing
//! is concluded but that.

use retrylab_api::{ArmStatus, Phase, RecoveryVerdict, Strategy, StrategyType, Verdict, WindowStatus};

use crate::{
    Report,
    comparison::{Comparison, Row, window_of},
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
    let arms: Vec<&ArmStatus> = sound.iter().filter_map(|row| row.arm).collect();
    all.extend(prefer(&sound, comparison.window));
    all.extend(arms.iter().filter_map(|arm| held_down(arm, &sound)));
    all.extend(in_vain(&arms, report));
    all.extend(in_step(&arms, report));
    all.extend(arms.iter().find_map(|arm| for_nobody(arm, report)));
    all.extend(undecided(&arms));
    all.extend(arms.iter().filter_map(|arm| surprised(arm)));
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
    } else if sent.is_some_and(|share| share < 0.99) || arm.windows.iter().any(was_dropped) {
        format!("Run {name} again with a load that the generator can send")
    } else {
        format!("Run {name} again before reading anything from it")
    };
    Some(new(what, lack.clone()))
}

/// Whether more of a window's requests were dropped than its evidence allows.
fn was_dropped(window: &WindowStatus) -> bool {
    window.fates.dropped * 100 > window.requests
}

/// One arm that does what others do for less: with fewer attempts than the one that makes the most, or with a shorter tail
/// than the one that makes the fewest.
fn prefer(sound: &[Row<'_>], window: &str) -> Option<Advice> {
    let best = cheapest(sound)?;
    let is_other = |other: &&Row<'_>| other.name != best.name && !other.stays_down() && no_better(other, &best);
    let mut others: Vec<_> = sound.iter().filter(is_other).collect();
    others.sort_by(|a, b| b.amplification().unwrap_or(0.0).total_cmp(&a.amplification().unwrap_or(0.0)));
    let fewer = others.iter().find_map(|other| Some((other, fewer_attempts(&best, other)?)));
    let shorter = || others.iter().rev().find_map(|other| Some((other, shorter_tail(&best, other)?)));
    let (other, reason) = fewer.or_else(shorter)?;
    let success = |row: &Row<'_>| percent(row.window.and_then(|window| window.success_rate.as_deref()));
    let rates = if success(&best) == success(other) {
        format!("{} of requests succeeded under both", success(&best))
    } else {
        format!("{} of requests succeeded instead of {}", success(&best), success(other))
    };
    Some(new(format!("Prefer {} to {}", best.name, other.name), format!("in {window}, {reason}, and {rates}")))
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

fn fewer_attempts(best: &Row<'_>, other: &Row<'_>) -> Option<String> {
    (best.amplification()? <= other.amplification()? * CHEAPER).then(|| attempts(best, other))
}

fn shorter_tail(best: &Row<'_>, other: &Row<'_>) -> Option<String> {
    let p99 = |row: &Row<'_>| row.arm.and_then(|arm| arm.latency.as_ref()).map(|found| latency(&found.p99));
    let (ours, theirs) = (p99(best)?, p99(other)?);
    is_much_shorter(best, other).then(|| format!("p99 is {ours} instead of {theirs} for {}", attempts(best, other)))
}

/// The attempts of two arms, in words.
fn attempts(ours: &Row<'_>, theirs: &Row<'_>) -> String {
    let [ours, theirs] = [ours, theirs].map(|row| shown(row.window.and_then(|window| window.amplification.as_deref())));
    format!("{ours} attempts per request instead of {theirs}")
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
fn in_vain(arms: &[&ArmStatus], report: &Report) -> Option<Advice> {
    let is_fault = |window: &&WindowStatus| report.spec.faults.iter().any(|fault| fault.name == window.name);
    let costly = |window: &&WindowStatus| number(window.amplification.as_deref()).is_some_and(|a| a >= COSTLY);
    let lost = |arm: &ArmStatus| {
        let window = arm.windows.iter().filter(is_fault).filter(costly).find(|w| w.fates.ok_after_retry == 0)?;
        let (extra, requests) = (window.attempts.saturating_sub(window.requests), window.requests);
        let all = (count(extra), count(requests));
        Some((
            arm.name.clone(),
            format!("in {}, {} more attempts than requests saved none of {}", window.name, all.0, all.1),
        ))
    };
    let found: Vec<_> = arms.iter().filter_map(|arm| lost(arm)).collect();
    let (_, why) = found.first()?;
    let what = format!("Bound the retries of {} with a budget, or let their delays outlive the fault", named(&found));
    Some(new(what, if found.len() > 1 { format!("{why}, under {}", found[0].0) } else { why.clone() }))
}

/// Retries that come back together in a fault: outside of one they are few, and uneven by themselves.
fn in_step(arms: &[&ArmStatus], report: &Report) -> Option<Advice> {
    let is_in_step = |arm: &ArmStatus| {
        let spec = report.spec.arms.iter().find(|spec| spec.name == arm.name);
        spec.is_some_and(|spec| waits_in_step(&spec.strategy))
    };
    let of_faults = |window: &WindowStatus| report.spec.faults.iter().any(|fault| fault.name == window.name);
    let index = |window: &'_ WindowStatus| window.sync_index.clone().filter(|_| of_faults(window));
    let found = arms.iter().filter(|arm| is_in_step(arm)).find_map(|arm| {
        let (window, most) = highest(arm, index)?;
        (most >= IN_STEP).then_some((arm, window, most))
    });
    let (arm, window, most) = found?;
    let others = arms.iter().filter(|arm| !is_in_step(arm));
    let lower = others.filter_map(|arm| {
        let theirs = window_of(arm, &window.name)?.sync_index.as_deref();
        Some((&arm.name, number(theirs).filter(|theirs| *theirs * 2.0 <= most)?, theirs?))
    });
    let lowest = lower.min_by(|a, b| a.1.total_cmp(&b.1));
    let instead = lowest.map(|(name, _, times)| format!("; under {name} it was {times} times")).unwrap_or_default();
    let times = shown(window.sync_index.as_deref());
    Some(new(
        format!("Add jitter to {}", arm.name),
        format!("in {}, the worst 100 ms held {times} times the retries of the mean 100 ms{instead}", window.name),
    ))
}

/// Whether a strategy waits, and for the same time whenever it does.
const fn waits_in_step(strategy: &Strategy) -> bool {
    matches!(strategy.kind, StrategyType::Fixed | StrategyType::Backoff)
}

/// Work that nobody waited for.
fn for_nobody(arm: &ArmStatus, report: &Report) -> Option<Advice> {
    let (window, wasted) = highest(arm, |window| window.wasted_work.clone())?;
    let backend = &report.spec.backend;
    let what = match (backend.drop_expired, backend.cancel_on_disconnect) {
        (true, true) => return None,
        (false, true) => "Let the backend drop requests whose deadline has passed (dropExpired)",
        (true, false) => "Let the backend stop work whose client has gone (cancelOnDisconnect)",
        (false, false) => "Let the backend drop what nobody waits for (dropExpired, cancelOnDisconnect)",
    };
    (wasted >= WASTED).then(|| {
        let share = percent(window.wasted_work.as_deref());
        let why = format!(
            "under {}, {share} of what it completed in {} was for clients that had gone",
            arm.name, window.name
        );
        new(what, why)
    })
}

/// The window in which a figure is highest, the first of them, with the figure.
fn highest(arm: &ArmStatus, figure: impl Fn(&WindowStatus) -> Option<String>) -> Option<(&WindowStatus, f64)> {
    let figures = arm.windows.iter().filter_map(|window| Some((window, number(figure(window).as_deref())?)));
    figures.reduce(|most, other| if other.1 > most.1 { other } else { most })
}

/// A recovery of which nothing can be said.
fn undecided(arms: &[&ArmStatus]) -> Option<Advice> {
    let recovery = |arm: &&ArmStatus| arm.recovery.clone().filter(|r| r.verdict == RecoveryVerdict::Undetermined);
    let found: Vec<_> = arms.iter().filter_map(|arm| Some((arm.name.clone(), recovery(arm)?.message))).collect();
    let (_, why) = found.first()?;
    Some(new(
        format!("To learn about the recovery of {}, give the run more time or more requests", named(&found)),
        why.clone(),
    ))
}

/// The arms of a list of findings: "a, b and c".
fn named(found: &[(String, String)]) -> String {
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// What simulations did not expect.
fn surprised(arm: &ArmStatus) -> Option<Advice> {
    let outside = arm.outside_prediction.first()?;
    let what = format!("Look for what else was measured in {}: the network, the node, other load", arm.name);
    Some(new(what, outside.clone()))
}
