//! Time to recovery: from a fault's end to the first moment after which things are as good as before, and stay so.

use super::{
    ArmCounts, Ratio,
    baseline::{settled_ms, unfit},
};
use crate::{
    fault::FaultWindow,
    load::{ArrivalLaw, Burst, LoadPlan, LoadShape},
};

/// How long things must stay good, in milliseconds.
pub(super) const STABLE_MS: u64 = 10_000;
/// The grain of the search: latencies are kept by the second.
pub(super) const STEP_MS: u64 = 1_000;
/// Goodput of this share of the baseline's is as good as it, in thousandths.
pub(super) const SHARE_MIN_PERMILLE: u64 = 950;
/// Fewer requests say nothing about a baseline, a disturbance or an aftermath.
pub(super) const REQUESTS_MIN: u64 = 20;
/// A p99 within this of the baseline's is as good as it: on a shared node 10 % of a few milliseconds is noise.
const P99_SLACK_US: u64 = 10_000;

/// When service was back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// So many milliseconds after the fault's end.
    After(u64),
    /// Not within the observed time: longer than so many milliseconds, as far as one can tell.
    LongerThan(u64),
}

/// The course of a run, as far as recovery is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// When the disturbance begins, in milliseconds after the run's start; what lies before it is the baseline.
    pub from_ms: u64,
    /// When the disturbance ends.
    pub to_ms: u64,
    /// When nothing is broken in it, between two faults: [from, to), in order of time.
    pub gaps: Vec<(u64, u64)>,
    /// The steady load of an open loop; `None`: it has to be measured.
    pub steady: Option<Steady>,
    /// What is planned on top of it.
    pub bursts: Vec<Burst>,
    /// When somebody helped, by shedding load after the disturbance: [from, to), in order of time.
    pub shed: Vec<(u64, u64)>,
    /// When the load ends.
    pub duration_ms: u64,
}

/// A steady load, as it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steady {
    /// Requests per 1,000 s.
    pub per_ks: u64,
    /// How they are spread.
    pub arrivals: ArrivalLaw,
}

impl Course {
    /// The course of a run: the disturbance is all from the first fault's start to the last one's end. `None` without a
    /// fault.
    pub fn new(faults: &[FaultWindow], load: &LoadPlan) -> Option<Self> {
        let (from_ms, to_ms) = (faults.first()?.at_ms, faults.last()?.end_ms());
        let between = faults.windows(2).map(|pair| (pair[0].end_ms(), pair[1].at_ms));
        let gaps = between.filter(|(end, next)| end < next).collect();
        let steady = match load.shape {
            LoadShape::Open { rate, arrivals } => Some(Steady { per_ks: u64::from(rate) * 1_000, arrivals }),
            LoadShape::Closed { .. } => None,
        };
        let after = load.shed.iter().filter(|stretch| stretch.at_ms >= to_ms);
        let shed = after.map(|stretch| (stretch.at_ms, stretch.end_ms())).collect();
        let (bursts, duration_ms) = (load.bursts.clone(), load.duration_ms);
        Some(Self { from_ms, to_ms, gaps, steady, bursts, shed, duration_ms })
    }

    /// When something is broken: [from, to), in order of time. Faults that touch are one outage.
    pub(super) fn outages(&self) -> impl Iterator<Item = (u64, u64)> {
        let begins = std::iter::once(self.from_ms).chain(self.gaps.iter().map(|gap| gap.1));
        begins.zip(self.gaps.iter().map(|gap| gap.0).chain([self.to_ms]))
    }

    /// How many requests the bursts add in [from, to), in the mean.
    pub(super) fn burst_requests(&self, from_ms: u64, to_ms: u64) -> u64 {
        self.bursts.iter().map(|burst| burst.requests(from_ms, to_ms)).sum()
    }

    /// Whether there can be a time to recovery: a whole second of latencies before the disturbance, and ten seconds from the
    /// first whole one after it on, in which the service is on its own.
    pub fn leaves_room(&self) -> bool {
        let from = self.to_ms.div_ceil(STEP_MS) * STEP_MS;
        self.from_ms >= STEP_MS && from + STABLE_MS <= self.alone_until_ms()
    }

    /// Until when the service is on its own: nobody sheds its load yet, and load is sent.
    pub(super) fn alone_until_ms(&self) -> u64 {
        self.shed.first().map_or(self.duration_ms, |&(from, _)| from)
    }
}

/// A run's service, measured by its own baseline.
pub(super) struct Service<'c> {
    counts: &'c ArmCounts,
    /// The least of answers of success ÷ arrivals that is as good as the baseline's.
    share_min: Ratio,
    /// The most that p99 may be, in microseconds.
    p99_max_us: u64,
}

impl<'c> Service<'c> {
    /// `None` when the baseline has no requests or no answers.
    pub(super) fn new(counts: &'c ArmCounts, course: &Course) -> Option<Self> {
        let p99_us = counts.latency(0, course.from_ms).quantile_us(990)?;
        let p99_max_us = (p99_us + p99_us / 10).max(p99_us + P99_SLACK_US);
        // By those that came early enough: what the fault catches under way must not lower what is asked for afterwards.
        let settled = Some(settled_ms(counts, course)?);
        let succeeded = Ratio::new(counts.load.ok.sum(0, settled), counts.load.planned.sum(0, settled))?;
        let share_min = succeeded.times(Ratio::new(SHARE_MIN_PERMILLE, 1_000)?)?;
        Some(Self { counts, share_min, p99_max_us })
    }

    /// Whether goodput in [from, to) is at least 95 % of the baseline's.
    pub(super) fn is_up(&self, from_ms: u64, to_ms: u64) -> bool {
        share(self.counts, from_ms, to_ms).is_some_and(|share| share >= self.share_min)
    }

    /// Whether p99 in [from, to) is that of the baseline.
    pub(super) fn is_prompt(&self, from_ms: u64, to_ms: u64) -> bool {
        self.counts.latency(from_ms, to_ms).quantile_us(990).is_some_and(|p99| p99 <= self.p99_max_us)
    }

    /// Whether p99 in the seconds that [from, to) touches is above that of the baseline; no answers are not slow.
    pub(super) fn is_slow(&self, from_ms: u64, to_ms: u64) -> bool {
        let touched = self.counts.latency(from_ms / STEP_MS * STEP_MS, to_ms.div_ceil(STEP_MS) * STEP_MS);
        touched.quantile_us(990).is_some_and(|p99| p99 > self.p99_max_us)
    }

    /// The first whole second in [from, to) from which on service is good for ten seconds that end by `to`.
    pub(super) fn good_from(&self, from_ms: u64, to_ms: u64) -> Option<u64> {
        let good = |&t: &u64| self.is_up(t, t + STABLE_MS) && self.is_prompt(t, t + STABLE_MS);
        let first = from_ms.div_ceil(STEP_MS) * STEP_MS;
        (first..).step_by(STEP_MS as usize).take_while(|t| t + STABLE_MS <= to_ms).find(good)
    }
}

/// Answers of success in [from, to) ÷ arrivals in it.
///
/// Goodput is compared as a share of the arrivals in the same time: with random arrivals, the plain rate of a good ten
/// seconds is below 95 % of another's often enough to deny a recovery that has happened.
fn share(counts: &ArmCounts, from_ms: u64, to_ms: u64) -> Option<Ratio> {
    Ratio::new(counts.load.goodput.sum(from_ms, Some(to_ms)), counts.load.planned.sum(from_ms, Some(to_ms)))
}

/// The first whole second t from the disturbance's end on for which, over [t, t + 10 s), goodput is at least 95 % of the
/// baseline's, and p99 at most 110 % of the baseline's (or within 10 ms of it). Load that is shed ends the search: from
/// then on it would not be the service that recovers. `None` when there is no baseline to compare with or one that fails
/// itself, or less than ten seconds or 20 requests to look at.
pub fn time_to_recovery(counts: &ArmCounts, course: &Course) -> Option<Recovery> {
    if unfit(counts, course).is_some() {
        return None;
    }
    let (service, until) = (Service::new(counts, course)?, course.alone_until_ms());
    let requests = counts.load.planned.sum(course.to_ms, Some(until));
    if !course.leaves_room() || requests < REQUESTS_MIN {
        return None;
    }
    Some(match service.good_from(course.to_ms, until) {
        Some(t) => Recovery::After(t - course.to_ms),
        None => Recovery::LongerThan(until - STABLE_MS - course.to_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::LatencyRecorder;

    /// A minute of 50 requests/s, answered after `latency_ms(second)`, or not at all.
    fn minute(latency_ms: impl Fn(u64) -> Option<u64>) -> ArmCounts {
        let mut counts = ArmCounts::default();
        for second in 0..60 {
            let mut recorder = LatencyRecorder::default();
            for i in 0..50 {
                let at_us = second * 1_000_000 + i * 20_000;
                counts.load.planned.add(at_us);
                if let Some(ms) = latency_ms(second) {
                    counts.load.ok.add(at_us);
                    counts.load.goodput.add(at_us);
                    recorder.record(ms * 1_000);
                }
            }
            counts.latency_us.push(recorder.take());
        }
        counts
    }

    fn course(from_ms: u64, to_ms: u64) -> Course {
        Course {
            from_ms,
            to_ms,
            gaps: vec![],
            steady: Some(Steady { per_ks: 50_000, arrivals: ArrivalLaw::Uniform }),
            bursts: vec![],
            shed: vec![],
            duration_ms: 60_000,
        }
    }

    fn check(latency_ms: impl Fn(u64) -> Option<u64>, expected: Option<Recovery>) {
        assert_eq!(time_to_recovery(&minute(latency_ms), &course(10_000, 20_000)), expected);
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
        let counts = minute(|_| Some(5));
        assert_eq!(time_to_recovery(&counts, &course(10_000, 50_100)), None);
        assert_eq!(time_to_recovery(&counts, &course(10_000, 50_000)), Some(Recovery::After(0)));
    }

    #[test]
    fn service_that_is_back_only_when_its_load_is_shed_did_not_recover() {
        let counts = minute(|s| (!(10..40).contains(&s)).then_some(5));
        let shed = Course { shed: vec![(40_000, 45_000)], ..course(10_000, 20_000) };
        assert_eq!(time_to_recovery(&counts, &shed), Some(Recovery::LongerThan(10_000)));
        assert_eq!(time_to_recovery(&counts, &course(10_000, 20_000)), Some(Recovery::After(20_000)));
    }

    /// 719/780 is 95 % of 719/741 to the last digit; in floats it is less.
    #[test]
    fn a_share_of_95_percent_is_enough_exactly() {
        let mut counts = ArmCounts::default();
        for (second, arrivals) in [(0, 741), (1, 780), (2, 781)] {
            (0..arrivals).for_each(|i| counts.load.planned.add(second * 1_000_000 + i * 1_000));
            for i in 0..719 {
                counts.load.ok.add(second * 1_000_000 + i * 1_000);
                counts.load.goodput.add(second * 1_000_000 + i * 1_000);
            }
            let mut recorder = LatencyRecorder::default();
            recorder.record(5_000);
            counts.latency_us.push(recorder.take());
        }
        let service = Service::new(&counts, &course(1_000, 1_000)).unwrap();
        assert_eq!([service.is_up(1_000, 2_000), service.is_up(2_000, 3_000)], [true, false]);
    }

    #[test]
    fn without_a_baseline_there_is_nothing_to_recover_to() {
        check(|s| (s >= 10).then_some(5), None);
    }

    /// A service that fails as before is no better for that.
    #[test]
    fn nothing_recovers_to_a_baseline_that_fails() {
        for (succeed, expected) in [(0, None), (15, None), (47, None), (48, Some(Recovery::After(0)))] {
            let mut counts = minute(|_| Some(5));
            counts.load.ok = crate::stats::Counts::default();
            for second in 0..60 {
                (0..succeed).for_each(|i| counts.load.ok.add(second * 1_000_000 + i * 20_000));
            }
            counts.load.goodput = counts.load.ok.clone();
            assert_eq!(time_to_recovery(&counts, &course(10_000, 20_000)), expected, "{succeed} of 50");
        }
    }
}
