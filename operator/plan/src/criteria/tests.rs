use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use retrylab_api::{
    ArmPhase, EvidenceStatus, ExactFigures, FatesStatus, Fraction, LatencyStatus, RecoveryStatus, RunRecord,
};
use serde_json::{Value, json};

use super::*;
use crate::tests::given::at;

/// An arm with so many attempts for the 1,000 requests of its window `outage`, or with no such window, and the given recovery.
fn arm(name: &str, attempts: Option<u64>, recovery: Option<(&str, RecoveryVerdict)>) -> ArmStatus {
    let moment = || MicroTime(at(0));
    let fraction = |count, per| Some(Fraction { count, per });
    let window = |attempts| WindowStatus {
        name: "outage".into(),
        requests: 1_000,
        attempts,
        wire_attempts: 2_000,
        backend_requests: 2_001,
        exact: ExactFigures {
            peak_amplification: fraction(50, 20),
            retry_share: fraction(1, 2),
            goodput: fraction(456_000, 10_000),
            wasted_work: fraction(333, 1_000),
            sync_index: fraction(1_200, 100),
        },
        latency: Some(LatencyStatus {
            p50_us: Some(1_500),
            p99_us: Some(20_000),
            p999_us: Some(300_100),
            ..latency_as_shown()
        }),
        fates: FatesStatus { ok: 100, ok_after_retry: 23, dropped: 7, ..FatesStatus::default() },
        ..WindowStatus::default()
    };
    let run =
        RunRecord { id: String::new(), handover: 1, settled_at: moment(), starts_at: moment(), target: String::new() };
    ArmStatus {
        phase: ArmPhase::Complete,
        windows: attempts.into_iter().map(window).collect(),
        recovery: recovery.map(|(time, verdict)| RecoveryStatus {
            time_to_recovery: Some(time.to_owned()),
            verdict,
            message: String::new(),
        }),
        evidence: Some(EvidenceStatus {
            fault_delivered: None,
            load_achieved: None,
            accounting_gap: 0,
            lateness_p99: None,
            lateness_p99_us: Some(200),
            shortcomings: vec![],
        }),
        ..ArmStatus::begun(name.into(), run)
    }
}

/// Nothing is judged by what is shown.
fn latency_as_shown() -> LatencyStatus {
    let text = || "0.0".to_owned();
    LatencyStatus { p50: text(), p99: text(), p999: text(), p50_us: None, p99_us: None, p999_us: None }
}

fn two_arms() -> [ArmStatus; 2] {
    let recovered = Some(("5s", RecoveryVerdict::Recovered));
    [arm("naive", Some(3_001), recovered), arm("jitter", Some(1_500), recovered)]
}

/// Holds a criterion against arms; gives observed value, bound and whether it holds, for each arm that it is about.
fn held(arms: &[ArmStatus], criterion: &Value) -> Vec<(String, Option<String>, String, Option<bool>)> {
    let mut whole = json!({"name": "c", "window": "outage"});
    whole.as_object_mut().unwrap().extend(criterion.as_object().unwrap().clone());
    let criterion: Criterion = serde_json::from_value(whole).unwrap();
    criteria(&[criterion], arms).into_iter().map(|c| (c.arm, c.observed, c.bound, c.holds)).collect()
}

/// A criterion about one arm.
fn check(arms: &[ArmStatus], criterion: &Value, observed: Option<&str>, bound: &str, holds: Option<bool>) {
    let all = held(arms, criterion);
    let [(_, seen, against, result)] = all.as_slice() else { panic!("one check, and not {all:?}") };
    assert_eq!((seen.as_deref(), against.as_str(), *result), (observed, bound, holds));
}

#[test]
fn every_metric_of_a_window_is_held_exactly_and_shown_as_in_the_status() {
    let arms = [arm("a", Some(3_001), None)];
    for (metric, shown) in [
        ("Amplification", "3.001"),
        ("WireAmplification", "2.000"),
        ("BackendAmplification", "2.001"),
        ("PeakAmplification", "2.500"),
        ("RetryShare", "0.500"),
        ("SuccessRate", "0.123"),
        ("Goodput", "45.6"),
        ("DroppedShare", "0.007"),
        ("WastedWork", "0.333"),
        ("SyncIndex", "12.000"),
        ("LatencyP50Ms", "1.5"),
        ("LatencyP99Ms", "20.0"),
        ("LatencyP999Ms", "300.1"),
    ] {
        check(&arms, &json!({"metric": metric, "max": shown}), Some(shown), &format!("<= {shown}"), Some(true));
        check(&arms, &json!({"metric": metric, "min": shown}), Some(shown), &format!(">= {shown}"), Some(true));
        check(&arms, &json!({"metric": metric, "max": "0.001"}), Some(shown), "<= 0.001", Some(false));
        check(&arms, &json!({"metric": metric, "min": "999"}), Some(shown), ">= 999", Some(false));
    }
    check(&arms, &json!({"metric": "LatenessP99Ms", "window": "total", "max": "1"}), Some("0.2"), "<= 1", Some(true));
}

#[test]
fn a_figure_that_is_missing_is_never_held() {
    let arms = [arm("a", None, None)];
    check(&arms, &json!({"metric": "Amplification", "max": "99"}), None, "<= 99", None);
    check(&arms, &json!({"metric": "SuccessRate", "window": "elsewhere", "min": "0"}), None, ">= 0", None);
    check(&arms, &json!({"metric": "TimeToRecoveryMs", "window": "total", "max": "99"}), None, "<= 99", None);
    check(&arms, &json!({"metric": "RecoveryVerdict", "in": ["Recovered"]}), None, "one of Recovered", None);
    check(&arms, &json!({"metric": "Amplification", "arm": "none", "max": "9"}), None, "<= 9", None);
}

#[test]
fn both_bounds_must_hold_and_one_that_is_broken_is_enough() {
    let [naive, _] = two_arms();
    let between = |min: &str, max: &str| json!({"metric": "Amplification", "min": min, "max": max});
    check(std::slice::from_ref(&naive), &between("3", "4"), Some("3.001"), "<= 4, >= 3", Some(true));
    check(std::slice::from_ref(&naive), &between("3", "3"), Some("3.001"), "<= 3, >= 3", Some(false));
    let broken = json!({"metric": "Amplification", "max": "3", "maxOf": {"arm": "gone"}});
    check(&[naive], &broken, Some("3.001"), "<= 3, <= ? (1 x gone)", Some(false));
}

/// 0.5 x 3.001 is 1.5005, of which three decimals would be 1.501 or 1.500.
#[test]
fn a_comparison_with_another_arm_is_exact() {
    let half = json!({"metric": "Amplification", "arm": "jitter", "maxOf": {"arm": "naive", "times": "0.5"}});
    check(&two_arms(), &half, Some("1.500"), "<= 1.5005 (0.5 x naive)", Some(true));
    let [naive, _] = two_arms();
    check(&[naive, arm("jitter", Some(1_501), None)], &half, Some("1.501"), "<= 1.5005 (0.5 x naive)", Some(false));
    let more = json!({"metric": "Amplification", "arm": "naive", "minOf": {"arm": "jitter", "times": "2"}});
    check(&two_arms(), &more, Some("3.001"), ">= 3 (2 x jitter)", Some(true));
}

#[test]
fn a_comparison_with_a_figure_that_is_missing_is_never_held() {
    let than = |arm: &str| json!({"metric": "Amplification", "arm": "jitter", "maxOf": {"arm": arm}});
    let [_, jitter] = two_arms();
    check(&[arm("naive", None, None), jitter.clone()], &than("naive"), Some("1.500"), "<= ? (1 x naive)", None);
    check(&[jitter], &than("naive"), Some("1.500"), "<= ? (1 x naive)", None);
}

#[test]
fn the_arm_that_others_are_compared_with_is_not_compared_with_itself() {
    let arms: Vec<_> = ["naive", "b", "c"].map(|name| arm(name, Some(2_000), None)).to_vec();
    let all = held(&arms, &json!({"metric": "Amplification", "maxOf": {"arm": "naive"}}));
    assert_eq!(all.iter().map(|(arm, ..)| arm.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

/// It took longer than 30 s: that breaks a maximum of 30 s, reaches a minimum of it, and says nothing about one of 31 s.
#[test]
fn a_time_that_is_only_known_to_be_longer_is_held_against_what_it_can_be() {
    let arms = [arm("a", None, Some(("> 30s", RecoveryVerdict::SlowRecovery)))];
    let time = |field: &str, bound: &str| json!({"metric": "TimeToRecoveryMs", "window": "total", field: bound});
    check(&arms, &time("max", "30000"), Some("> 30000"), "<= 30000", Some(false));
    check(&arms, &time("max", "31000"), Some("> 30000"), "<= 31000", None);
    check(&arms, &time("min", "30000"), Some("> 30000"), ">= 30000", Some(true));
    check(&arms, &time("min", "31000"), Some("> 30000"), ">= 31000", None);
    let [naive, _] = two_arms();
    check(&[naive], &time("max", "5000"), Some("5000"), "<= 5000", Some(true));
}

#[test]
fn a_verdict_is_one_of_those_that_are_allowed_and_undetermined_is_never_held() {
    let allowed = json!({"metric": "RecoveryVerdict", "window": "total", "in": ["NoEffect", "Recovered"]});
    for (verdict, holds) in [
        (RecoveryVerdict::NoEffect, Some(true)),
        (RecoveryVerdict::Recovered, Some(true)),
        (RecoveryVerdict::SlowRecovery, Some(false)),
        (RecoveryVerdict::MetastableSuspected, Some(false)),
        (RecoveryVerdict::MetastableConfirmed, Some(false)),
        (RecoveryVerdict::Overloaded, Some(false)),
        (RecoveryVerdict::Undetermined, None),
    ] {
        let arms = [arm("a", None, Some(("1s", verdict)))];
        check(&arms, &allowed, Some(verdict.as_str()), "one of NoEffect, Recovered", holds);
    }
}

/// The other arm took longer than 20 s: that is a bound of more than so many times 20 s, which 10 s and 20 s are within,
/// which they don't reach, and of which 21 s could be either side.
#[test]
fn a_time_that_is_only_known_to_be_longer_is_a_bound_as_far_as_it_goes() {
    let against = |shown: &str, field: &str, times: &str| {
        let recovery = |time| Some((time, RecoveryVerdict::Recovered));
        let arms = [arm("naive", None, recovery("> 20s")), arm("jitter", None, recovery(shown))];
        let criterion = json!({"metric": "TimeToRecoveryMs", "window": "total", "arm": "jitter",
                               field: {"arm": "naive", "times": times}});
        let [(_, _, bound, holds)] = held(&arms, &criterion).try_into().unwrap();
        (bound, holds)
    };
    let bound = |sign: &str, text: &str| format!("{sign} more than {text} x naive)");
    for (shown, at_most, at_least) in [
        ("10s", Some(true), Some(false)),
        ("20s", Some(true), Some(false)),
        ("21s", None, None),
        ("> 5s", None, None),
        ("> 20s", None, None),
        ("> 30s", None, None),
    ] {
        assert_eq!(against(shown, "maxOf", "1"), (bound("<=", "20000 (1"), at_most), "{shown}");
        assert_eq!(against(shown, "minOf", "1"), (bound(">=", "20000 (1"), at_least), "{shown}");
    }
    assert_eq!(against("10s", "maxOf", "0.5"), (bound("<=", "10000 (0.5"), Some(true)));
    assert_eq!(against("11s", "maxOf", "0.5"), (bound("<=", "10000 (0.5"), None));
    assert_eq!(against("11s", "maxOf", "0"), ("<= 0 (0 x naive)".into(), Some(false)), "no time is no time");
    assert_eq!(against("0s", "minOf", "0"), (">= 0 (0 x naive)".into(), Some(true)));
}

/// 40 of 84,000 requests fail, and 496 or 497 of 10,000.
#[test]
fn a_figure_is_judged_as_it_is_and_shown_with_the_decimals_that_tell_why() {
    let succeeded = |ok, requests| {
        let mut arm = arm("a", Some(1_000), None);
        let fates = FatesStatus { ok, exhausted: requests - ok, ..FatesStatus::default() };
        arm.windows[0] = WindowStatus { requests, fates, success_rate: Some("1.000".into()), ..arm.windows[0].clone() };
        [arm]
    };
    let min = |min: &str| json!({"metric": "SuccessRate", "min": min});
    let max = |max: &str| json!({"metric": "SuccessRate", "max": max});
    check(&succeeded(83_960, 84_000), &min("1"), Some("0.999"), ">= 1", Some(false));
    check(&succeeded(83_960, 84_000), &min("0.9995"), Some("0.99952"), ">= 0.9995", Some(true));
    check(&succeeded(9_504, 10_000), &min("0.9504"), Some("0.9504"), ">= 0.9504", Some(true));
    check(&succeeded(9_503, 10_000), &min("0.9504"), Some("0.950"), ">= 0.9504", Some(false));
    check(&succeeded(9_504, 10_000), &max("0.950"), Some("0.9504"), "<= 0.950", Some(false));
    check(&succeeded(1, 84_000), &max("0"), Some("0.001"), "<= 0", Some(false));
    check(&succeeded(84_000, 84_000), &min("1"), Some("1.000"), ">= 1", Some(true));
    let slow = json!({"metric": "LatencyP999Ms", "max": "300.05"});
    check(&[arm("a", Some(1_000), None)], &slow, Some("300.1"), "<= 300.05", Some(false));
}

/// An older operator found it, or an older definition keeps no fractions.
#[test]
fn where_only_what_is_shown_is_kept_that_is_judged() {
    let mut arm = arm("a", Some(1_000), None);
    let peak_amplification = Some("3.050".into());
    arm.windows[0] = WindowStatus { peak_amplification, exact: ExactFigures::default(), ..arm.windows[0].clone() };
    let peak = |max: &str| json!({"metric": "PeakAmplification", "max": max});
    check(std::slice::from_ref(&arm), &peak("3"), Some("3.050"), "<= 3", Some(false));
    check(&[arm], &peak("3.05"), Some("3.050"), "<= 3.05", Some(true));
}

/// Half of 250 ÷ 83 has no end.
#[test]
fn a_multiple_without_an_end_is_compared_exactly() {
    let of = |name: &str, attempts, requests| {
        let mut arm = arm(name, Some(attempts), None);
        arm.windows[0].requests = requests;
        arm
    };
    let half = json!({"metric": "Amplification", "arm": "jitter", "maxOf": {"arm": "naive", "times": "0.5"}});
    let holds = |attempts, requests| {
        let [(_, observed, bound, holds)] =
            held(&[of("naive", 250, 83), of("jitter", attempts, requests)], &half).try_into().unwrap();
        (observed.unwrap(), bound, holds)
    };
    let text = |text: &str| text.to_owned();
    assert_eq!(holds(125, 83), (text("1.506024"), text("<= 1.506024 (0.5 x naive)"), Some(true)));
    assert_eq!(holds(1_250_001, 830_000), (text("1.50603"), text("<= 1.506024 (0.5 x naive)"), Some(false)));
    assert_eq!(holds(12_500_001, 8_300_000), (text("1.5060242"), text("<= 1.5060241 (0.5 x naive)"), Some(false)));
}

/// Nobody retried: that one arm retries no more than half as much as the other says nothing.
#[test]
fn a_comparison_of_nothing_with_nothing_is_never_held_and_says_why() {
    let retried = |name: &str, count| {
        let mut arm = arm(name, Some(1_000), None);
        arm.windows[0].exact.retry_share = Some(Fraction { count, per: 1_000 });
        arm
    };
    let against = |field: &str, times: &str, count| {
        let criterion = json!({"metric": "RetryShare", "arm": "none", field: {"arm": "naive", "times": times}});
        let [(_, _, bound, holds)] =
            held(&[retried("naive", 0), retried("none", count)], &criterion).try_into().unwrap();
        (bound, holds)
    };
    let says_nothing = |sign: &str| (format!("{sign} 0 (0.5 x naive: 0 against 0 says nothing)"), None);
    assert_eq!(against("maxOf", "0.5", 0), says_nothing("<="));
    assert_eq!(against("minOf", "0.5", 0), says_nothing(">="));
    assert_eq!(against("maxOf", "0.5", 1), ("<= 0 (0.5 x naive)".into(), Some(false)));
    assert_eq!(against("minOf", "0.5", 1), (">= 0 (0.5 x naive)".into(), Some(true)));
    assert_eq!(against("maxOf", "0", 0), ("<= 0 (0 x naive)".into(), Some(true)), "0 is what was asked for");
}
