//! The verdict: from the evidence first, then from the criteria. Nothing that lacks evidence is ever Passed.

use retrylab_api::{ConditionType, RecoveryVerdict, RetryExperiment, RetryExperimentStatus, Verdict};
use retrylab_core::{
    policy::Fate,
    stats::{Counts, LatencyRecorder},
    wire::{BackendResults, ClientResults, LoadgenResults, RunReport, RunState, Unsent},
};
use serde_json::{Value, json};

use super::given::{GIVEN_UP, absent, at, condition, decide, settled, step, two_arms, unreachable, whole};
use crate::{PodRun, RunSeen, Runs};

/// When every pod is done, and when no pod is waited for any more.
const DONE: i64 = 5_100;
const OVERTIME: i64 = GIVEN_UP + 1;

fn report<R>(runs: &mut [PodRun<R>]) -> &mut RunReport<R> {
    match &mut runs[0].seen {
        RunSeen::Here(report) => report,
        RunSeen::Absent { .. } | RunSeen::Unreachable(_) => panic!("the pod has the run"),
    }
}

fn backend(runs: &mut Runs) -> &mut BackendResults {
    &mut report(&mut runs.backends).results
}

fn client(runs: &mut Runs) -> &mut ClientResults {
    &mut report(&mut runs.clients).results
}

fn load(runs: &mut Runs) -> &mut LoadgenResults {
    &mut report(&mut runs.loadgens).results
}

/// How an experiment ends whose run went as planned but for what `spoil` does to it.
fn verdict_of(changes: &Value, spoil: impl Fn(&mut Runs), ms: i64) -> RetryExperimentStatus {
    let (mut experiment, pods) = settled(changes.clone());
    let mut observed = whole(&experiment, &pods);
    spoil(&mut observed.runs);
    step(&mut experiment, &observed, ms);
    decide(&experiment, &pods, ms + 1).status // an arm that is out of time is judged in the next look
}

/// A run that is spoiled is Inconclusive for this reason, whatever the criteria say.
fn check(spoil: impl Fn(&mut Runs), ms: i64, expected: &str) {
    let holds = json!({"criteria": [{"name": "c", "metric": "SuccessRate", "min": "0"}]});
    let fails = json!({"criteria": [{"name": "c", "metric": "SuccessRate", "min": "2"}]});
    for criteria in [holds, fails] {
        let status = verdict_of(&criteria, &spoil, ms);
        let shortcomings = &status.arms[0].evidence.as_ref().unwrap().shortcomings;
        assert_eq!(status.verdict, Some(Verdict::Inconclusive), "{expected}");
        assert!(shortcomings.iter().any(|s| s == expected), "{shortcomings:?} lacks {expected:?}");
        assert!(status.message.as_ref().is_some_and(|m| m.starts_with("none: ") && m.contains(expected)));
        assert_eq!(condition(&status, ConditionType::Complete).1, "Inconclusive");
        assert_eq!(condition(&status, ConditionType::Succeeded).0, "False");
    }
}

#[test]
fn a_run_as_planned_whose_criteria_hold_is_passed() {
    let criteria = json!({"criteria": [
        {"name": "some-success", "metric": "SuccessRate", "min": "0.750"},
        {"name": "no-retries", "metric": "Amplification", "window": "outage", "max": "1"},
    ]});
    let status = verdict_of(&criteria, |_| {}, DONE);
    let message = "the evidence is complete, and all 2 checks of criteria hold";
    assert_eq!((status.verdict, status.message.as_deref()), (Some(Verdict::Passed), Some(message)));
    assert_eq!(condition(&status, ConditionType::Succeeded), ("True", "Passed", message));
    let evidence = status.arms[0].evidence.clone().unwrap();
    assert_eq!(
        (evidence.fault_delivered.as_deref(), evidence.load_achieved.as_deref()),
        (Some("1.000"), Some("1.000"))
    );
    assert_eq!((evidence.accounting_gap, evidence.lateness_p99.as_deref()), (0, Some("0.1")));
}

#[test]
fn the_figures_are_those_of_the_counts() {
    let status = verdict_of(&json!({}), |_| {}, DONE);
    let of = |name: &str| status.arms[0].windows.iter().find(|w| w.name == name).unwrap();
    let names: Vec<_> = status.arms[0].windows.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["baseline", "outage", "recovery", "total"]);
    assert_eq!([of("baseline").requests, of("outage").requests, of("recovery").requests], [20, 20, 40]);
    assert_eq!((of("total").requests, of("total").success_rate.as_deref()), (80, Some("0.750")));
    assert_eq!((of("outage").fates.exhausted, of("outage").goodput.as_deref()), (20, Some("0.0")));
    let (planned, actual) = (of("outage").planned_at.clone().unwrap().0, of("outage").actual_at.clone().unwrap().0);
    assert_eq!(actual.duration_since(planned).as_micros(), 300);
    assert_eq!(of("outage").off_ms, Some(1), "0.3 ms, rounded up");
}

#[test]
fn a_run_as_planned_with_a_criterion_that_does_not_hold_is_failed() {
    let criteria = json!({"criteria": [
        {"name": "low", "metric": "SuccessRate", "min": "0.751"},
        {"name": "high", "metric": "WireAmplification", "window": "outage", "max": "0.999"},
        {"name": "fine", "metric": "RetryShare", "max": "0"},
    ]});
    let status = verdict_of(&criteria, |_| {}, DONE);
    let message = "criteria that don't hold: low in none: 0.750, to be >= 0.751; \
                   high in none: 1.000, to be <= 0.999";
    assert_eq!((status.verdict, status.message.as_deref()), (Some(Verdict::Failed), Some(message)));
    assert_eq!(condition(&status, ConditionType::Succeeded), ("False", "Failed", message));
    let held: Vec<_> = status.criteria.iter().map(|c| c.holds).collect();
    assert_eq!(held, [Some(false), Some(false), Some(true)]);
}

#[test]
fn a_criterion_without_a_figure_is_inconclusive() {
    let quiet = json!({
        "load": {"rate": 10, "arrivals": "Uniform"},
        "criteria": [{"name": "peak", "metric": "PeakAmplification", "max": "9"}],
    });
    let status = verdict_of(&quiet, |_| {}, DONE);
    let message = "criteria of which nothing can be told: peak in none: nothing observed, to be <= 9";
    assert_eq!((status.verdict, status.message.as_deref()), (Some(Verdict::Inconclusive), Some(message)));
}

/// A service that never worked is back to that in no time.
#[test]
fn the_recovery_of_a_service_that_never_worked_is_inconclusive() {
    let quick = json!({
        "faults": [{"name": "outage", "at": "2s", "for": "1s", "type": "Error"}],
        "duration": "20s",
        "criteria": [{"name": "quick", "metric": "TimeToRecoveryMs", "max": "10000"}],
    });
    let never_works = |runs: &mut Runs| {
        let series = &mut backend(runs).series;
        series.rejected = std::mem::take(&mut series.completed);
        let series = &mut client(runs).series;
        series.exhausted.merge(&std::mem::take(&mut series.ok));
        let series = &mut load(runs).series;
        series.failed.merge(&std::mem::take(&mut series.ok));
        series.goodput = Counts::default();
    };
    let status = verdict_of(&quick, never_works, DONE + 16_000);
    let recovery = status.arms[0].recovery.clone().unwrap();
    assert_eq!((recovery.time_to_recovery, recovery.verdict), (None, RecoveryVerdict::Overloaded));
    let message = "criteria of which nothing can be told: quick in none: nothing observed, to be <= 10000";
    assert_eq!((status.verdict, status.message.as_deref()), (Some(Verdict::Inconclusive), Some(message)));
    assert_eq!(verdict_of(&quick, |_| {}, DONE + 16_000).verdict, Some(Verdict::Passed));
}

/// The status has all of them; an event, which has room for 1 KiB, has the first.
#[test]
fn of_many_criteria_that_fail_or_shortcomings_a_message_names_the_first_and_counts_the_others() {
    let criterion = |i| json!({"name": format!("c{i}"), "metric": "SuccessRate", "min": "2"});
    let many = json!({"criteria": (0..20).map(criterion).collect::<Vec<_>>()});
    let status = verdict_of(&many, |_| {}, DONE);
    let of = |i| format!("c{i} in none: 0.750, to be >= 2");
    let message = format!("criteria that don't hold: {}; and 15 more", [0, 1, 2, 3, 4].map(of).join("; "));
    assert_eq!(status.message.as_deref(), Some(message.as_str()));
    let talkative = |runs: &mut Runs| {
        let pod = |_| PodRun { seen: RunSeen::Unreachable("é".repeat(5_000)), ..runs.clients[0].clone() };
        runs.clients = (0..10).map(pod).collect();
    };
    let status = verdict_of(&json!({}), talkative, OVERTIME);
    let shortcomings = &status.arms[0].evidence.as_ref().unwrap().shortcomings;
    assert_eq!(shortcomings.len(), 6, "{shortcomings:?}");
    assert!(shortcomings.iter().all(|text| text.len() <= 240), "{shortcomings:?}");
    assert!(shortcomings[5].starts_with("and ") && shortcomings[5].ends_with(" more"), "{}", shortcomings[5]);
    let of_conditions = status.conditions.iter().map(|condition| condition.message.len());
    let longest = of_conditions.chain(status.message.as_ref().map(String::len)).max();
    assert!(longest.is_some_and(|bytes| (500..=1_000).contains(&bytes)), "{longest:?} bytes");
}

#[test]
fn a_criterion_is_held_against_every_arm_or_the_one_that_it_names() {
    let mut changes = two_arms();
    changes["criteria"] = json!([
        {"name": "all", "metric": "SuccessRate", "min": "0"},
        {"name": "one", "metric": "SuccessRate", "arm": "second", "min": "0"},
    ]);
    let (mut experiment, pods) = settled(changes);
    for ms in [DONE, 2 * DONE] {
        let observed = whole(&experiment, &pods);
        step(&mut experiment, &observed, ms);
    }
    let criteria = experiment.status.unwrap().criteria;
    let checked: Vec<_> = criteria.iter().map(|c| (c.name.as_str(), c.arm.as_str())).collect();
    assert_eq!(checked, [("all", "first"), ("all", "second"), ("one", "second")]);
}

#[test]
fn one_arm_without_evidence_makes_the_experiment_inconclusive() {
    for spoiled in [0, 1] {
        let (mut experiment, pods) = settled(two_arms());
        for arm in [0, 1] {
            let mut observed = whole(&experiment, &pods);
            client(&mut observed.runs).strategy_changes = u64::from(arm == spoiled);
            step(&mut experiment, &observed, DONE * (1 + arm));
        }
        let RetryExperiment { status: Some(status), .. } = experiment else { panic!("a status") };
        let name = ["first", "second"][spoiled as usize];
        let message = format!("{name}: the strategy of client-0 was changed by hand");
        assert_eq!((status.verdict, status.message), (Some(Verdict::Inconclusive), Some(message)));
    }
}

#[test]
fn a_fault_that_struck_nobody_or_too_few_is_inconclusive() {
    let struck = |n: u64| move |runs: &mut Runs| backend(runs).faults[0].affected = n;
    check(struck(0), DONE, "the fault outage struck no request");
    check(struck(19), DONE, "the fault outage struck 0.950 of the requests that it should have struck");
    let met_nobody = |runs: &mut Runs| (backend(runs).faults[0].exposed, backend(runs).faults[0].affected) = (0, 0);
    check(met_nobody, DONE, "no request met the fault outage");
}

#[test]
fn a_fault_that_did_not_run_as_planned_is_inconclusive() {
    let whole = "the fault outage did not run from its start to its end";
    check(|runs| backend(runs).faults[0].started_us = None, DONE, whole);
    check(|runs| backend(runs).faults[0].ended_us = None, DONE, whole);
    check(|runs| backend(runs).faults.clear(), DONE, whole);
    let late = "the fault outage was 51 ms off its schedule";
    check(|runs| backend(runs).faults[0].started_us = Some(1_051_000), DONE, late);
    check(|runs| backend(runs).faults[0].ended_us = Some(2_051_000), DONE, late);
}

#[test]
fn pods_that_cannot_be_asked_lost_the_run_or_are_missing_are_inconclusive() {
    check(|runs| runs.clients[0].seen = unreachable(), OVERTIME, "client-0 could not be asked: connection refused");
    check(|runs| runs.backends[0].seen = unreachable(), OVERTIME, "backend-0 could not be asked: connection refused");
    check(|runs| runs.loadgens[0].seen = unreachable(), OVERTIME, "loadgen-0 could not be asked: connection refused");
    check(|runs| runs.clients[0].seen = absent(1), OVERTIME, "client-0 lost the run");
    check(|runs| runs.backends.clear(), OVERTIME, "0 of 1 backend pods could be asked");
}

#[test]
fn a_pod_that_was_handed_the_run_late_lost_a_part_and_is_inconclusive() {
    let lost = |pod: &str| format!("{pod} took up the run at 1500ms; what came before is lost");
    check(|runs| report(&mut runs.backends).joined_at_ms = 1_500, DONE, &lost("backend-0"));
    check(|runs| report(&mut runs.clients).joined_at_ms = 1_500, DONE, &lost("client-0"));
    check(|runs| report(&mut runs.loadgens).joined_at_ms = 1_500, DONE, &lost("loadgen-0"));
}

/// By the world's clock a pod began between two moments; 50 ms are allowed.
#[test]
fn a_pod_that_began_at_another_time_than_settled_is_inconclusive() {
    let late = "client-0 did not begin the run when it was to begin";
    check(|runs| runs.clients[0].began = Some((at(1_051), at(1_060))), DONE, late);
    check(|runs| runs.clients[0].began = Some((at(940), at(949))), DONE, late);
    for in_doubt in [None, Some((at(900), at(1_100))), Some((at(1_050), at(1_060))), Some((at(940), at(950)))] {
        let status = verdict_of(&json!({}), |runs| runs.clients[0].began = in_doubt, DONE);
        assert_eq!(status.verdict, Some(Verdict::Passed), "{in_doubt:?}");
    }
}

#[test]
fn a_run_that_somebody_stopped_is_inconclusive() {
    let stopped = |pod: &str| format!("the run of {pod} was stopped before its end");
    check(|runs| report(&mut runs.backends).state = RunState::Stopped, DONE, &stopped("backend-0"));
    check(|runs| report(&mut runs.clients).state = RunState::Stopped, DONE, &stopped("client-0"));
    check(|runs| report(&mut runs.loadgens).state = RunState::Stopped, DONE, &stopped("loadgen-0"));
}

#[test]
fn a_load_that_was_not_sent_was_late_or_was_none_is_inconclusive() {
    let dropped = |runs: &mut Runs| {
        for _ in 0..2 {
            load(runs).series.planned.add(0);
            load(runs).series.dropped.add(0);
        }
    };
    check(dropped, DONE, "only 0.976 of the planned load was sent: 20 of 22 requests in baseline");
    let late = |runs: &mut Runs| {
        let mut recorder = LatencyRecorder::default();
        recorder.record(150_000);
        load(runs).lateness_us = recorder.take();
    };
    check(late, DONE, "the load generator was 150 ms late (p99)");
    let none = |runs: &mut Runs| {
        (*load(runs), *client(runs)) = (LoadgenResults::default(), ClientResults::default());
        backend(runs).series = BackendResults::default().series;
    };
    check(none, DONE, "no request was planned");
    check(none, DONE, "the load generator sent nothing");
}

/// A load generator that was cut short counts itself as having sent all that it planned.
#[test]
fn a_load_generator_that_did_not_come_to_every_request_is_inconclusive() {
    let doubled = |runs: &mut Runs| {
        load(runs).series.planned.add(0);
        load(runs).series.sent.add(0);
        load(runs).series.ok.add(0);
        client(runs).series.request(0);
        client(runs).series.attempt(0, 0, false);
        client(runs).series.end(0, Fate::Ok);
        backend(runs).series.received.add(0);
        backend(runs).series.completed.add(0);
    };
    check(doubled, DONE, "the load generator came to 81 of 80 requests");
}

#[test]
fn attempts_that_got_no_connection_are_named_with_the_reason() {
    let spoil: Spoil = |runs| client(runs).unsent = Some(Unsent { attempts: 2, why: "no route".into() });
    check(spoil, DONE, "2 attempts of client-0 got no connection: no route");
}

#[test]
fn what_somebody_did_by_hand_is_inconclusive() {
    // One request in a hundred may be a person's own; two of 80 are more.
    let foreign = "2 requests that were not the run's went through the clients";
    check(|runs| client(runs).foreign_requests = 2, DONE, foreign);
    check(|runs| client(runs).strategy_changes = 1, DONE, "the strategy of client-0 was changed by hand");
    check(|runs| backend(runs).foreign_faults = 1, DONE, "a fault of backend-0 was started or ended by hand");
}

type Spoil = fn(&mut Runs);

/// An end too many, at a time when all requests have been received; that they are as many is a count of its own.
const REJECTED: &str = "2 (requests received and ended by backends by 1, ends before their requests by 1)";

/// One count too many in any column that another one must agree with.
#[test]
fn counts_that_do_not_agree_are_inconclusive_and_named() {
    let too_many: [(Spoil, &str); 20] = [
        (|runs| load(runs).series.planned.add(0), "1 (requests planned, and sent or dropped by 1)"),
        (|runs| load(runs).series.dropped.add(0), "1 (requests planned, and sent or dropped by 1)"),
        (
            |runs| load(runs).series.failed.add(0),
            "2 (requests sent and answered by 1, answers and their latencies by 1)",
        ),
        (
            |runs| load(runs).series.goodput.add(0),
            "3 (successes by cohort and by answer by 1, successes before their requests by 1, \
             successes and latencies of each second by 1)",
        ),
        (|runs| load(runs).series.late.add(0), "1 (late requests and their lateness by 1)"),
        (|runs| load(runs).users.ended += 1, "1 (requests of users, and planned beside the bursts by 1)"),
        (|runs| load(runs).users.waited_us += 1, "1 (microseconds that users waited and requests took by 1)"),
        (|runs| load(runs).latency_us.clear(), "80 (answers and their latencies by 80)"),
        (|runs| client(runs).series.exhausted.add(0), "1 (requests and their fates by 1)"),
        (|runs| client(runs).series.not_retryable.add(0), "1 (requests and their fates by 1)"),
        (|runs| client(runs).series.wire_attempts.add(0), "1 (attempts by cohort and on the wire by 1)"),
        (
            |runs| client(runs).series.retries.add(0),
            "2 (attempts, and fewer than requests with their retries by 1, retries by cohort and on the wire by 1)",
        ),
        (
            |runs| client(runs).series.wire_retries.add(0),
            "2 (retries by cohort and on the wire by 1, retries before their requests by 1)",
        ),
        (|runs| backend(runs).series.rejected.add(9_000_000), REJECTED),
        (|runs| backend(runs).series.dropped.add(9_000_000), REJECTED),
        (|runs| backend(runs).series.expired.add(9_000_000), REJECTED),
        (|runs| backend(runs).series.cancelled.add(9_000_000), REJECTED),
        (|runs| backend(runs).series.wasted.add(0), "1 (successes and wasted work, and completions by 1)"),
        (
            |runs| client(runs).series.attempts.add(0),
            "3 (attempts, and more than requests with their retries by 1, attempts by cohort and on the wire by 1, \
             attempts made and received by backends by 1)",
        ),
        (
            |runs| client(runs).series.requests.add(0),
            "3 (requests sent to clients and received by 1, requests and their fates by 1, \
             attempts, and fewer than requests with their retries by 1)",
        ),
    ];
    for (spoil, named) in too_many {
        check(spoil, GIVEN_UP, &format!("counts that must agree differ by {named}")); // by then nothing is on its way any more
    }
}
