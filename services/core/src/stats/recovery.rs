//! Time to recovery: from a fault's end to the first moment after which things are as good as before, and stay so.

use super::{LoadSeries, Ratio, SparseHistogram};

/// How long things must stay good, in milliseconds.
const STABLE_MS: u64 = 10_000;
/// The grain of the search: latencies are kept by the second.
const STEP_MS: u64 = 1_000;
/// A p99 within this of the baseline's is as good as it: on a shared node 10 % of a few milliseconds is noise.
const P99_SLACK_US: u64 = 10_000;

/// When service was back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// So many milliseconds after the fault's end, in whole seconds.
    After(u64),
    /// Not within the observed time: longer than so many milliseconds, as far as one can tell.
    LongerThan(u64),
}

/// The first whole second t from the fault's end on for which, over [t, t + 10 s), the share of arrivals that were
/// answered with success is at least 95 % of the baseline's, and p99 is at most 110 % of the baseline's (or within 10 ms
/// of it). `None` when there is no baseline to compare with, or less than ten seconds to look at.
///
/// Goodput is compared as a share of the arrivals in the same time: with random arrivals, the plain rate of a good ten
/// seconds is below 95 % of another's often enough to deny a recovery that has happened.
pub fn time_to_recovery(
    load: &LoadSeries,
    latency_us: &[SparseHistogram],
    fault: (u64, u64),
    duration_ms: u64,
) -> Option<Recovery> {
    let (fault_start_ms, fault_end_ms) = fault;
    let goodput = |from, to| Ratio::new(load.goodput.sum(from, Some(to)) * 1_000, load.planned.sum(from, Some(to)));
    let p99 = |from: u64, to: u64| {
        let mut merged = SparseHistogram::default();
        let seconds = latency_us.iter().take((to / STEP_MS) as usize).skip((from / STEP_MS) as usize);
        seconds.for_each(|second| merged.merge(second));
        merged.quantile_us(990)
    };
    let (base_goodput, base_p99) = (goodput(0, fault_start_ms)?, p99(0, fault_start_ms)?);
    let p99_max = (base_p99 + base_p99 / 10).max(base_p99 + P99_SLACK_US);
    let good = |t: u64| {
        let enough = goodput(t, t + STABLE_MS).is_some_and(|g| g.to_f64() >= 0.95 * base_goodput.to_f64());
        enough && p99(t, t + STABLE_MS).is_some_and(|p| p <= p99_max)
    };
    let first = fault_end_ms.div_ceil(STEP_MS) * STEP_MS;
    if first + STABLE_MS > duration_ms {
        return None;
    }
    let recovered = (first..).step_by(STEP_MS as usize).take_while(|t| t + STABLE_MS <= duration_ms).find(|&t| good(t));
    Some(match recovered {
        Some(t) => Recovery::After(t - fault_end_ms),
        None => Recovery::LongerThan(duration_ms.saturating_sub(STABLE_MS).saturating_sub(fault_end_ms)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::LatencyRecorder;

    /// A minute of 50 requests/s, answered after `latency_ms(second)`, or not at all.
    fn minute(latency_ms: impl Fn(u64) -> Option<u64>) -> (LoadSeries, Vec<SparseHistogram>) {
        let (mut load, mut seconds) = (LoadSeries::default(), Vec::new());
        for second in 0..60 {
            let mut recorder = LatencyRecorder::default();
            for i in 0..50 {
                let at_us = second * 1_000_000 + i * 20_000;
                load.planned.add(at_us);
                if let Some(ms) = latency_ms(second) {
                    load.goodput.add(at_us);
                    recorder.record(ms * 1_000);
                }
            }
            seconds.push(recorder.take());
        }
        (load, seconds)
    }

    fn check(latency_ms: impl Fn(u64) -> Option<u64>, expected: Option<Recovery>) {
        let (load, seconds) = minute(latency_ms);
        assert_eq!(time_to_recovery(&load, &seconds, (10_000, 20_000), 60_000), expected);
    }

    #[test]
    fn service_that_is_back_with_the_faults_end_recovered_at_once() {
        check(|s| (!(10..20).contains(&s)).then_some(5), Some(Recovery::After(0)));
    }

    #[test]
    fn failures_after_the_fault_put_recovery_off() {
        check(|s| (!(10..27).contains(&s)).then_some(5), Some(Recovery::After(7_000)));
    }

    #[test]
    fn slow_answers_put_recovery_off_too() {
        check(|s| Some(if (10..30).contains(&s) { 500 } else { 5 }), Some(Recovery::After(10_000)));
    }

    #[test]
    fn service_that_stays_down_is_not_said_to_have_recovered() {
        check(|s| (s < 10).then_some(5), Some(Recovery::LongerThan(30_000)));
    }

    #[test]
    fn with_less_than_ten_seconds_left_nothing_can_be_said() {
        let (load, seconds) = minute(|_| Some(5));
        assert_eq!(time_to_recovery(&load, &seconds, (10_000, 50_100), 60_000), None);
        assert_eq!(time_to_recovery(&load, &seconds, (10_000, 50_000), 60_000), Some(Recovery::After(0)));
    }

    #[test]
    fn without_a_baseline_there_is_nothing_to_recover_to() {
        check(|s| (s >= 10).then_some(5), None);
    }
}
