//! What is written, and when: conditions that move only when they flip, generations, events, and no write without a
//! change.

use std::{collections::BTreeMap, time::Duration};

use retrylab_api::{ConditionType, RetryExperiment, Verdict};
use retrylab_core::wire::{BackendResults, ClientResults, FaultRecord, LoadgenResults, RunState};
use serde_json::json;

use super::given::{absent, answers, at, decide, edit, everywhere, experiment, ready, report, step, two_arms, whole};
use crate::{Event, EventKind, Observed, Plan};

/// One look: the experiment and the pods as they were found, when, and what was planned.
struct Look {
    experiment: RetryExperiment,
    observed: Observed,
    ms: i64,
    plan: Plan,
}

/// An experiment from its first look to the removal of its workloads, with a pause, edits and a hand-over that failed.
struct Story {
    experiment: RetryExperiment,
    looks: Vec<Look>,
}

impl Story {
    fn look(&mut self, ms: i64, observed: Observed) {
        let experiment = self.experiment.clone();
        let plan = step(&mut self.experiment, &observed, ms);
        self.looks.push(Look { experiment, observed, ms, plan });
    }

    fn told() -> Self {
        let mut changes = two_arms();
        changes["ttlSecondsAfterFinished"] = json!(60);
        let mut story = Self { experiment: experiment(changes), looks: vec![] };
        let pods = ready(&story.experiment.spec);
        story.look(0, Observed::default());
        edit(&mut story.experiment, |spec| spec.suspend = true);
        story.look(1_500, Observed::default());
        story.look(3_000, pods.clone());
        edit(&mut story.experiment, |spec| spec.suspend = false);
        story.look(10_700, pods.clone());
        story.look(11_730, answers(&pods, || absent(-9_000), || absent(-9_000), || absent(-9_000)));
        story.look(15_000, everywhere(&story.experiment, &pods, RunState::Running));
        story.look(15_500, window_open(&story.experiment, &pods));
        edit(&mut story.experiment, |spec| spec.suspend = true);
        story.look(15_900, window_open(&story.experiment, &pods));
        story.look(18_000, everywhere(&story.experiment, &pods, RunState::Running));
        story.look(21_000, whole(&story.experiment, &pods));
        edit(&mut story.experiment, |spec| spec.suspend = false);
        story.look(30_000, pods.clone());
        story.look(31_100, everywhere(&story.experiment, &pods, RunState::Running));
        story.look(36_000, whole(&story.experiment, &pods));
        story.look(96_000, pods);
        assert_eq!(story.experiment.status.as_ref().unwrap().verdict, Some(Verdict::Passed));
        story
    }
}

fn window_open(experiment: &RetryExperiment, pods: &Observed) -> Observed {
    let record = FaultRecord { name: "outage".into(), started_us: Some(1_000_300), ..FaultRecord::default() };
    let results = BackendResults { faults: vec![record], ..BackendResults::default() };
    answers(
        pods,
        || report(experiment, RunState::Running, results.clone()),
        || report(experiment, RunState::Running, ClientResults::default()),
        || report(experiment, RunState::Running, LoadgenResults::default()),
    )
}

#[test]
fn a_condition_s_transition_time_moves_when_its_status_flips_and_only_then() {
    let mut last: BTreeMap<String, (String, _)> = BTreeMap::new();
    let mut flips = 0;
    for Look { ms, plan, .. } in Story::told().looks {
        for c in plan.status.conditions {
            let now = (c.status, c.last_transition_time.0);
            match last.get(&c.type_) {
                Some(before) if before.0 == now.0 => assert_eq!(before.1, now.1, "{} at {ms}", c.type_),
                _ => assert_eq!(now.1, at(ms / 1_000 * 1_000), "{} at {ms}", c.type_),
            }
            flips += usize::from(last.insert(c.type_, now.clone()).is_some_and(|before| before.0 != now.0));
        }
    }
    // WorkloadsReady comes and goes, FaultActive too, Paused comes and goes twice, Complete and Succeeded come, Reconciling goes.
    assert_eq!(flips, 2 + 2 + 3 + 1 + 1 + 1);
}

/// What kstatus makes of an object, by its published rules: the generation that was looked at, then `Reconciling`, then `Stalled`;
/// without either an object is as it should be.
fn kstatus(experiment: &RetryExperiment) -> &'static str {
    let Some(status) = &experiment.status else { return "Current" };
    let is_true = |kind: &str| status.conditions.iter().any(|c| c.type_ == kind && c.status == "True");
    let is_old = status.observed_generation.is_some_and(|seen| Some(seen) != experiment.metadata.generation);
    if is_old || is_true("Reconciling") {
        "InProgress"
    } else if is_true("Stalled") {
        "Failed"
    } else {
        "Current"
    }
}

#[test]
fn kstatus_sees_an_experiment_in_progress_until_it_is_over_and_current_only_if_it_has_passed() {
    for Look { mut experiment, plan, .. } in Story::told().looks {
        experiment.status = Some(plan.status);
        let is_over = experiment.status.as_ref().unwrap().verdict.is_some();
        assert_eq!(kstatus(&experiment), if is_over { "Current" } else { "InProgress" });
        edit(&mut experiment, |spec| spec.ttl_seconds_after_finished += 1);
        assert_eq!(kstatus(&experiment), "InProgress", "an edit that nobody has looked at");
    }
    for changes in [json!({"abort": true}), json!({"load": {"rate": 0}})] {
        let mut experiment = experiment(changes);
        step(&mut experiment, &Observed::default(), 0);
        assert_eq!(kstatus(&experiment), "Failed", "{:?}", experiment.status);
    }
}

#[test]
fn an_experiment_that_no_operator_has_looked_at_is_in_progress() {
    let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
    let born_with = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["default"];
    let mut experiment = experiment(two_arms());
    experiment.status = Some(serde_json::from_value(born_with.clone()).unwrap());
    assert_eq!(kstatus(&experiment), "InProgress");
    let seen = step(&mut experiment.clone(), &Observed::default(), 0).status;
    experiment.status = None;
    assert_eq!(seen, step(&mut experiment, &Observed::default(), 0).status, "it is as if it had none");
}

#[test]
fn every_condition_has_the_generation_that_was_looked_at_and_they_are_in_their_order() {
    for Look { experiment, plan, .. } in Story::told().looks {
        let generation = experiment.metadata.generation;
        assert_eq!(plan.status.observed_generation, generation);
        assert!(plan.status.conditions.iter().all(|c| c.observed_generation == generation));
        let order = |name: &str| ConditionType::ALL.iter().position(|kind| kind.as_str() == name);
        assert!(plan.status.conditions.iter().map(|c| order(&c.type_)).is_sorted());
    }
}

#[test]
fn an_edit_that_changes_nothing_else_is_written_as_a_generation() {
    let Story { mut experiment, looks } = Story::told();
    let last = looks.last().unwrap();
    edit(&mut experiment, |spec| spec.ttl_seconds_after_finished = 61);
    let mut after = decide(&experiment, &last.observed, 97_000).status;
    assert_ne!(Some(&after), experiment.status.as_ref());
    after.observed_generation = last.plan.status.observed_generation;
    after.conditions.iter_mut().for_each(|c| c.observed_generation = last.plan.status.observed_generation);
    assert_eq!(Some(after), experiment.status);
}

/// The same pods, which have done what they were told, a while later, but before the time at which the plan said that one
/// should look again.
#[test]
fn nothing_is_written_and_nobody_is_told_when_nothing_happened() {
    for Look { mut experiment, observed, ms, plan } in Story::told().looks {
        experiment.status = Some(plan.status.clone());
        let told = !plan.acts.is_empty();
        let seen = if told { everywhere(&experiment, &observed, RunState::Scheduled) } else { observed };
        let wait = plan.next.unwrap_or(Duration::from_secs(3_600)).as_millis() as i64;
        for later in [0, 1, wait / 2, wait - 1] {
            let again = decide(&experiment, &seen, ms + later);
            assert_eq!(again.status, plan.status, "at {ms} + {later}");
            assert!(again.events.is_empty() && again.acts.is_empty(), "at {ms} + {later}: {again:?}");
        }
    }
}

/// Events of all looks, in short.
fn check(events: impl Iterator<Item = Event>, expected: &[(EventKind, &str, &str)]) {
    let told: Vec<_> = events.map(|e| (e.kind, e.reason, e.note)).collect();
    let expected: Vec<_> = expected.iter().map(|&(kind, reason, note)| (kind, reason, note.to_owned())).collect();
    assert_eq!(told, expected);
}

#[test]
fn people_are_told_what_changed_and_nothing_twice() {
    use EventKind::{Normal, Warning};
    check(
        Story::told().looks.into_iter().flat_map(|look| look.plan.events),
        &[
            (Normal, "ArmStarted", "arm first starts at 2027-01-15T08:00:11.7Z"),
            (Warning, "ArmRestarted", "arm first was not handed over in time and starts at 2027-01-15T08:00:13.73Z"),
            (Normal, "FaultStarted", "arm first: a failure window is open"),
            (Normal, "ArmComplete", "arm first: amplification 1.000, success rate 0.750"),
            (Normal, "ArmStarted", "arm second starts at 2027-01-15T08:00:31Z"),
            (Normal, "ArmComplete", "arm second: amplification 1.000, success rate 0.750"),
            (Normal, "Passed", "the evidence is complete, and all 0 checks of criteria hold"),
        ],
    );
}

#[test]
fn an_experiment_that_ends_anew_after_an_edit_is_told_anew() {
    let mut experiment = experiment(json!({"load": {"rate": 0}}));
    let mut events = step(&mut experiment, &Observed::default(), 0).events;
    edit(&mut experiment, |spec| spec.load.rate = Some(99_999));
    events.extend(step(&mut experiment, &Observed::default(), 60_000).events);
    edit(&mut experiment, |spec| spec.ttl_seconds_after_finished = 0);
    check(
        events.into_iter(),
        &[
            (EventKind::Warning, "Error", "spec.load.rate: 0 is not allowed; allowed: 1 to 20000"),
            (EventKind::Warning, "Error", "spec.load.rate: 99999 is not allowed; allowed: 1 to 20000"),
        ],
    );
}
