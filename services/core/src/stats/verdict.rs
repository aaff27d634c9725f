//! The recovery verdict: did the service come back by itself, in the time that the backlog explains, or is it held down by
//! its own retries?
//!
//! Metastable failures: Bronson, Aghayev, Charapko, Zhu, "Metastable Failures in Distributed Systems", `HotOS`'21. What tells
//! them from a slow recovery is time, so no verdict comes sooner than the time in which the backlog could be worked off.

use super::{
    ArmCounts, Bound, Disturbance, Drain, Load, Outage, Ratio, Recovery,
    baseline::{Unfit, settled_ms, unfit},
    recovery::{Course, REQUESTS_MIN, STABLE_MS, STEP_MS, Service, Steady},
    time_to_recovery,
};
use crate::load::ArrivalLaw;

/// How much later than predicted is still as predicted: the search begins with a whole second, and latencies are kept by
/// the second, so each end of the time may be off by one.
const GRAIN_MS: u64 = 2 * STEP_MS;

/// How service came back after a disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryVerdict {
    /// Neither the share that succeeded nor the attempts per request of the requests that arrived in the disturbance
    /// differ from the baseline's by more than three standard errors, p99 is that of the baseline, and service was good
    /// from the disturbance's end on.
    NoEffect,
    /// Service was good, and stayed so for ten seconds, within the drain time (predicted, else [`Drain::bound`]) and
    /// two seconds of grain.
    Recovered,
    /// Service was good later than that; or not yet, with goodput that is at 95 % of the baseline's by the end, or rising.
    SlowRecovery,
    /// By the end goodput is below 95 % of the baseline's and not rising, the drain time (the longer of the two) and ten
    /// seconds have passed, and the load is one that the baseline served: something holds the service down.
    MetastableSuspected,
    /// The same, and then the load was shed for a while: service was good afterwards, and stayed so under the load that it
    /// had been down under.
    MetastableConfirmed,
    /// The baseline itself fails: under 95 % of its requests succeed, or by its second half, of a second or more, answers of
    /// success fall behind arrivals. Or service was not back, and the load alone is beyond the most that the backends serve.
    Overloaded,
    /// What was seen carries no verdict.
    Undetermined,
}

/// A verdict and why it is that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// When service was back; `None` where there is no baseline that it could have come back to, or too little to look at.
    pub recovery: Option<Recovery>,
    /// The verdict.
    pub verdict: RecoveryVerdict,
    /// Why, in words.
    pub why: String,
}

/// Judges how service came back in a run. `predicted_ms` is the time to recovery that a simulation of the run found; where
/// there is none, the closed form of `drain` is what the time is held against. Nothing is said to be down for good before
/// both are over: a dozen simulations need not have met the longest time.
pub fn judge(counts: &ArmCounts, course: &Course, drain: &Drain, predicted_ms: Option<u64>) -> Judgement {
    let unjudged = |verdict, why| Judgement { recovery: None, verdict, why };
    match unfit(counts, course) {
        Some(Unfit::TooFew(why)) => return unjudged(RecoveryVerdict::Undetermined, why),
        Some(Unfit::Fails(why)) => return unjudged(RecoveryVerdict::Overloaded, why),
        None => {}
    }
    let load = load(counts, course);
    let bound = drain.bound(&load, &disturbance(counts, course));
    let recovery = time_to_recovery(counts, course);
    let (verdict, why) = match (recovery, Service::new(counts, course)) {
        (_, None) => no_baseline(course),
        (Some(Recovery::After(ms)), Some(service)) => {
            let due = predicted_ms.map(Due::Predicted).or(match bound {
                Bound::Within(ms) => Some(Due::Bound(ms)),
                Bound::Never | Bound::Open => None,
            });
            back(counts, course, &service, drain, (ms, due))
        }
        (Some(Recovery::LongerThan(_)), Some(service)) => match (bound, predicted_ms) {
            (Bound::Within(ms), _) => not_back(counts, course, &service, ms.max(predicted_ms.unwrap_or(0))),
            (Bound::Never, Some(ms)) => not_back(counts, course, &service, ms),
            (Bound::Never, None) => {
                let why = format!("{} arrive, and the capacity is {}/s", rates(&load), rate(drain.capacity_per_ks));
                return unjudged(RecoveryVerdict::Overloaded, why);
            }
            (Bound::Open, _) => {
                let close = "too close to what is served to say how long the backlog takes";
                (RecoveryVerdict::Undetermined, format!("{} arrive, {close}", rates(&load)))
            }
        },
        (None, Some(_)) => {
            let bound_ms = if let Bound::Within(ms) = bound { ms } else { 0 };
            too_short(course, predicted_ms.unwrap_or(0).max(bound_ms))
        }
    };
    Judgement { recovery, verdict, why }
}

type Verdict = (RecoveryVerdict, String);

/// The rate of arrivals without bursts: as it is planned, or else as it was measured before and after the disturbance, each to
/// within three standard errors. In a closed loop users of a service that is down come less often.
fn load(counts: &ArmCounts, course: &Course) -> Load {
    if let Some(Steady { per_ks, arrivals }) = course.steady {
        return Load { low_per_ks: per_ks, high_per_ks: per_ks, is_random: arrivals == ArrivalLaw::Poisson };
    }
    let measured = |(from, to): (u64, u64)| {
        let arrived = counts.load.planned.sum(from, Some(to)).saturating_sub(course.burst_requests(from, to)) as f64;
        let rate = |requests: f64| (requests.max(0.0) * 1_000_000.0 / (to - from) as f64) as u64;
        (rate(arrived - 3.0 * arrived.sqrt()), rate(arrived + 3.0 * arrived.sqrt()))
    };
    let stretches = [(0, course.from_ms), (course.to_ms, course.alone_until_ms())];
    let rates = || stretches.into_iter().filter(|(from, to)| from < to).map(measured);
    let low_per_ks = rates().map(|(low, _)| low).min().unwrap_or(0);
    Load { low_per_ks, high_per_ks: rates().map(|(_, high)| high).max().unwrap_or(0), is_random: true }
}

/// What the run has left behind, as it was counted. The burst of a baseline that is still being worked off is in what waits.
fn disturbance(counts: &ArmCounts, course: &Course) -> Disturbance {
    let in_outages: u64 = course.outages().map(|(from, to)| course.burst_requests(from, to)).sum();
    let until = course.alone_until_ms();
    let came = counts.backend.received.sum(0, Some(course.from_ms));
    Disturbance {
        outages: course
            .outages()
            .map(|(from, to)| Outage { for_ms: to - from, per_ks: per_ks(counts, from, to) })
            .collect(),
        waiting: came.saturating_sub(counts.backend.ends().sum(0, Some(course.from_ms))),
        on_top: course.burst_requests(course.from_ms, until).saturating_sub(in_outages),
    }
}

/// By when service should be back, in milliseconds after the disturbance.
#[derive(Clone, Copy)]
enum Due {
    /// The longest time that simulations of the run took.
    Predicted(u64),
    /// The closed form.
    Bound(u64),
}

impl Due {
    const fn ms(self) -> u64 {
        match self {
            Self::Predicted(ms) | Self::Bound(ms) => ms,
        }
    }
}

/// Service was back after so many milliseconds. Nothing due: the capacity as it is reckoned explains no time, but what was seen
/// shows that it was enough; or it is too close to say.
fn back(
    counts: &ArmCounts,
    course: &Course,
    service: &Service<'_>,
    drain: &Drain,
    (ms, due): (u64, Option<Due>),
) -> Verdict {
    if ms < STEP_MS && !shows(counts, course, service, drain.attempts_max) {
        return (RecoveryVerdict::NoEffect, "nothing differs from the baseline".into());
    }
    let Some(due) = due else {
        return (RecoveryVerdict::Recovered, format!("service was back {} after the fault", seconds(ms)));
    };
    let why = match due {
        Due::Predicted(ms) => format!("at most {} were predicted", seconds(ms)),
        Due::Bound(ms) => format!("working off the backlog takes up to {}", seconds(ms)),
    };
    let time = format!("service was back {} after the fault, and {why}", seconds(ms));
    let in_time = ms <= due.ms().saturating_add(GRAIN_MS);
    (if in_time { RecoveryVerdict::Recovered } else { RecoveryVerdict::SlowRecovery }, time)
}

/// Whether the requests of the disturbance differ from those of the baseline, or there are too few to tell. Those that it
/// caught under way are of neither.
fn shows(counts: &ArmCounts, course: &Course, service: &Service<'_>, attempts_max: u64) -> bool {
    let of = |from, to| {
        let sum = |column: &super::Counts| column.sum(from, Some(to)) as f64;
        let requests = sum(&counts.load.planned);
        let retries = counts.layers().map(|client| sum(&client.retries)).sum();
        (requests, requests - sum(&counts.load.ok), retries)
    };
    let (before, failed_before, retried_before) = of(0, settled_ms(counts, course).unwrap_or(0));
    let (within, failed_within, retried_within) = of(course.from_ms, course.to_ms);
    if (within as u64) < REQUESTS_MIN {
        return true;
    }
    // Retries come in bunches of up to n − 1: their variance is so many times that of single events.
    let bunch = (attempts_max.max(2) - 1) as f64;
    differ((failed_before, before), (failed_within, within), 1.0)
        || differ((retried_before, before), (retried_within, within), bunch)
        || service.is_slow(course.from_ms, course.to_ms)
}

/// Whether two rates of events per request differ by more than three standard errors of events that come in bunches.
fn differ((a, of_a): (f64, f64), (b, of_b): (f64, f64), bunch: f64) -> bool {
    let pooled = (a + b) / (of_a + of_b);
    (a / of_a - b / of_b).abs() > 3.0 * (bunch * pooled * (1.0 / of_a + 1.0 / of_b)).sqrt()
}

/// Service was not good for ten seconds in the time in which it was on its own.
fn not_back(counts: &ArmCounts, course: &Course, service: &Service<'_>, drain_ms: u64) -> Verdict {
    let (from, until) = (course.to_ms, course.alone_until_ms());
    let alone_ms = until - from;
    if alone_ms < drain_ms.saturating_add(STABLE_MS) {
        return too_short(course, drain_ms);
    }
    let length = STABLE_MS.min(alone_ms / 2 / STEP_MS * STEP_MS);
    let (last, before) = ((until - length, until), (until - 2 * length, until - length));
    let asked = counts.load.planned.sum(last.0, Some(last.1));
    if asked < REQUESTS_MIN {
        let why = format!("{asked} requests in the last {} say nothing; {REQUESTS_MIN} are needed", seconds(length));
        return (RecoveryVerdict::Undetermined, why);
    }
    if service.is_up(last.0, last.1) {
        let why = format!("goodput is back, but was not good for ten seconds within {}", seconds(alone_ms));
        return (RecoveryVerdict::SlowRecovery, why);
    }
    let answered = |(from, to)| {
        let arrived = counts.load.planned.sum(from, Some(to));
        (counts.load.goodput.sum(from, Some(to)).min(arrived) as f64, arrived as f64)
    };
    let (now, earlier) = (answered(last), answered(before));
    if now.0 / now.1 > earlier.0 / earlier.1 && differ(now, earlier, 1.0) {
        return (RecoveryVerdict::SlowRecovery, format!("goodput still rises {} after the fault", seconds(alone_ms)));
    }
    if !serves_no_more(counts, course, from, until) {
        let (after, base) = (per_ks(counts, from, until), per_ks(counts, 0, course.from_ms));
        let why = format!("{}/s arrive after the fault, and only {}/s in the baseline", rate(after), rate(base));
        return (RecoveryVerdict::Undetermined, why);
    }
    let share = Ratio::new(now.0 as u64, now.1 as u64).map_or_else(String::new, |share| share.to_string());
    let down = format!("{share} of the arrivals succeed {} after the fault, and not more by and by", seconds(alone_ms));
    match course.shed.iter().enumerate().find(|(i, _)| brought_back(counts, course, service, *i)) {
        Some((_, &(at, end))) => {
            let why = format!("{down}; shedding load for {} brought it back, and it stayed", seconds(end - at));
            (RecoveryVerdict::MetastableConfirmed, why)
        }
        None if course.shed.is_empty() => (RecoveryVerdict::MetastableSuspected, down),
        None => (RecoveryVerdict::MetastableSuspected, format!("{down}; shedding load did not bring it back")),
    }
}

/// Whether service was good after the load was shed for the i-th time, and stayed so with the load back.
fn brought_back(counts: &ArmCounts, course: &Course, service: &Service<'_>, i: usize) -> bool {
    let end = course.shed[i].1;
    let until = course.shed.get(i + 1).map_or(course.duration_ms, |next| next.0);
    let Some(good) = service.good_from(end, until) else { return false };
    let (base, again) = (per_ks(counts, 0, course.from_ms), per_ks(counts, good, until));
    let load_is_back = again >= base || !differ_in_rate(counts, (0, course.from_ms), (good, until));
    load_is_back && service.is_up(good, until) && service.is_up(until - STABLE_MS, until)
}

/// Whether no more arrive in [from, to) than in the baseline, up to three standard errors.
fn serves_no_more(counts: &ArmCounts, course: &Course, from: u64, to: u64) -> bool {
    per_ks(counts, from, to) <= per_ks(counts, 0, course.from_ms)
        || !differ_in_rate(counts, (0, course.from_ms), (from, to))
}

fn differ_in_rate(counts: &ArmCounts, a: (u64, u64), b: (u64, u64)) -> bool {
    let events = |(from, to): (u64, u64)| (counts.load.planned.sum(from, Some(to)) as f64, (to - from) as f64);
    differ(events(a), events(b), 1.0)
}

fn no_baseline(course: &Course) -> Verdict {
    let why = format!("no answer came in a whole second of the {} before the fault", seconds(course.from_ms));
    (RecoveryVerdict::Undetermined, why)
}

fn too_short(course: &Course, drain_ms: u64) -> Verdict {
    let (seen, needed) = (course.alone_until_ms().saturating_sub(course.to_ms), drain_ms.saturating_add(STABLE_MS));
    let why = if seen < needed {
        format!("{} after the fault are not long enough; {} are needed", seconds(seen), seconds(needed))
    } else {
        format!("fewer than {REQUESTS_MIN} requests came after the fault")
    };
    (RecoveryVerdict::Undetermined, why)
}

/// Arrivals per 1,000 s in [from, to).
fn per_ks(counts: &ArmCounts, from_ms: u64, to_ms: u64) -> u64 {
    counts.load.planned.sum(from_ms, Some(to_ms)) * 1_000_000 / (to_ms - from_ms).max(1)
}

/// A rate of arrivals in words; where it is known to within an error only, from the least to the most.
fn rates(Load { low_per_ks, high_per_ks, .. }: &Load) -> String {
    let high = rate(*high_per_ks);
    if low_per_ks == high_per_ks { format!("{high}/s") } else { format!("{}/s to {high}/s", rate(*low_per_ks)) }
}

fn rate(per_ks: u64) -> String {
    Ratio::new(per_ks, 1_000).map_or_else(String::new, |rate| rate.decimal(1))
}

/// Milliseconds as seconds with one decimal, rounded up.
fn seconds(ms: u64) -> String {
    Ratio::new(ms.div_ceil(100), 10).map_or_else(String::new, |s| format!("{} s", s.decimal(1)))
}

#[cfg(test)]
mod tests;
