//! A whole experiment in memory, with an operator that can die, stand still or be cut off between any two things that it
//! does. Whatever happens to it, the experiment finds the same.

mod deaths;
mod meddling;
mod mutations;
mod operator;
mod pod;
mod traffic;
mod world;
mod writes;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use retrylab_api::{ArmPhase, ArmStatus, CriterionStatus, RetryExperimentStatus, RunRecord, Verdict};
use serde_json::{Value, json};

use self::{
    operator::{Hook, Operator},
    world::{MS, SECOND, Us, World},
};
use super::given;

/// Long enough for every experiment here, whatever happens to it.
const HORIZON: Us = 900 * SECOND;
/// How long an experiment is looked at after its end.
const AFTERMATH: Us = 2 * SECOND;
/// How long an operator may be dead.
const DEATHS: [Us; 5] = [0, 300 * MS, 1_100 * MS, 3 * SECOND, 12 * SECOND];
/// Most that a window's start may differ from the plan, in microseconds.
const EDGE_MAX_US: i128 = 5_000;

/// Two arms, an outage and a burst; 90 requests an arm. `changes` replace whole fields of the spec.
fn world(changes: Value) -> World {
    let mut spec = json!({
        "arms": [
            {"name": "naive", "strategy": {"type": "Naive"}},
            {"name": "backoff", "strategy": {"type": "Backoff", "backoff": {"base": "300ms"}}},
        ],
        "load": {"rate": 20, "arrivals": "Uniform", "bursts": [{"name": "spike", "at": "3s", "requests": 10}]},
        "criteria": [{"name": "amp", "metric": "Amplification", "window": "outage", "max": "3.000"}],
        "ttlSecondsAfterFinished": 600,
    });
    let Value::Object(changes) = changes else { panic!("changes are fields") };
    changes.into_iter().for_each(|(field, value)| spec[field] = value);
    World::new(given::experiment(spec))
}

/// Lets an operator work until the experiment is over, and a little longer. Gives the steps that it took.
fn carry_out(world: &mut World, hooks: &[(usize, Hook)]) -> usize {
    let mut operator = Operator::with(hooks);
    operator.work(world, AFTERMATH, HORIZON);
    operator.steps
}

fn status(world: &World) -> &RetryExperimentStatus {
    world.experiment.status.as_ref().expect("the experiment has a status")
}

/// What an experiment found: everything but times and hand-overs.
#[derive(Clone, Debug, PartialEq)]
struct Findings {
    verdict: Option<Verdict>,
    arms: Vec<ArmStatus>,
    criteria: Vec<CriterionStatus>,
}

fn findings(world: &World) -> Findings {
    let RetryExperimentStatus { verdict, mut arms, criteria, .. } = status(world).clone();
    let never = || MicroTime(world::moment(0));
    for arm in &mut arms {
        arm.run = RunRecord {
            id: String::new(),
            handover: 0,
            settled_at: never(),
            starts_at: never(),
            target: String::new(),
        };
        arm.finished_at = None;
        for window in &mut arm.windows {
            (window.planned_at, window.actual_at) = (None, None);
        }
    }
    Findings { verdict, arms, criteria }
}

/// How often each request of each arm was sent.
fn sent(world: &World) -> BTreeMap<(&str, u64), usize> {
    let mut times = BTreeMap::new();
    for (id, serial) in &world.sent {
        let arm = id.split('-').nth(2).expect("an id names the arm");
        *times.entry((arm, *serial)).or_default() += 1;
    }
    times
}

/// What must never be, whatever happened.
fn violations(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    let twice = sent(world).values().filter(|times| **times > 1).count();
    if twice > 0 {
        wrong.push(format!("{twice} requests were sent more than once"));
    }
    for pod in world.pods.iter().filter(|pod| pod.has_under_way(world.now)) {
        wrong.push(format!("{} has a run under way after the end", pod.name));
    }
    for arm in status(world).arms.iter().filter(|arm| arm.phase == ArmPhase::Complete) {
        let requests = arm.windows.last().map(|total| total.requests);
        let kept = world.kept.get(&arm.name).map(|series| series.arrivals.iter().sum());
        if kept != requests {
            wrong.push(format!("of the {requests:?} requests of arm {} the timeline has {kept:?}", arm.name));
        }
    }
    for window in status(world).arms.iter().flat_map(|arm| &arm.windows) {
        let off = window.actual_at.as_ref().zip(window.planned_at.as_ref());
        let off = off.map_or(0, |(actual, planned)| actual.0.duration_since(planned.0).as_micros().abs());
        if status(world).verdict == Some(Verdict::Passed) && off > EDGE_MAX_US {
            wrong.push(format!("{} was {off} µs off, and the verdict is Passed", window.name));
        }
    }
    wrong
}

/// Runs every case, on all cores, and fails with the first few that are not as they should be.
fn for_all<C: Sync + std::fmt::Debug>(cases: &[C], check: impl Fn(&C) -> Result<(), String> + Sync) {
    assert!(!cases.is_empty());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures.extend(check(case).err().map(|why| format!("{case:?}: {why}")));
        }
        failures
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().expect("no case panics")).collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures[..failures.len().min(5)].join("\n")
    );
}

/// The experiment finds what it finds when nothing happens, and nothing that must never be was.
fn same(world: &World, undisturbed: &Findings) -> Result<(), String> {
    let (found, mut wrong) = (findings(world), violations(world));
    if found.verdict != undisturbed.verdict {
        wrong.push(format!("{:?}: {}", found.verdict, status(world).message.clone().unwrap_or_default()));
    } else if found != *undisturbed {
        wrong.push(format!("other figures: {found:?}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

#[test]
fn an_undisturbed_experiment_finds_what_the_closed_forms_say() {
    let mut world = world(json!({}));
    carry_out(&mut world, &[]);
    let window = |arm: usize, name: &str| {
        let window = status(&world).arms[arm].windows.iter().find(|w| w.name == name).expect("the window is there");
        let shown = |ratio: &Option<String>| ratio.clone().unwrap_or_default();
        (window.requests, shown(&window.amplification), shown(&window.wire_amplification), shown(&window.success_rate))
    };
    let expect = |requests, cohort: &str, wire: &str, success: &str| {
        (requests, cohort.to_owned(), wire.to_owned(), success.to_owned())
    };
    assert_eq!(status(&world).verdict, Some(Verdict::Passed));
    assert_eq!(window(0, "outage"), expect(20, "3.000", "3.000", "0.000"));
    // Retries after 0.3, 0.9 and 2.1 s, in an outage of 1 s: on the wire 1 + 0.7 + 0.1, and none is lost. In time the
    // second try saves 30 %, the third 60 %, the fourth 10 %: 0.3·2 + 0.6·3 + 0.1·4 attempts a request.
    assert_eq!(window(1, "outage"), expect(20, "2.800", "1.800", "1.000"));
    assert_eq!(window(1, "total").0, 4 * 20 + 10);
    let times = sent(&world);
    assert_eq!((times.len(), times.values().sum::<usize>()), (2 * 90, 2 * 90));
    assert_eq!(violations(&world), Vec::<String>::new());
}

/// The outage ends with the schedule, and retries go on after it. The load generator is asked first: what client and
/// backend say after it was done is final.
#[test]
fn retries_that_go_on_after_the_schedule_are_counted_to_the_last() {
    let bases: Vec<u64> = (300..550).collect();
    for_all(&bases, |base| {
        let mut world = world(json!({
            "arms": [{"name": "backoff", "strategy": {"type": "Backoff", "backoff": {"base": format!("{base}ms")}}}],
            "faults": [{"name": "outage", "at": "3s", "for": "1s", "type": "Error"}],
            "criteria": [],
        }));
        carry_out(&mut world, &[]);
        match status(&world).verdict {
            Some(Verdict::Passed) => Ok(()),
            other => Err(format!("{other:?}: {:?}", status(&world).message)),
        }
    });
}
