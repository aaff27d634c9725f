//! No vacuous pass. Pods that do nothing and say that all is well, and, for a run that is Passed, every mutation of what
//! the pods said: each field of each answer lost, zeroed, doubled, off by one. Whatever is Passed all the same is listed
//! here, with the reason why nothing hangs on it: no figure that a criterion is about moves.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{Caps, RetryExperiment, RetryExperimentStatus, Verdict};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    carry_out, status,
    world::{Sabotage, World},
};
use crate::{Observed, PodRun, RunSeen, plan};

/// One arm with retries, an outage, a burst, and criteria that hold without any load, too.
fn world() -> World {
    super::world(json!({
        "arms": [{"name": "backoff", "strategy": {"type": "Backoff", "backoff": {"base": "300ms"}}}],
        "criteria": [
            {"name": "amp", "metric": "Amplification", "max": "4"},
            {"name": "in-outage", "metric": "WireAmplification", "window": "outage", "max": "4"},
            {"name": "success", "metric": "SuccessRate", "min": "0"},
            {"name": "latency", "metric": "LatencyP99Ms", "max": "999999"},
            {"name": "waste", "metric": "WastedWork", "max": "1"},
            {"name": "sync", "metric": "SyncIndex", "max": "9999"},
        ],
    }))
}

/// An experiment on sabotaged pods is Inconclusive, for this reason among others.
fn check(sabotage: Sabotage, reason: &str) {
    let mut world = world();
    world.sabotage = Some(sabotage);
    carry_out(&mut world, &[]);
    let RetryExperimentStatus { verdict, message, .. } = status(&world);
    let message = message.as_deref().unwrap_or_default();
    assert_eq!(*verdict, Some(Verdict::Inconclusive), "{sabotage:?}: {message}");
    assert!(message.contains(reason), "{sabotage:?}: {message}");
}

#[test]
fn pods_that_do_nothing_and_say_that_all_is_well_are_inconclusive() {
    check(Sabotage::DudFaults, "no request met the fault outage");
    check(Sabotage::DeadClients, "requests sent to clients and received by 90");
    check(Sabotage::LostBackends, "no request met the fault outage");
    check(Sabotage::LostBackends, "attempts made and received by backends by 360");
    check(Sabotage::LateLoad, "the load generator was 1000 ms late (p99)");
    check(Sabotage::DroppedLoad, "only 0.944 of the planned load was sent");
    check(Sabotage::NoLoad, "the load generator came to 0 of 90 requests");
    check(Sabotage::NoLoad, "no request was planned");
}

/// One way in which an answer may be wrong.
#[derive(Debug)]
struct Mutation {
    /// The field: `/results/series/sent`.
    path: String,
    what: &'static str,
    answer: Value,
}

/// Every mutation of every field of an answer. A series is one field, a histogram too.
fn mutations(answer: &Value) -> Vec<Mutation> {
    let mut all = Vec::new();
    walk(answer, "", &mut |path, field| {
        for (what, value) in mutated(field) {
            let mut answer = answer.clone();
            *answer.pointer_mut(path).expect("the path leads somewhere") = value;
            all.push(Mutation { path: path.to_owned(), what, answer });
        }
        let (parent, name) = path.rsplit_once('/').expect("a path has a slash");
        let mut answer = answer.clone();
        if let Some(Value::Object(fields)) = answer.pointer_mut(parent) {
            fields.remove(name);
            all.push(Mutation { path: path.to_owned(), what: "lost", answer });
        }
    });
    all
}

/// Visits the fields that have no fields themselves.
fn walk(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| walk(field, &format!("{path}/{name}"), visit)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            visit(path, value);
            items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{path}/{i}"), visit));
        }
        _ => visit(path, value),
    }
}

fn mutated(field: &Value) -> Vec<(&'static str, Value)> {
    let mutants = match field {
        Value::Null => vec![("made up", json!(1))],
        Value::Bool(b) => vec![("turned round", json!(!b))],
        Value::Number(_) => {
            let n = field.as_u64().expect("a count");
            vec![("zeroed", json!(0)), ("doubled", json!(2 * n)), ("one more", json!(n + 1)), ("null", Value::Null)]
        }
        Value::String(_) => {
            vec![("another's", json!("stopped")), ("ended", json!("complete")), ("under way", json!("running"))]
        }
        Value::Array(items) => {
            let without = |i: usize| Value::Array([&items[..i], &items[i + 1..]].concat());
            let mut mutants = vec![("emptied", json!([])), ("doubled", doubled(field)), ("zeroed", scaled(field, 0))];
            if let Some(last) = items.len().checked_sub(1) {
                mutants.extend([("without its first", without(0)), ("without its last", without(last))]);
                mutants.push(("without its middle", without(last / 2)));
                mutants.push(("with one more", one_more(field)));
            }
            mutants
        }
        Value::Object(_) => vec![],
    };
    mutants.into_iter().filter(|(_, mutant)| mutant != field).collect()
}

fn doubled(value: &Value) -> Value {
    scaled(value, 2)
}

/// All counts times `factor`; of a histogram's pairs the second number is a count.
fn scaled(value: &Value, factor: u64) -> Value {
    match value {
        Value::Array(pair) if pair.len() == 2 && pair.iter().all(Value::is_u64) && pair[0].as_u64() > Some(200) => {
            json!([pair[0], pair[1].as_u64().unwrap_or(0) * factor])
        }
        Value::Array(items) => items.iter().map(|item| scaled(item, factor)).collect(),
        Value::Number(n) => json!(n.as_u64().unwrap_or(0) * factor),
        _ => value.clone(),
    }
}

/// One count more in the first place that has one.
fn one_more(value: &Value) -> Value {
    let Value::Array(items) = value else { return json!(value.as_u64().map_or(1, |n| n + 1)) };
    let mut items = items.clone();
    let place = items.iter().position(|item| item.is_u64() || item.as_array().is_some_and(|a| !a.is_empty()));
    match place.map(|i| &mut items[i]) {
        Some(Value::Array(pair)) if pair.len() == 2 && pair[1].is_u64() => pair[1] = one_more(&pair[1]),
        Some(item) => *item = one_more(item),
        None => {}
    }
    Value::Array(items)
}

/// What comes of a look on which everything hangs; pods that are not done are waited for.
fn judged(experiment: &RetryExperiment, observed: &Observed) -> RetryExperimentStatus {
    let mut experiment = experiment.clone();
    let start: Timestamp = experiment.status.as_ref().expect("a run").arms[0].run.starts_at.0;
    for later in [5, 600, 1_200] {
        let status = plan(&experiment, observed, start + Duration::from_secs(later), Caps::default()).status;
        if status.verdict.is_some() {
            return status;
        }
        experiment.status = Some(status);
    }
    panic!("an experiment that never ends")
}

/// Tries every mutation of one pod's answer; gives those that are Passed all the same.
fn passed<R: Serialize + DeserializeOwned + Clone>(
    name: &str,
    (experiment, observed): &(RetryExperiment, Observed),
    of: impl Fn(&mut Observed) -> &mut PodRun<R>,
) -> (usize, Vec<String>) {
    let whole = of(&mut observed.clone()).seen.report().map(|report| serde_json::to_value(report).unwrap()).unwrap();
    let whole_status = judged(experiment, observed);
    let all = mutations(&whole);
    let (tried, mut passed) = (all.len(), Vec::new());
    for Mutation { path, what, answer } in all {
        let mut observed = observed.clone();
        of(&mut observed).seen = match serde_json::from_value(answer) {
            Ok(report) => RunSeen::Here(Box::new(report)),
            Err(_) => RunSeen::Unreachable("what it answered is no report".into()),
        };
        let status = judged(experiment, &observed);
        let reasons: usize = status.arms[0].evidence.iter().map(|evidence| evidence.shortcomings.len()).sum();
        match status.verdict {
            Some(Verdict::Inconclusive) if reasons > 0 => {}
            Some(Verdict::Passed) => {
                assert_eq!(
                    status.criteria, whole_status.criteria,
                    "{name}{path} {what}: a figure that is judged moved"
                );
                passed.push(format!("{name}{path} {what}"));
            }
            other => panic!("{name}{path} {what}: {other:?}, {:?}", status.message),
        }
    }
    passed.sort();
    (tried, passed)
}

/// What is Passed all the same: the field of an answer, what became of it, and why nothing hangs on it.
const HARMLESS: [(&str, &[&str], &str); 6] = [
    ("/elapsed_ms", &["doubled", "one more", "zeroed"], "progress, which is shown to nobody once the run is over"),
    (
        "/results/faults/0/started_unix_us",
        &["doubled", "lost", "null", "one more", "zeroed"],
        "shown as actualAt; whether the window was in time is judged by started_us, on the backend's monotonic clock",
    ),
    ("/results/faults/0/started_us", &["one more"], "a microsecond: windows are held to 50 ms"),
    ("/results/faults/0/ended_us", &["one more"], "a microsecond: windows are held to 50 ms"),
    (
        "/results/series/late",
        &["lost"],
        "an older load generator has no such column, and here nobody was late; the histogram of lateness is held against it",
    ),
    (
        "/results/series/wire_retries",
        &["without its first"],
        "all slip by 100 ms and stay among the attempts and after their requests; no figure but the synchronisation index \
         is made of them, and that of the total stays what it is: its peak, its sum and its length do. (That of another \
         window is that of a window 100 ms later, which nobody else has counted.)",
    ),
];

#[test]
fn no_mutation_of_what_the_pods_said_is_passed_unless_nothing_hangs_on_it() {
    let mut world = world();
    carry_out(&mut world, &[]);
    assert_eq!(status(&world).verdict, Some(Verdict::Passed), "{:?}", status(&world).message);
    let look = world.judged.take().expect("the look on which the verdict is founded");
    let (a, loadgen) = passed("loadgen", &look, |observed| &mut observed.runs.loadgens[0]);
    let (b, client) = passed("client", &look, |observed| &mut observed.runs.clients[0]);
    let (c, backend) = passed("backend", &look, |observed| &mut observed.runs.backends[0]);
    assert!(a + b + c > 200, "{} mutations", a + b + c);
    for mutation in [loadgen, client, backend].concat() {
        let (path, what) = mutation.split_once(' ').expect("a field and what became of it");
        let field = path.trim_start_matches(char::is_alphabetic);
        let listed = HARMLESS.iter().any(|(harmless, how, _)| *harmless == field && how.contains(&what));
        assert!(listed, "{mutation}: Passed, and that is not known to be harmless");
    }
}
