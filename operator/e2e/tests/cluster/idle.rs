//! Where nothing changes, nothing is written.

use std::{env, time::Duration};

use retrylab_api::{ConditionType, Phase, Verdict};
use serde_json::{Value, json};

use crate::harness::{AuditLog, Lab, OPERATOR_USER, SOON};

/// For how long nothing may be written; `RETRYLAB_IDLE_SECONDS` makes it longer.
const IDLE_SECONDS: u64 = 60;

fn spec(more: &Value) -> Value {
    let mut spec =
        json!({"arms": [{"name": "none", "strategy": {"type": "None"}}], "load": {"rate": 10}, "duration": "1s"});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

#[tokio::test]
async fn finished_paused_and_failed_experiments_cause_no_writes() {
    let lab = Lab::shared().await;
    let log = AuditLog::from_now();
    let finished = lab.experiment("finished", &spec(&json!({}))).await;
    let standing = lab.experiment("standing", &spec(&json!({"ttlSecondsAfterFinished": 86_400}))).await;
    let paused = lab.experiment("paused", &spec(&json!({"suspend": true}))).await;
    let imageless = json!({"readyTimeout": "10s", "client": {"image": "localhost/retrylab-nobody:none"}});
    let failed = lab.experiment("failed", &spec(&imageless)).await;
    finished.complete(SOON).await;
    finished.until_nothing_remains(SOON).await;
    standing.complete(SOON).await;
    paused.until_condition(ConditionType::Paused, SOON).await;
    failed.complete(SOON).await;
    failed.until_nothing_remains(SOON).await;
    // That these are seen shows that the log would show others.
    let writes =
        || log.writes().into_iter().filter(|w| w.user == OPERATOR_USER && w.namespace == lab.namespace).count();
    assert!(writes() > 10, "the audit log shows {} writes", writes());

    let versions = async || {
        let mut versions = Vec::new();
        for experiment in [&finished, &standing, &paused, &failed] {
            versions.push(experiment.api.get(&experiment.name).await.unwrap().metadata.resource_version.unwrap());
        }
        versions
    };
    let (before, log) = (versions().await, AuditLog::from_now());
    let seconds = env::var("RETRYLAB_IDLE_SECONDS").map_or(IDLE_SECONDS, |text| text.parse().unwrap());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut writes = log.writes();
    // Other tests' experiments are in namespaces of their own; whatever is in none counts here too.
    writes.retain(|w| w.user == OPERATOR_USER && (w.namespace == lab.namespace || w.namespace.is_empty()));
    let writes: Vec<_> = writes.into_iter().map(|w| w.what).collect();
    assert!(writes.is_empty(), "in {seconds} s: {writes:?}");
    assert_eq!(versions().await, before);
    assert_eq!(paused.status().await.phase, Some(Phase::Paused));

    paused.patch_spec(&json!({"suspend": false})).await.unwrap();
    let status = paused.complete(SOON).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
}
