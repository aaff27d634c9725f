//! Whether what lies before a disturbance is a baseline at all: something that service can come back to.

use super::{
    ArmCounts, BUCKET_MS, Ratio,
    recovery::{Course, REQUESTS_MIN, SHARE_MIN_PERMILLE, STEP_MS},
};

/// Why there is no baseline, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Too few requests to say anything.
    TooFew(String),
    /// It fails without any disturbance.
    Fails(String),
}

/// Why the time before the disturbance is no baseline, if it is none.
pub(super) fn unfit(counts: &ArmCounts, course: &Course) -> Option<Unfit> {
    let load = &counts.load;
    let requests = load.planned.sum(0, Some(course.from_ms));
    if requests < REQUESTS_MIN {
        let needed = format!("{requests} requests before the fault are no baseline; {REQUESTS_MIN} are needed");
        return Some(Unfit::TooFew(needed));
    }
    // No answers at all are for `Service` to find.
    let settled = settled_ms(counts, course)?;
    let early = load.planned.sum(0, Some(settled));
    if early >= REQUESTS_MIN {
        let succeeded = Ratio::new(load.ok.sum(0, Some(settled)), early)?;
        // A baseline in which a smaller share succeeds is one that nothing can recover to: by the share that recovery needs.
        if succeeded < Ratio::new(SHARE_MIN_PERMILLE, 1_000)? {
            return Some(Unfit::Fails(format!("only {succeeded} of the baseline's requests succeeded")));
        }
    }
    if let Some(why) = falls_behind(counts, course) {
        return Some(Unfit::Fails(why));
    }
    let why =
        || format!("{early} requests came early enough before the fault to be over by then; {REQUESTS_MIN} are needed");
    (early < REQUESTS_MIN).then(|| Unfit::TooFew(why()))
}

/// How a queue grows in the baseline, of which the first requests still succeed.
fn falls_behind(counts: &ArmCounts, course: &Course) -> Option<String> {
    // What was due in the baseline's second half came by the median latency sooner. Requests under way at the edges and the
    // spread of random arrivals are within three standard deviations of their number, and a burst that is still being worked
    // off is no queue that grows. The first whole second is no such half: in it answers are behind by what it takes to get
    // going.
    let half = course.from_ms / 2 / STEP_MS * STEP_MS;
    if half < STEP_MS {
        return None;
    }
    let load = &counts.load;
    let latency_ms = counts.latency(0, course.from_ms).quantile_us(500).unwrap_or(0) / 1_000;
    let came_ms = |due_ms: u64| due_ms.saturating_sub(latency_ms / BUCKET_MS * BUCKET_MS);
    let due = load.planned.sum(came_ms(half), Some(came_ms(course.from_ms)));
    let answered = load.goodput.sum(half, Some(course.from_ms));
    let behind = due.saturating_sub(answered + course.burst_requests(0, course.from_ms)) as f64;
    let allowed = (due as f64 * (1.0 - SHARE_MIN_PERMILLE as f64 / 1_000.0)).max(3.0 * (due as f64).sqrt());
    (behind > allowed)
        .then(|| format!("in the baseline's second half {due} requests were due and {answered} succeeded"))
}

/// Until when those requests came that were over before the fault, up to one in a hundred: by the p99 of the baseline's answers, to
/// the grain. Those that the fault caught under way fail by it. `None`: there were no answers.
pub(super) fn settled_ms(counts: &ArmCounts, course: &Course) -> Option<u64> {
    let p99_us = counts.latency(0, course.from_ms).quantile_us(990)?;
    Some(course.from_ms.saturating_sub(p99_us.div_ceil(BUCKET_MS * 1_000) * BUCKET_MS))
}
