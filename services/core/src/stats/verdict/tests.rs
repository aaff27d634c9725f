use super::*;
use crate::stats::{Counts, LatencyRecorder};

/// What a second of the run is like: of 50 requests so many succeed, after so many milliseconds, with so many retries.
#[derive(Clone, Copy)]
struct Second {
    requests: u64,
    succeed: u64,
    latency_ms: u64,
    retries: u64,
}

const GOOD: Second = Second { requests: 50, succeed: 50, latency_ms: 5, retries: 0 };
const DOWN: Second = Second { requests: 50, succeed: 0, latency_ms: 1_000, retries: 50 };

fn counts(seconds: impl Iterator<Item = Second>) -> ArmCounts {
    let mut counts = ArmCounts::default();
    for (second, Second { requests, succeed, latency_ms, retries }) in seconds.enumerate() {
        let mut recorder = LatencyRecorder::default();
        for i in 0..requests {
            let at_us = second as u64 * 1_000_000 + i * (1_000_000 / requests);
            counts.load.planned.add(at_us);
            counts.client.request(at_us);
            counts.client.attempt(at_us, at_us, false);
            recorder.record(latency_ms * 1_000);
            if i < retries {
                counts.client.attempt(at_us, at_us, true);
            }
            if i < succeed {
                counts.load.ok.add(at_us);
                counts.load.goodput.add(at_us);
            }
        }
        counts.latency_us.push(recorder.take());
    }
    counts
}

/// Capacity 100/s and up to 2 attempts of 1 s; an outage from 20 s to 30 s at 50/s leaves 950 attempts behind. 50/s are the
/// hidden capacity, so nothing but the time without retries is a bound: 950/50 = 19 s.
const DRAIN: Drain = Drain {
    busy_per_ks: 100_000,
    capacity_per_ks: 100_000,
    cold_per_ks: None,
    backends: 1,
    service_variance_permille: 0,
    backlog_max: u64::MAX,
    attempts_max: 2,
    layers: 1,
    budget: None,
    timeout_ms: 1_000,
    apart_ms: 1_000,
    delay_ms_max: 0,
    hangs: false,
    warm_up_ms: 0,
};

const COURSE: Course = Course {
    from_ms: 20_000,
    to_ms: 30_000,
    gaps: vec![],
    steady: Some(Steady { per_ks: 50_000, arrivals: ArrivalLaw::Uniform }),
    bursts: vec![],
    shed: vec![],
    duration_ms: 90_000,
};

fn judged(second: impl Fn(u64) -> Second, course: &Course, predicted_ms: Option<u64>) -> Judgement {
    judge(&counts((0..course.duration_ms / 1_000).map(second)), course, &DRAIN, predicted_ms)
}

fn check(second: impl Fn(u64) -> Second, course: &Course, expected: RecoveryVerdict, why: &str) {
    let Judgement { verdict, why: given, .. } = judged(second, course, None);
    assert_eq!((verdict, given.as_str()), (expected, why));
}

/// Down in the fault and until so many seconds after the run's start.
fn down_until(end: u64) -> impl Fn(u64) -> Second {
    move |s| if (20..end).contains(&s) { DOWN } else { GOOD }
}

#[test]
fn a_fault_that_changes_nothing_had_no_effect() {
    check(|_| GOOD, &COURSE, RecoveryVerdict::NoEffect, "nothing differs from the baseline");
}

/// In 500 requests: each of these is beyond three standard errors of nothing in 1,000, which is 6 events for single ones.
#[test]
fn failures_retries_or_slow_answers_in_the_fault_alone_are_an_effect() {
    let at_once = "service was back 0.0 s after the fault, and working off the backlog takes up to 19.0 s";
    for effect in [Second { succeed: 48, ..GOOD }, Second { retries: 3, ..GOOD }, Second { latency_ms: 20, ..GOOD }] {
        let second = |s| if (20..30).contains(&s) { effect } else { GOOD };
        check(second, &COURSE, RecoveryVerdict::Recovered, at_once);
    }
}

#[test]
fn a_single_failure_is_no_effect() {
    let second = |s| if s == 25 { Second { succeed: 49, retries: 1, ..GOOD } } else { GOOD };
    check(second, &COURSE, RecoveryVerdict::NoEffect, "nothing differs from the baseline");
}

#[test]
fn service_that_is_back_within_the_time_that_the_backlog_explains_recovered() {
    let why = "service was back 21.0 s after the fault, and working off the backlog takes up to 19.0 s";
    check(down_until(51), &COURSE, RecoveryVerdict::Recovered, why);
}

#[test]
fn service_that_is_back_later_recovered_slowly() {
    let why = "service was back 22.0 s after the fault, and working off the backlog takes up to 19.0 s";
    check(down_until(52), &COURSE, RecoveryVerdict::SlowRecovery, why);
}

#[test]
fn the_prediction_of_a_simulation_goes_before_the_closed_form() {
    assert_eq!(judged(down_until(40), &COURSE, Some(3_000)).verdict, RecoveryVerdict::SlowRecovery);
    let Judgement { verdict, why, .. } = judged(down_until(40), &COURSE, Some(8_000));
    let predicted = "service was back 10.0 s after the fault, and at most 8.0 s were predicted";
    assert_eq!((verdict, why.as_str()), (RecoveryVerdict::Recovered, predicted));
}

/// A dozen simulations need not have met the longest time.
#[test]
fn service_is_not_down_for_good_before_both_the_prediction_and_the_closed_form_are_over() {
    let until = |end_s: u64, predicted_ms| {
        judged(down_until(90), &Course { duration_ms: end_s * 1_000, ..COURSE }, Some(predicted_ms)).verdict
    };
    assert_eq!(until(58, 3_000), RecoveryVerdict::Undetermined);
    assert_eq!(until(59, 3_000), RecoveryVerdict::MetastableSuspected);
    assert_eq!(until(59, 19_100), RecoveryVerdict::Undetermined);
}

/// 50/s in the 20 s before are 45.3/s to 54.7/s, and the hidden capacity of 50/s is among them. That of 40/s is not.
#[test]
fn a_measured_load_is_known_to_within_its_error_and_too_close_to_the_hidden_capacity_says_nothing() {
    let course = Course { steady: None, ..COURSE };
    let why = "45.3/s to 54.7/s arrive, too close to what is served to say how long the backlog takes";
    check(down_until(90), &course, RecoveryVerdict::Undetermined, why);
    let smaller = Drain { busy_per_ks: 80_000, capacity_per_ks: 80_000, ..DRAIN };
    let judged = |drain| judge(&counts((0..90).map(down_until(90))), &course, &drain, None);
    assert_eq!(judged(smaller).verdict, RecoveryVerdict::MetastableSuspected);
    let beyond = Drain { busy_per_ks: 40_000, capacity_per_ks: 40_000, ..DRAIN };
    let Judgement { verdict, why, .. } = judged(beyond);
    assert_eq!(
        (verdict, why.as_str()),
        (RecoveryVerdict::Overloaded, "45.3/s to 54.7/s arrive, and the capacity is 40.0/s")
    );
}

#[test]
fn service_that_stays_down_beyond_that_time_is_suspected_of_metastability() {
    let why = "0.000 of the arrivals succeed 60.0 s after the fault, and not more by and by";
    check(down_until(90), &COURSE, RecoveryVerdict::MetastableSuspected, why);
    let half = |s| if s < 20 { GOOD } else { Second { succeed: 25, ..DOWN } };
    let why = "0.500 of the arrivals succeed 60.0 s after the fault, and not more by and by";
    check(half, &COURSE, RecoveryVerdict::MetastableSuspected, why);
}

/// 19 s for the backlog and ten to look at.
#[test]
fn no_verdict_on_a_service_that_is_down_comes_sooner() {
    let course = |end_s: u64| Course { duration_ms: end_s * 1_000, ..COURSE };
    let why = "28.0 s after the fault are not long enough; 29.0 s are needed";
    check(down_until(90), &course(58), RecoveryVerdict::Undetermined, why);
    assert_eq!(judged(down_until(90), &course(59), None).verdict, RecoveryVerdict::MetastableSuspected);
    let why = "5.0 s after the fault are not long enough; 29.0 s are needed";
    check(down_until(90), &course(35), RecoveryVerdict::Undetermined, why);
    assert_eq!(judged(down_until(31), &course(58), None).verdict, RecoveryVerdict::Recovered, "good is good");
}

#[test]
fn goodput_that_still_rises_is_a_slow_recovery() {
    let rising = |s| match s {
        0..20 => GOOD,
        20..80 => Second { succeed: 10, ..DOWN },
        _ => Second { succeed: 20, ..DOWN },
    };
    check(rising, &COURSE, RecoveryVerdict::SlowRecovery, "goodput still rises 60.0 s after the fault");
}

#[test]
fn answers_that_come_but_come_late_are_a_slow_recovery() {
    let late = |s| if s < 20 { GOOD } else { Second { latency_ms: 500, ..GOOD } };
    let why = "goodput is back, but was not good for ten seconds within 60.0 s";
    check(late, &COURSE, RecoveryVerdict::SlowRecovery, why);
}

#[test]
fn service_that_a_shed_brings_back_and_that_stays_was_metastable() {
    let course = Course { shed: vec![(60_000, 65_000)], ..COURSE };
    let why = "0.000 of the arrivals succeed 30.0 s after the fault, and not more by and by; \
               shedding load for 5.0 s brought it back, and it stayed";
    let shed = |s| if (60..65).contains(&s) { Second { requests: 0, ..GOOD } } else { down_until(65)(s) };
    let shed = |s| if (60..65).contains(&s) { Second { requests: 5, ..shed(s) } } else { shed(s) };
    check(shed, &course, RecoveryVerdict::MetastableConfirmed, why);
}

#[test]
fn service_that_falls_again_or_never_comes_or_comes_under_a_smaller_load_confirms_nothing() {
    let course = Course { shed: vec![(60_000, 65_000)], ..COURSE };
    let again = |s| if s < 80 { down_until(65)(s) } else { DOWN };
    let smaller = |s| if s < 65 { down_until(65)(s) } else { Second { requests: 25, ..GOOD } };
    let never = down_until(90);
    for second in [&again as &dyn Fn(u64) -> Second, &smaller, &never] {
        let Judgement { verdict, why, .. } = judged(second, &course, None);
        assert_eq!(verdict, RecoveryVerdict::MetastableSuspected);
        assert!(why.ends_with("shedding load did not bring it back"), "{why}");
    }
}

#[test]
fn a_shed_that_comes_before_the_drain_time_is_over_leaves_it_open() {
    let course = Course { shed: vec![(50_000, 55_000)], ..COURSE };
    let why = "20.0 s after the fault are not long enough; 29.0 s are needed";
    check(down_until(55), &course, RecoveryVerdict::Undetermined, why);
}

/// 47 of 50, and of the last tenth of a second, which the fault may have caught under way, none counts.
#[test]
fn a_baseline_that_fails_is_overloaded() {
    let second = |s| if s < 20 { Second { succeed: 47, ..GOOD } } else { GOOD };
    check(second, &COURSE, RecoveryVerdict::Overloaded, "only 0.943 of the baseline's requests succeeded");
}

/// Every request succeeds in the end, and ever fewer of them by now.
#[test]
fn a_baseline_that_falls_behind_is_overloaded() {
    let mut counts = counts((0..90).map(down_until(90)));
    let whole = counts.load.goodput.clone();
    counts.load.goodput = crate::stats::Counts::default();
    for second in 0..20 {
        (0..40).for_each(|_| counts.load.goodput.add(second * 1_000_000));
    }
    assert!(whole.total() > counts.load.goodput.total());
    let Judgement { verdict, why, .. } = judge(&counts, &COURSE, &DRAIN, None);
    assert_eq!(verdict, RecoveryVerdict::Overloaded);
    assert_eq!(why, "in the baseline's second half 500 requests were due and 400 succeeded");
}

/// 50/s that take 6 s each from the first on: in the baseline of 10 s, those of its first 4 s are answered in its second half.
#[test]
fn a_baseline_of_slow_answers_does_not_fall_behind() {
    let mut counts = ArmCounts { latency_us: vec![], ..counts((0..60).map(|_| GOOD)) };
    counts.load.goodput = crate::stats::Counts::default();
    for second in 0..60 {
        let mut recorder = LatencyRecorder::default();
        if second >= 6 {
            (0..50).for_each(|i| counts.load.goodput.add(second * 1_000_000 + i * 20_000));
            (0..50).for_each(|_| recorder.record(6_000_000));
        }
        counts.latency_us.push(recorder.take());
    }
    let course = Course { from_ms: 10_000, to_ms: 11_000, duration_ms: 60_000, ..COURSE };
    let Judgement { verdict, why, .. } = judge(&counts, &course, &DRAIN, None);
    assert_ne!(verdict, RecoveryVerdict::Overloaded, "{why}");
}

#[test]
fn a_load_beyond_the_capacity_is_overload_and_never_metastable() {
    let small = Drain { busy_per_ks: 40_000, capacity_per_ks: 40_000, ..DRAIN };
    let Judgement { verdict, why, .. } = judge(&counts((0..90).map(down_until(90))), &COURSE, &small, None);
    assert_eq!((verdict, why.as_str()), (RecoveryVerdict::Overloaded, "50.0/s arrive, and the capacity is 40.0/s"));
}

#[test]
fn more_load_than_the_baseline_had_is_no_evidence_of_metastability() {
    let more = |s| if s < 30 { down_until(30)(s) } else { Second { requests: 60, succeed: 30, ..DOWN } };
    let why = "60.0/s arrive after the fault, and only 50.0/s in the baseline";
    check(more, &COURSE, RecoveryVerdict::Undetermined, why);
}

/// Nobody came any more: neither that it is down nor that it is back.
#[test]
fn of_a_service_that_hardly_anybody_asks_in_the_end_nothing_can_be_said() {
    let few = |n| Second { requests: n, succeed: 0, ..DOWN };
    let quiet = |n| move |s| if s < 70 { down_until(90)(s) } else { few(n) };
    let of = |n| format!("{n} requests in the last 10.0 s say nothing; 20 are needed");
    check(quiet(0), &COURSE, RecoveryVerdict::Undetermined, &of(0));
    check(quiet(1), &COURSE, RecoveryVerdict::Undetermined, &of(10));
    assert_eq!(judged(quiet(2), &COURSE, None).verdict, RecoveryVerdict::MetastableSuspected);
}

#[test]
fn without_a_baseline_or_without_requests_afterwards_nothing_can_be_said() {
    let none_before = |s| if s < 20 { Second { requests: 0, ..GOOD } } else { DOWN };
    let why = "0 requests before the fault are no baseline; 20 are needed";
    check(none_before, &COURSE, RecoveryVerdict::Undetermined, why);
    let none_after = |s| if s < 30 { GOOD } else { Second { requests: 0, ..GOOD } };
    check(none_after, &COURSE, RecoveryVerdict::Undetermined, "fewer than 20 requests came after the fault");
}

/// A service that never worked comes back to that in no time, and one that answers 30 % does too.
#[test]
fn where_the_baseline_fails_or_is_none_there_is_no_time_to_recovery() {
    let of = |succeed| move |_: u64| Second { succeed, ..GOOD };
    for succeed in [0, 15] {
        let Judgement { recovery, verdict, .. } = judged(of(succeed), &COURSE, None);
        assert_eq!((recovery, verdict), (None, RecoveryVerdict::Overloaded), "{succeed} of 50");
    }
    let none_before = |s| if s < 20 { Second { requests: 0, ..GOOD } } else { GOOD };
    assert_eq!(judged(none_before, &COURSE, None).recovery, None, "no baseline");
    assert_eq!(judged(of(50), &COURSE, None).recovery, Some(Recovery::After(0)));
}

/// In the first second answers are behind by the latency: by half of it here.
#[test]
fn a_baseline_of_less_than_two_seconds_is_not_told_to_fall_behind() {
    let behind = |from_ms: u64| {
        let mut counts = counts((0..90).map(|_| GOOD));
        counts.load.goodput = crate::stats::Counts::default();
        for second in 0..90 {
            let answers = if second == 0 { 25 } else { 50 };
            (0..answers).for_each(|_| counts.load.goodput.add(second * 1_000_000 + 999_999));
        }
        judge(&counts, &Course { from_ms, ..COURSE }, &DRAIN, None).verdict
    };
    assert_ne!(behind(1_900), RecoveryVerdict::Overloaded);
    assert_ne!(behind(2_000), RecoveryVerdict::Overloaded, "the second half of two seconds is the second one");
}

#[test]
fn a_baseline_without_a_whole_second_is_named_as_the_reason() {
    let why = "no answer came in a whole second of the 0.9 s before the fault";
    check(|_| GOOD, &Course { from_ms: 900, to_ms: 2_000, ..COURSE }, RecoveryVerdict::Undetermined, why);
}

#[test]
fn a_fault_that_holds_no_whole_second_can_have_no_effect_and_slow_answers_in_its_second_are_one() {
    let course = Course { from_ms: 20_300, to_ms: 20_800, ..COURSE };
    check(|_| GOOD, &course, RecoveryVerdict::NoEffect, "nothing differs from the baseline");
    let slow = |s| if s == 20 { Second { latency_ms: 20, ..GOOD } } else { GOOD };
    assert_eq!(judged(slow, &course, None).verdict, RecoveryVerdict::Recovered);
}

/// What was served shows that it can be, whatever the capacity is reckoned to be.
#[test]
fn service_that_is_back_was_not_overloaded() {
    let small = Drain { busy_per_ks: 40_000, capacity_per_ks: 40_000, ..DRAIN };
    let Judgement { verdict, why, .. } = judge(&counts((0..90).map(down_until(40))), &COURSE, &small, None);
    assert_eq!((verdict, why.as_str()), (RecoveryVerdict::Recovered, "service was back 10.0 s after the fault"));
}

/// Answers take 2 s, so the requests of the last 2 s before the fault fail by it. Afterwards nine of ten succeed, where all did.
#[test]
fn what_the_fault_catches_under_way_does_not_lower_what_a_recovery_takes() {
    let second = |s| match s {
        0..18 => Second { latency_ms: 2_000, ..GOOD },
        18..30 => DOWN,
        _ => Second { succeed: 45, latency_ms: 2_000, ..GOOD },
    };
    let mut counts = counts((0..90).map(second));
    counts.load.goodput = Counts::default();
    for s in 0..88 {
        (0..second(s).succeed).for_each(|i| counts.load.goodput.add((s + 2) * 1_000_000 + i * 20_000));
    }
    let verdict = judge(&counts, &COURSE, &DRAIN, None).verdict;
    assert_eq!(verdict, RecoveryVerdict::MetastableSuspected);
}
