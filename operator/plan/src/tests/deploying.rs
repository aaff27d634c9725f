//! Before the first arm: the spec's validity, the workloads, and how long one waits for them.

use retrylab_api::{Caps, ConditionType, Phase, Verdict};
use serde_json::{Value, json};

use super::given::{at, condition, decide, experiment, pod, ready, step};
use crate::{Observed, Role, RoleSeen, Workloads, plan};

/// What is seen while nothing is ready, with what is wrong with the pods of a role.
fn unready(role: Role, problems: &[&str]) -> Observed {
    let mut observed = Observed::default();
    let seen = RoleSeen { problems: problems.iter().map(ToString::to_string).collect(), ..RoleSeen::default() };
    match role {
        Role::Backend => observed.backend = seen,
        Role::Client | Role::Inner(_) => observed.client = seen,
        Role::Loadgen => observed.loadgen = seen,
    }
    observed
}

/// Looks at the same thing at the beginning and half a minute later, which is the deadline; gives the message.
fn check_deadline(observed: &Observed, expected: &str) {
    let mut experiment = experiment(json!({}));
    assert_eq!(step(&mut experiment, observed, 0).status.verdict, None);
    assert_eq!(decide(&experiment, observed, 29_999).status.verdict, None);
    let last = decide(&experiment, observed, 30_000);
    assert_eq!(last.status.verdict, Some(Verdict::Error));
    assert_eq!(last.status.message.as_deref(), Some(expected));
    assert_eq!(condition(&last.status, ConditionType::WorkloadsReady), ("False", "DeadlineExceeded", expected));
    assert_eq!(condition(&last.status, ConditionType::Complete), ("True", "Error", expected));
    assert_eq!(condition(&last.status, ConditionType::Succeeded), ("False", "Error", expected));
    assert_eq!((last.workloads, last.status.phase), (Workloads::Removed, Some(Phase::Complete)));
}

#[test]
fn a_spec_beyond_the_operators_cap_ends_as_an_error_that_names_the_field() {
    let experiment = experiment(json!({}));
    let refused = plan(&experiment, &ready(&experiment.spec), at(0), Caps { rate_max: 10, ..Caps::default() });
    let message = "spec.load.rate: 20 is not allowed; allowed: 1 to 10";
    assert_eq!((refused.status.verdict, refused.status.message.as_deref()), (Some(Verdict::Error), Some(message)));
    assert_eq!(condition(&refused.status, ConditionType::Accepted), ("False", "Invalid", message));
    assert_eq!(condition(&refused.status, ConditionType::Complete), ("True", "Error", message));
    assert_eq!(condition(&refused.status, ConditionType::Succeeded), ("False", "Error", message));
    assert!(refused.status.conditions.iter().all(|c| c.observed_generation == Some(1)));
    assert_eq!((refused.acts.as_slice(), refused.workloads, refused.next), (&[][..], Workloads::Removed, None));
}

#[test]
fn the_workloads_are_deployed_until_every_pod_is_ready() {
    let experiment = experiment(json!({"client": {"replicas": 2}}));
    let all = ready(&experiment.spec);
    let mut one_short = all.clone();
    one_short.client.ready.pop();
    let mut one_too_many = all.clone();
    one_too_many.client.ready.push(pod(Role::Client, 2));
    let mut without_an_address = all.clone();
    without_an_address.target = None;
    for observed in [Observed::default(), one_short, one_too_many, without_an_address] {
        let plan = decide(&experiment, &observed, 0);
        assert_eq!((plan.workloads, plan.acts.len(), plan.status.arms.len()), (Workloads::Deployed, 0, 0));
        assert_eq!(plan.status.phase, Some(Phase::Deploying));
        assert_eq!(condition(&plan.status, ConditionType::Accepted).0, "True");
        assert!(plan.next.is_some());
    }
    assert_eq!(decide(&experiment, &all, 0).status.arms.len(), 1);
}

#[test]
fn the_deadline_s_error_says_what_is_missing_and_why() {
    check_deadline(
        &Observed::default(),
        "not ready within 30s: backend: 0 of 1 ready (no pod yet); client: 0 of 1 ready (no pod yet); \
         loadgen: 0 of 1 ready (no pod yet)",
    );
    check_deadline(
        &unready(Role::Client, &["the image x:1 cannot be pulled"]),
        "not ready within 30s: backend: 0 of 1 ready (no pod yet); \
         client: 0 of 1 ready (the image x:1 cannot be pulled); loadgen: 0 of 1 ready (no pod yet)",
    );
    let mut cut_off = Observed::default();
    (cut_off.backend.unready, cut_off.client.unready) = (1, 1);
    check_deadline(
        &cut_off,
        "not ready within 30s: backend: 0 of 1 ready (1 running); \
         client: 0 of 1 ready (1 running, with no way to the backend); loadgen: 0 of 1 ready (no pod yet)",
    );
    let mut unaddressed = ready(&experiment(json!({})).spec);
    unaddressed.target = None;
    check_deadline(&unaddressed, "not ready within 30s: the client's Service has no address");
    let mut blocked = ready(&experiment(json!({})).spec);
    blocked.blocked = Some("Service lab/lab-client is there and is not this experiment's".into());
    check_deadline(&blocked, "not ready within 30s: Service lab/lab-client is there and is not this experiment's");
}

#[test]
fn what_is_wrong_is_told_before_the_deadline_and_how_many_are_ready_is_not() {
    let mut experiment = experiment(json!({"client": {"replicas": 3}}));
    let message = |value: &Observed, ms| decide(&experiment, value, ms).status;
    let wrong = message(&unready(Role::Backend, &["the image x:1 cannot be pulled"]), 0);
    let told = ("False", "Deploying", "the image x:1 cannot be pulled");
    assert_eq!(condition(&wrong, ConditionType::WorkloadsReady), told);

    let mut observed = Observed::default();
    let first = step(&mut experiment, &observed, 0).status;
    for n in 0..3 {
        observed.client.ready.push(pod(Role::Client, n));
        assert_eq!(step(&mut experiment, &observed, 1_000 * n as i64).status, first);
    }
}

#[test]
fn pods_that_are_lost_before_the_first_arm_have_the_whole_time_again() {
    let mut experiment = experiment(json!({"suspend": true}));
    let all = ready(&experiment.spec);
    step(&mut experiment, &Observed::default(), 0);
    assert_eq!(step(&mut experiment, &all, 20_000).status.deploying_since, None);
    step(&mut experiment, &Observed::default(), 40_000);
    assert_eq!(decide(&experiment, &Observed::default(), 69_000).status.verdict, None);
    assert_eq!(decide(&experiment, &Observed::default(), 70_000).status.verdict, Some(Verdict::Error));
}

/// Edits an experiment that ended before it began; gives what becomes of it.
fn edited_after(invalid: bool, change: &Value) -> (Option<Verdict>, Workloads, Option<Phase>) {
    let mut experiment = experiment(json!({}));
    if invalid {
        experiment.spec.load.rate = Some(0);
    }
    step(&mut experiment, &Observed::default(), 0);
    assert!(invalid || step(&mut experiment, &Observed::default(), 30_000).status.verdict.is_some());
    super::given::edit(&mut experiment, |spec| {
        let mut edited = serde_json::to_value(&*spec).unwrap();
        edited["load"]["rate"] = 20.into();
        edited.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        *spec = serde_json::from_value(edited).unwrap();
    });
    let plan = decide(&experiment, &Observed::default(), 60_000);
    assert_eq!(plan.status.observed_generation, Some(2));
    (plan.status.verdict, plan.workloads, plan.status.phase)
}

#[test]
fn an_experiment_that_ended_before_it_began_starts_over_when_its_spec_is_edited() {
    let begun = (None, Workloads::Deployed, Some(Phase::Deploying));
    assert_eq!(edited_after(true, &json!({})), begun);
    assert_eq!(edited_after(false, &json!({"client": {"image": "there:1"}})), begun);
}
