//! The operator's rights: it uses each of them, and without one it says what it can't do.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::rbac::v1::PolicyRule;
use retrylab_api::{ConditionType, Verdict};
use serde_json::{Value, json};

use crate::harness::{AuditLog, Lab, SOON, eventually, kill_operator, operator_role, set_operator_role, without_right};

/// Rights that the audit log doesn't show: to apply what isn't there yet takes `create` beside `patch`, and is one `patch`.
const UNSEEN: [&str; 2] = ["create apps/deployments", "create /services"];

fn spec() -> Value {
    json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 10}, "duration": "2s"})
}

/// The rights of a rule, as the audit log has them.
fn rights(rule: &PolicyRule) -> Vec<String> {
    let groups = rule.api_groups.as_ref().unwrap();
    let resources = rule.resources.as_ref().unwrap();
    let of = |group: &String| resources.iter().map(move |resource| format!("{group}/{resource}")).collect::<Vec<_>>();
    let things: Vec<_> = groups.iter().flat_map(of).collect();
    rule.verbs.iter().flat_map(|verb| things.iter().map(move |thing| format!("{verb} {thing}"))).collect()
}

#[tokio::test]
async fn the_operator_uses_every_right_that_it_has() {
    let lab = Lab::alone().await;
    let mut unused: BTreeSet<String> =
        operator_role(&lab.client).await.rules.unwrap().iter().flat_map(rights).collect();
    for unseen in UNSEEN {
        assert!(unused.remove(unseen), "{unseen} is not granted");
    }
    let log = AuditLog::from_now();
    // Watches begin, and lists are made, when an operator begins.
    kill_operator(&lab.client).await;
    // A layer that is taken back is a Deployment that goes; the second fault is the same event again, which is a patch.
    let mut chain = spec();
    (chain["client"], chain["suspend"], chain["duration"]) = (json!({"layers": 2}), json!(true), json!("5s"));
    // The timeline of a second arm is a patch.
    let arm = |name| json!({"name": name, "strategy": {"type": "None"}});
    chain["arms"] = json!([arm("none"), arm("again")]);
    let fault = |name, at| json!({"name": name, "at": at, "for": "1s", "type": "Error"});
    chain["faults"] = json!([fault("one", "1s"), fault("two", "3s")]);
    let experiment = lab.experiment("whole-life", &chain).await;
    experiment.until_condition(ConditionType::Paused, SOON).await;
    experiment.patch_spec(&json!({"client": {"layers": 1}, "suspend": false})).await.unwrap();
    let status = experiment.complete(Duration::from_secs(60)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    experiment.until_nothing_remains(SOON).await;
    unused.retain(|right| !log.rights_used().contains(right));
    assert_eq!(unused, BTreeSet::new(), "these rights are granted and not used; used were {:?}", log.rights_used());
}

#[tokio::test]
async fn a_right_that_is_taken_away_is_named_in_the_status_and_the_experiment_goes_on_when_it_is_back() {
    let lab = Lab::alone().await;
    let role = operator_role(&lab.client).await;
    for (verb, resource) in [("create", "services"), ("create", "deployments"), ("create", "secrets")] {
        set_operator_role(&lab.client, &without_right(&role, verb, resource)).await;
        let experiment = lab.experiment(&format!("without-{resource}"), &spec()).await;
        let named = async || {
            let status = experiment.status().await;
            let message =
                &status.conditions.iter().find(|c| c.type_ == ConditionType::WorkloadsReady.as_str())?.message;
            (message.contains(&format!("{resource} is forbidden"))
                || message.contains(&format!("cannot {verb} resource \"{resource}\"")))
            .then_some(())
        };
        eventually(&format!("the status names {verb} {resource}"), SOON, named).await;
        set_operator_role(&lab.client, &role).await;
        let status = experiment.complete(Duration::from_secs(60)).await;
        assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    }
}
