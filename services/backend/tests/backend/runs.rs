//! Runs: faults on the backend's own clock, and what is counted.

use retrylab_core::wire::RunState;
use serde_json::{Value, json};

use crate::support::{Backend, attempt_of_run, quick, small, until};

fn window(name: &str, at_ms: u64, for_ms: u64, kind: &Value) -> Value {
    json!({"name": name, "at_ms": at_ms, "for_ms": for_ms, "kind": kind})
}

fn error(permille: u16) -> Value {
    json!({"type": "error", "status": 503, "permille": permille})
}

async fn until_complete(backend: &Backend) {
    until("the run is complete", async || backend.report().await.state == RunState::Complete).await;
}

async fn until_in_effect(backend: &Backend) {
    until("the window is in effect", async || backend.get("/health").await["failure_active"] == true).await;
}

#[tokio::test]
async fn a_window_begins_and_ends_on_its_own_and_its_record_is_what_happened() {
    let backend = quick();
    backend.hand_over(20, 340, json!([window("outage", 10, 300, &error(1_000))])).await;
    assert_eq!(backend.report().await.state, RunState::Scheduled);
    let (mut struck, mut served) = (0, 0);
    while backend.report().await.state != RunState::Complete {
        let status = backend.process_in_run(0, 1).await.0;
        *(if status == 503 { &mut struck } else { &mut served }) += 1;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let results = backend.report().await.results;
    let outage = &results.faults[0];
    let (started, ended) = (outage.started_us.unwrap(), outage.ended_us.unwrap());
    // Never early; how late depends on what else the machine does.
    assert!((10_000..310_000).contains(&started), "{outage:?}");
    assert!((310_000..1_310_000).contains(&ended), "{outage:?}");
    assert!(outage.started_unix_us > Some(1_700_000_000_000_000), "{outage:?}");
    assert_eq!((outage.exposed, outage.affected, results.series.injected.total()), (struck, struck, struck));
    assert_eq!(results.series.completed.total(), served);
    assert!(struck > 0 && served > 0);
}

#[tokio::test]
async fn every_request_received_is_injected_rejected_completed_or_in_flight() {
    let backend = small(8, 2);
    backend.hand_over(0, 60_000, json!([window("half", 0, 60_000, &error(500))])).await;
    until_in_effect(&backend).await;
    let all: Vec<_> = (0..60)
        .map(|serial| {
            tokio::spawn({
                let b = backend.clone();
                async move { b.process_in_run(serial, 1).await }
            })
        })
        .collect();
    until("all have arrived", async || backend.report().await.results.series.received.total() == 60).await;
    let check = |r: &retrylab_core::wire::BackendResults| {
        let s = &r.series;
        assert_eq!(60, s.injected.total() + s.rejected.total() + s.completed.total() + r.in_flight, "{r:?}");
    };
    check(&backend.report().await.results);
    for one in all {
        one.await.unwrap();
    }
    let results = backend.report().await.results;
    check(&results);
    assert!(results.in_flight == 0 && results.series.completed.total() >= 3, "{results:?}");
    assert_eq!(results.faults[0].exposed, 60);
    assert_eq!(results.faults[0].affected, results.series.injected.total());
    assert!((10..50).contains(&results.faults[0].affected), "{results:?}");
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_attempts_whenever_they_arrive() {
    let serials: Vec<u64> = (0..200).collect();
    let mut fates = Vec::new();
    for order in [serials.clone(), serials.iter().rev().copied().collect()] {
        let backend = quick();
        backend.hand_over(0, 60_000, json!([window("half", 0, 60_000, &error(500))])).await;
        until_in_effect(&backend).await;
        let mut struck = Vec::new();
        for serial in order {
            for attempt in 1..=2 {
                struck.push((serial, attempt, backend.process_in_run(serial, attempt).await.0));
            }
        }
        struck.sort_unstable();
        fates.push(struck);
    }
    assert_eq!(fates[0], fates[1]);
    let both = fates[0].chunks(2).filter(|pair| pair[0].2 == pair[1].2).count();
    assert!((60..140).contains(&both), "the two attempts of a request fared alike {both} times of 200");
}

#[tokio::test]
async fn foreign_requests_are_served_and_stay_out_of_the_counts() {
    let backend = quick();
    backend.hand_over(0, 20, json!([])).await;
    assert_eq!(backend.process().await.0, 200);
    assert_eq!(backend.send(attempt_of_run("other", 1, 1)).await.0, 200);
    assert_eq!(backend.report().await.results.series.received.total(), 0);
    assert_eq!(backend.process_in_run(1, 1).await.0, 200);
    assert_eq!(backend.report().await.results.series.received.total(), 1);
    assert_eq!(backend.metric("retrylab_backend_received_total ").await, Some(3.0));
}

#[tokio::test]
async fn a_late_hand_over_leaves_out_what_is_over_and_begins_what_is_in_progress_at_once() {
    let backend = quick();
    let faults = json!([window("over", 0, 500, &error(1_000)), window("on", 1_000, 1_300, &error(1_000))]);
    backend.hand_over(-2_000, 2_320, faults).await;
    until_complete(&backend).await;
    let report = backend.report().await;
    assert_eq!(report.joined_at_ms, 2_000);
    let [over, on] = &report.results.faults[..] else { panic!("{report:?}") };
    assert_eq!((over.started_us, over.ended_us, over.exposed), (None, None, 0));
    assert!((2_000_000..2_300_000).contains(&on.started_us.unwrap()), "{on:?}");
    assert!((2_300_000..3_300_000).contains(&on.ended_us.unwrap()), "{on:?}");
}

#[tokio::test]
async fn a_hand_over_after_the_end_is_complete_at_once() {
    let backend = quick();
    backend.hand_over(-2_000, 1_000, json!([window("over", 0, 500, &error(1_000))])).await;
    until_complete(&backend).await;
    assert_eq!(backend.get("/health").await["failure_active"], false);
}

#[tokio::test]
async fn recovery_by_hand_ends_the_runs_fault_and_is_noted() {
    let backend = quick();
    backend.hand_over(0, 200, json!([window("outage", 0, 190, &error(1_000))])).await;
    until_in_effect(&backend).await;
    backend.admin("POST", "/admin/recover", "").await;
    assert_eq!(backend.process_in_run(0, 2).await.0, 200);
    until_complete(&backend).await;
    let results = backend.report().await.results;
    assert_eq!(results.foreign_faults, 1);
    assert!(results.faults[0].ended_us < Some(190_000), "{results:?}");
    backend.admin("POST", "/admin/recover", "").await;
    assert_eq!(backend.report().await.results.foreign_faults, 1, "after the run it is nobody's business");
}

#[tokio::test]
async fn a_fault_by_hand_goes_before_the_runs_which_then_strikes_nobody() {
    let backend = quick();
    backend.hand_over(0, 60_000, json!([window("outage", 0, 60_000, &error(1_000))])).await;
    until_in_effect(&backend).await;
    assert_eq!(backend.process_in_run(0, 1).await.0, 503);
    let before = backend.report().await.results.faults[0].clone();
    backend.fail(json!({"duration_seconds": 60, "status": 418})).await;
    assert_eq!(backend.process_in_run(0, 2).await.0, 418);
    let results = backend.report().await.results;
    assert_eq!(results.faults[0].exposed, before.exposed + 1);
    assert_eq!(results.faults[0].affected, before.affected);
    assert_eq!(results.foreign_faults, 1);
}

#[tokio::test]
async fn stopping_ends_the_fault_now_and_the_counts_are_final() {
    let backend = quick();
    let faults = json!([window("first", 0, 30_000, &error(1_000)), window("second", 30_000, 1_000, &error(1_000))]);
    backend.hand_over(0, 60_000, faults).await;
    until_in_effect(&backend).await;
    assert_eq!(backend.process_in_run(0, 1).await.0, 503);
    assert_eq!(backend.admin("DELETE", "/admin/runs/r", "").await.0, 200);
    assert_eq!(backend.get("/health").await["failure_active"], false);
    let stopped = backend.report().await;
    assert_eq!(stopped.state, RunState::Stopped);
    assert!(stopped.results.faults[0].ended_us.is_some());
    assert_eq!(stopped.results.faults[1].started_us, None);
    assert_eq!(backend.process_in_run(1, 1).await.0, 200);
    assert_eq!(backend.report().await.results, stopped.results);
}

#[tokio::test]
async fn in_a_freeze_all_that_are_exposed_are_affected() {
    let backend = small(1, 10);
    backend.hand_over(0, 60_000, json!([window("still", 0, 60_000, &json!({"type": "freeze"}))])).await;
    until_in_effect(&backend).await;
    let held = tokio::spawn({
        let b = backend.clone();
        async move { b.process_in_run(1, 1).await }
    });
    until("it has arrived", async || backend.report().await.results.in_flight == 1).await;
    backend.admin("POST", "/admin/recover", "").await;
    assert_eq!(held.await.unwrap().0, 200);
    let record = backend.report().await.results.faults[0].clone();
    assert_eq!((record.exposed, record.affected), (1, 1));
}

#[tokio::test]
async fn the_windows_of_the_latest_run_are_a_metric_that_is_1_while_they_are_on() {
    let backend = quick();
    let on = async |name: &str| {
        let line = format!("retrylab_window_active{{arm=\"r\",kind=\"fault\",name=\"{name}\"}} ");
        backend.metric(&line).await
    };
    assert_eq!(on("now").await, None, "there is no run");
    let faults = json!([window("now", 0, 60_000, &error(1_000)), window("then", 60_000, 10_000, &error(1_000))]);
    backend.hand_over(0, 80_000, faults).await;
    until_in_effect(&backend).await;
    assert_eq!((on("now").await, on("then").await), (Some(1.0), Some(0.0)));
    assert_eq!(backend.admin("POST", "/admin/recover", "").await.0, 200);
    assert_eq!((on("now").await, on("then").await), (Some(0.0), Some(0.0)));
}
