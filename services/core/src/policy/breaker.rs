//! What stops attempts when too many of them fail: the circuit breaker, and the retry breaker.

use serde::{Deserialize, Serialize};

use super::{
    budget::{MAX_INTERVAL_MS, MIN_INTERVAL_MS},
    window::Window,
    within,
};
use crate::wire::FieldError;

/// A circuit breaker. Closed: all attempts pass; when of at least `min_calls` attempts that ended in the interval
/// `failure_percent` failed, it opens. Open: no attempt passes for `open_ms`. Half-open: `probes` attempts pass; when the last
/// of them has ended, it opens again if `failure_percent` of them failed, and closes otherwise. resilience4j's breaker, with a
/// window of time. Each attempt counts only in the period in which it passed, as in gobreaker (`afterRequest`, its generations): what
/// was begun before the breaker opened tells of a backend as it was then. resilience4j counts it wherever it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Failures per hundred attempts at which it opens: 1 to 100.
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stays closed: from 1 on.
    pub min_calls: u32,
    /// How long attempts are remembered, in milliseconds.
    pub interval_ms: u64,
    /// How long it stays open, in milliseconds.
    pub open_ms: u64,
    /// Attempts that pass when it is half-open: from 1 on.
    pub probes: u32,
}

/// Stops retries and hedges, never first attempts, while more than `failure_percent` of the interval's attempts failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryBreaker {
    /// Failures per hundred attempts beyond which there are no retries: 1 to 100.
    pub failure_percent: u32,
    /// With fewer attempts in the interval it stops nothing: from 1 on.
    pub min_calls: u32,
    /// How long attempts are remembered, in milliseconds.
    pub interval_ms: u64,
}

impl Breaker {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("failure_percent", u64::from(self.failure_percent), 1, 100)?;
        within("min_calls", u64::from(self.min_calls), 1, 1_000_000)?;
        within("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)?;
        within("open_ms", self.open_ms, 1, MAX_INTERVAL_MS)?;
        within("probes", u64::from(self.probes), 1, 1_000_000)
    }
}

impl RetryBreaker {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        within("failure_percent", u64::from(self.failure_percent), 1, 100)?;
        within("min_calls", u64::from(self.min_calls), 1, 1_000_000)?;
        within("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)
    }
}

/// Where a circuit breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Attempts pass.
    Closed,
    /// A few attempts pass, to see how they end.
    HalfOpen,
    /// No attempt passes.
    Open,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// The state as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "halfOpen",
            Self::Open => "open",
        }
    }
}

/// How an attempt passed a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Through a closed breaker, in the period with this number.
    Closed(u32),
    /// Through one that has opened since.
    Past,
    /// As a probe.
    Probe,
}

/// Columns of the windows.
const CALLS: usize = 0;
const FAILURES: usize = 1;

#[derive(Clone, Debug)]
pub(super) struct BreakerCounts {
    terms: Breaker,
    phase: Phase,
    /// How often it has opened: the number of the period in which it is closed.
    period: u32,
    counts: Window<2>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { until_ns: u64 },
    HalfOpen { out: u32, ended: u32, failed: u32 },
}

impl BreakerCounts {
    pub fn new(terms: Breaker, now_ns: u64) -> Self {
        Self { terms, phase: Phase::Closed, period: 0, counts: Window::new(terms.interval_ms, now_ns) }
    }

    pub const fn state(&self, now_ns: u64) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until_ns } if now_ns < until_ns => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks for an attempt's passage.
    pub const fn pass(&mut self, now_ns: u64) -> Option<Passage> {
        match self.phase {
            Phase::Closed => return Some(Passage::Closed(self.period)),
            Phase::Open { until_ns } if now_ns < until_ns => return None,
            Phase::Open { .. } => self.phase = Phase::HalfOpen { out: 0, ended: 0, failed: 0 },
            Phase::HalfOpen { .. } => {}
        }
        match &mut self.phase {
            Phase::HalfOpen { out, ended, .. } if *out + *ended < self.terms.probes => {
                *out += 1;
                Some(Passage::Probe)
            }
            _ => None,
        }
    }

    /// An attempt that had passed ended. One that passed a closed breaker says nothing to one that has opened since, closed
    /// again or not.
    pub fn ended(&mut self, passage: Passage, failed: bool, now_ns: u64) {
        match (passage, self.phase) {
            (Passage::Closed(period), Phase::Closed) if period == self.period => {
                self.counts.add(CALLS, now_ns);
                if failed {
                    self.counts.add(FAILURES, now_ns);
                    let [calls, failures] = self.counts.sums(now_ns);
                    if calls >= u64::from(self.terms.min_calls) && self.is_reached(failures, calls) {
                        self.open(now_ns);
                    }
                }
            }
            (Passage::Probe, Phase::HalfOpen { out, ended, failed: failures }) => {
                let (ended, failures) = (ended + 1, failures + u32::from(failed));
                self.phase = Phase::HalfOpen { out: out - 1, ended, failed: failures };
                if ended == self.terms.probes {
                    if self.is_reached(u64::from(failures), u64::from(ended)) {
                        self.open(now_ns);
                    } else {
                        self.counts.clear();
                        self.phase = Phase::Closed;
                    }
                }
            }
            _ => {}
        }
    }

    /// A probe was given up: another may take its place.
    pub const fn give_up(&mut self, passage: Passage) {
        if let (Passage::Probe, Phase::HalfOpen { out, .. }) = (passage, &mut self.phase) {
            *out -= 1;
        }
    }

    #[cfg(test)]
    pub const fn probes_out(&self) -> u32 {
        match self.phase {
            Phase::HalfOpen { out, .. } => out,
            _ => 0,
        }
    }

    const fn is_reached(&self, failures: u64, calls: u64) -> bool {
        failures * 100 >= calls * self.terms.failure_percent as u64
    }

    fn open(&mut self, now_ns: u64) {
        self.counts.clear();
        self.period = self.period.wrapping_add(1);
        self.phase = Phase::Open { until_ns: now_ns + self.terms.open_ms * 1_000_000 };
    }
}

#[derive(Clone, Debug)]
pub(super) struct RetryBreakerCounts {
    terms: RetryBreaker,
    counts: Window<2>,
}

impl RetryBreakerCounts {
    pub fn new(terms: RetryBreaker, now_ns: u64) -> Self {
        Self { terms, counts: Window::new(terms.interval_ms, now_ns) }
    }

    pub fn admits(&mut self, now_ns: u64) -> bool {
        let [calls, failures] = self.counts.sums(now_ns);
        calls < u64::from(self.terms.min_calls) || failures * 100 <= calls * u64::from(self.terms.failure_percent)
    }

    pub fn ended(&mut self, failed: bool, now_ns: u64) {
        self.counts.add(CALLS, now_ns);
        if failed {
            self.counts.add(FAILURES, now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const TERMS: Breaker =
        Breaker { failure_percent: 50, min_calls: 4, interval_ms: 10_000, open_ms: 5_000, probes: 3 };

    /// A breaker that opened at 1 s.
    fn opened() -> BreakerCounts {
        let mut breaker = BreakerCounts::new(TERMS, 0);
        for failed in [false, false, true, true] {
            let passage = breaker.pass(SECOND).unwrap();
            breaker.ended(passage, failed, SECOND);
        }
        breaker
    }

    #[test]
    fn it_opens_at_the_failure_ratio_and_not_before_the_least_number_of_calls() {
        let mut breaker = BreakerCounts::new(TERMS, 0);
        for _ in 0..3 {
            breaker.ended(Passage::Closed(0), true, 0);
            assert_eq!(breaker.state(0), BreakerState::Closed);
        }
        breaker.ended(Passage::Closed(0), true, 0);
        assert_eq!(breaker.state(0), BreakerState::Open);
    }

    #[test]
    fn failures_below_the_ratio_leave_it_closed_and_are_forgotten_with_the_interval() {
        let mut breaker = BreakerCounts::new(TERMS, 0);
        for failed in [true, false, true, false, false] {
            breaker.ended(Passage::Closed(0), failed, u64::from(failed) * SECOND);
        }
        assert_eq!(breaker.state(SECOND), BreakerState::Closed, "two of five");
        for _ in 0..3 {
            breaker.ended(Passage::Closed(0), true, 30 * SECOND);
        }
        assert_eq!(breaker.state(30 * SECOND), BreakerState::Closed, "three calls, all of them late");
    }

    #[test]
    fn open_it_lets_nothing_through_for_its_time_and_then_its_probes() {
        let mut breaker = opened();
        assert_eq!((breaker.pass(SECOND), breaker.pass(6 * SECOND - 1)), (None, None));
        assert_eq!(breaker.state(6 * SECOND), BreakerState::HalfOpen);
        let passages: Vec<_> = (0..5).map(|_| breaker.pass(6 * SECOND)).collect();
        assert_eq!(passages, [Some(Passage::Probe), Some(Passage::Probe), Some(Passage::Probe), None, None]);
    }

    /// How three probes end, and where the breaker stands then.
    fn check(failed: [bool; 3], expected: BreakerState) {
        let mut breaker = opened();
        for _ in 0..3 {
            breaker.pass(6 * SECOND);
        }
        for (i, failed) in failed.into_iter().enumerate() {
            assert_eq!(breaker.state(7 * SECOND), BreakerState::HalfOpen, "after {i} probes");
            breaker.ended(Passage::Probe, failed, 7 * SECOND);
        }
        assert_eq!(breaker.state(7 * SECOND), expected, "{failed:?}");
    }

    #[test]
    fn half_open_its_probes_decide_by_the_same_ratio() {
        check([false, false, true], BreakerState::Closed);
        check([true, false, true], BreakerState::Open);
        check([true, true, true], BreakerState::Open);
    }

    #[test]
    fn an_attempt_from_before_it_opened_says_nothing_to_it() {
        let mut breaker = opened();
        breaker.ended(Passage::Closed(0), true, 2 * SECOND);
        breaker.pass(6 * SECOND);
        for _ in 0..9 {
            breaker.ended(Passage::Closed(0), false, 6 * SECOND);
        }
        assert_eq!(breaker.state(6 * SECOND), BreakerState::HalfOpen);
    }

    /// All of its calls failed, and that it was open is long over: were they counted, it would open at the fourth.
    #[test]
    fn an_attempt_from_before_it_opened_says_nothing_to_it_when_it_has_closed_again() {
        let mut breaker = opened();
        for _ in 0..3 {
            breaker.pass(6 * SECOND);
        }
        (0..3).for_each(|_| breaker.ended(Passage::Probe, false, 7 * SECOND));
        (0..9).for_each(|_| breaker.ended(Passage::Closed(0), true, 8 * SECOND));
        assert_eq!(breaker.state(8 * SECOND), BreakerState::Closed);
        for _ in 0..4 {
            let passage = breaker.pass(9 * SECOND).unwrap();
            breaker.ended(passage, true, 9 * SECOND);
        }
        assert_eq!(breaker.state(9 * SECOND), BreakerState::Open, "its own four count");
    }

    #[test]
    fn a_probe_that_is_given_up_makes_room_for_another() {
        let mut breaker = opened();
        for _ in 0..3 {
            breaker.pass(6 * SECOND);
        }
        assert_eq!(breaker.pass(6 * SECOND), None);
        breaker.give_up(Passage::Probe);
        assert_eq!(breaker.pass(6 * SECOND), Some(Passage::Probe));
    }

    #[test]
    fn a_retry_breaker_admits_up_to_its_ratio_and_below_its_least_number_of_calls() {
        let terms = RetryBreaker { failure_percent: 10, min_calls: 10, interval_ms: 10_000 };
        let mut breaker = RetryBreakerCounts::new(terms, 0);
        breaker.ended(true, 0);
        assert!(breaker.admits(0), "one call");
        (0..9).for_each(|_| breaker.ended(false, 0));
        assert!(breaker.admits(0), "one of ten");
        breaker.ended(true, 0);
        assert!(!breaker.admits(0), "two of eleven");
        assert!(breaker.admits(20 * SECOND), "forgotten");
    }

    proptest! {
        /// Whatever happens: open, nothing passes until its time is over; half-open, no more than its probes.
        #[test]
        fn nothing_passes_an_open_breaker_and_at_most_its_probes_a_half_open_one(happenings in prop::collection::vec((0u8..4, 0u64..3_000), 1..300)) {
            let (mut breaker, mut now, mut out) = (BreakerCounts::new(TERMS, 0), 0, Vec::new());
            let mut open_until = 0;
            for (what, ms) in happenings {
                now += ms * 1_000_000;
                if what < 2 {
                    let passage = breaker.pass(now);
                    prop_assert!(passage.is_none() || now >= open_until, "it is open until {open_until}, and this is {now}");
                    out.extend(passage);
                } else if let Some(passage) = out.pop() {
                    let was_open = breaker.state(now) == BreakerState::Open;
                    breaker.ended(passage, what == 2, now);
                    if !was_open && breaker.state(now) == BreakerState::Open {
                        open_until = now + 5 * SECOND;
                    }
                }
                let probes = out.iter().filter(|passage| **passage == Passage::Probe).count();
                prop_assert!(probes <= 3, "{probes} probes are out");
            }
        }
    }
}
