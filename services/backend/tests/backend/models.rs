//! The backend's models in real time. What they do is tested with the model itself; here it is seen that each setting takes
//! effect, and that what becomes of a request is said and counted.

use axum::{body::Body, http::Request};
use retrylab_backend::{Config, DisciplineName, LawName};
use retrylab_core::{
    station::{BackendModel, CacheModel, Discipline, ServiceLaw, ServiceTime, WarmUp},
    wire::FaultRecord,
};
use retrylab_runtime::Spans;
use serde_json::{Value, json};

use crate::support::{Backend, attempt_of_run, backend, until};

/// Many requests of run r at one time, in the order of their numbers: the answers' statuses and errors.
async fn at_once(backend: &Backend, requests: Vec<Request<Body>>) -> Vec<(u16, Value)> {
    let mut all = Vec::new();
    for (sent, request) in requests.into_iter().enumerate() {
        let one = backend.clone();
        all.push(tokio::spawn(async move { one.send(request).await }));
        let received = async || backend.report().await.results.series.received.total() > sent as u64;
        until("it has arrived", received).await;
    }
    let mut answers = Vec::new();
    for one in all {
        let (status, body) = one.await.unwrap();
        answers.push((status, body["error"].clone()));
    }
    answers
}

fn waiting_for(serial: u64, timeout_us: u64) -> Request<Body> {
    let mut request = attempt_of_run("r", serial, 1);
    request.headers_mut().insert("x-retrylab-timeout-us", timeout_us.into());
    request
}

#[test]
fn every_setting_is_a_part_of_the_model() {
    let config = Config {
        concurrency: 3,
        queue: 4,
        discipline: DisciplineName::Codel,
        codel_target_us: 5,
        codel_interval_us: 6,
        drop_expired: true,
        cancel_on_disconnect: true,
        service_time_us: 7,
        service_time_law: LawName::Lognormal,
        service_time_sigma_permille: 8,
        contention_us: 9,
        cache_entries: 10,
        cache_hit_permille: 11,
        cache_miss_us: 12,
        warm_up_ms: 13,
        warm_up_from_permille: 14,
        rejection_us: 15,
        ..Config::default()
    };
    let expected = BackendModel {
        concurrency: 3,
        queue: 4,
        discipline: Discipline::Codel { target_us: 5, interval_us: 6 },
        drop_expired: true,
        cancel_on_disconnect: true,
        service: ServiceTime { mean_us: 7, law: ServiceLaw::Lognormal { sigma_permille: 8 }, contention_us: 9 },
        cache: Some(CacheModel { hit_permille: 11, entries: 10, miss_us: 12 }),
        warm_up: Some(WarmUp { for_ms: 13, from_permille: 14 }),
        rejection_us: 15,
    };
    assert_eq!(config.model(), Ok(expected));
    assert_eq!(Config::default().model(), Ok(BackendModel::plain(64, 1_000, 5_000)));
}

#[tokio::test]
async fn a_request_whose_time_is_up_is_not_served_and_told_so() {
    let backend = backend(Config { drop_expired: true, concurrency: 1, service_time_us: 100_000, ..Config::default() });
    backend.hand_over(0, 20, json!([])).await;
    let answers =
        at_once(&backend, vec![waiting_for(1, 90_000_000), waiting_for(2, 10_000), waiting_for(3, 90_000_000)]);
    let answers = answers.await;
    assert_eq!(answers, [(200, Value::Null), (504, json!("deadline passed")), (200, Value::Null)]);
    let series = backend.report().await.results.series;
    assert_eq!((series.completed.total(), series.expired.total(), series.wasted.total()), (2, 1, 0));
    assert_eq!(backend.metric("retrylab_backend_expired_total ").await, Some(1.0));
}

#[tokio::test]
async fn last_in_first_out_answers_the_newest_first() {
    let config = Config { discipline: DisciplineName::Lifo, concurrency: 1, queue: 10, ..Config::default() };
    let backend = backend(Config { service_time_us: 100_000, ..config });
    backend.hand_over(0, 20, json!([])).await;
    let requests = (0..3).map(|serial| attempt_of_run("r", serial, 1));
    let mut order = tokio::task::JoinSet::new();
    for (serial, request) in requests.enumerate() {
        let one = backend.clone();
        order.spawn(async move {
            one.send(request).await;
            serial
        });
        until("it has arrived", async || backend.report().await.results.series.received.total() > serial as u64).await;
    }
    let mut answered = Vec::new();
    while let Some(serial) = order.join_next().await {
        answered.push(serial.unwrap());
    }
    assert_eq!(answered, [0, 2, 1]);
}

#[tokio::test]
async fn codel_drops_what_waits_too_long_with_503() {
    let config =
        Config { discipline: DisciplineName::Codel, codel_target_us: 1, codel_interval_us: 1, ..Config::default() };
    let backend = backend(Config { concurrency: 1, service_time_us: 50_000, ..config });
    backend.hand_over(0, 20, json!([])).await;
    let answers = at_once(&backend, (0..6).map(|serial| attempt_of_run("r", serial, 1)).collect()).await;
    assert!(answers.contains(&(503, json!("waited too long"))), "{answers:?}");
    let series = backend.report().await.results.series;
    assert!(series.dropped.total() >= 1 && series.ended() == 6, "{series:?}");
}

async fn record(backend: &Backend) -> FaultRecord {
    backend.report().await.results.faults[0].clone()
}

#[tokio::test]
async fn a_capacity_fault_leaves_its_share_of_the_workers_and_is_evidence_for_all_that_arrive() {
    let backend = backend(Config { concurrency: 4, service_time_us: 60_000_000, ..Config::default() });
    let kind = json!({"type": "capacity", "left_permille": 500});
    backend.hand_over(0, 60_000, json!([{"name": "w", "at_ms": 0, "for_ms": 60_000, "kind": kind}])).await;
    until("the window is in effect", async || backend.get("/health").await["failure_active"] == true).await;
    let held: Vec<_> = (0..4)
        .map(|serial| {
            let one = backend.clone();
            tokio::spawn(async move { one.process_in_run(serial, 1).await })
        })
        .collect();
    until("two wait", async || backend.metric("retrylab_backend_queue_length ").await == Some(2.0)).await;
    assert_eq!(backend.metric("retrylab_backend_in_service ").await, Some(2.0));
    assert_eq!((record(&backend).await.exposed, record(&backend).await.affected), (4, 4));
    // A fault by hand takes its place, and the run's acts on the workers no more.
    backend.fail(json!({"duration_seconds": 60, "type": "latency", "latency_ms": 1})).await;
    assert_eq!(backend.metric("retrylab_backend_in_service ").await, Some(4.0));
    let late = backend.clone();
    let late = tokio::spawn(async move { late.process_in_run(9, 1).await });
    until("it has arrived", async || record(&backend).await.exposed == 5).await;
    assert_eq!(record(&backend).await.affected, 4);
    held.iter().chain([&late]).for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_fault_that_ends_with_a_restart_empties_the_cache() {
    let cache = Config { cache_entries: 1, cache_hit_permille: 1_000, cache_miss_us: 40_000, ..Config::default() };
    let backend = backend(Config { service_time_us: 1_000, ..cache });
    let took = async || backend.process().await.1["processing_ms"].as_f64().unwrap();
    assert!(took().await >= 41.0, "cold");
    assert!(took().await < 40.0, "warm");
    backend.fail(json!({"duration_seconds": 0.01, "restart": true})).await;
    until("the fault is over", async || backend.get("/health").await["failure_active"] == false).await;
    assert!(took().await >= 41.0, "cold again");
    assert!(took().await < 40.0, "warm again");
    backend.hand_over(0, 20, json!([])).await;
    until("the run is complete", async || backend.get("/admin/runs/r").await["state"] == "complete").await;
    assert!(took().await >= 41.0, "a run begins with a backend that has just started");
}

/// The shortest of several times that an attempt of a run is in service: what it is late by is the machine's.
async fn shortest(backend: &Backend, serial: u64) -> f64 {
    let mut shortest = f64::INFINITY;
    for _ in 0..8 {
        let ms = backend.process_in_run(serial, 1).await.1["processing_ms"].as_f64().unwrap();
        shortest = shortest.min(ms);
    }
    shortest
}

#[tokio::test]
async fn an_attempt_of_a_run_has_the_service_time_of_its_number_whatever_came_before() {
    let law = Config { service_time_law: LawName::Exponential, service_time_us: 5_000, ..Config::default() };
    let mut seen = Vec::new();
    for serials in [[1, 2, 3], [3, 1, 2]] {
        let backend = backend(law.clone());
        backend.hand_over(0, 20, json!([])).await;
        let mut took = Vec::new();
        for serial in serials {
            took.push((serial, shortest(&backend, serial).await));
        }
        took.sort_by_key(|&(serial, _)| serial);
        seen.push(took);
    }
    let same = |a: f64, b: f64| (a - b).abs() < 0.5;
    assert!(seen[0].iter().zip(&seen[1]).all(|(a, b)| same(a.1, b.1)), "{seen:?}");
    assert!(!same(seen[0][0].1, seen[0][1].1) && !same(seen[0][1].1, seen[0][2].1), "{seen:?}");
}

#[tokio::test]
async fn settings_that_are_not_allowed_are_refused_by_name() {
    let config =
        Config { service_time_law: LawName::Lognormal, service_time_sigma_permille: 9_000, ..Config::default() };
    let error = retrylab_backend::app(config, Spans::default()).unwrap_err().to_string();
    assert!(error.contains("service.sigma_permille") && error.contains("9000"), "{error}");
}
