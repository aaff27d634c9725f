//! No coordinated omission: what a stalled server does to the latency is what arithmetic says.

#[cfg(test)]
mod common;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, http::HeaderMap, routing::get};
use common::{finish, loadgen, open, plan};
use retrylab_core::stats::{LatencyRecorder, SparseHistogram};
use retrylab_runtime::{RunClock, Workload, run_tag};

/// The server's stall: a tenth of the run.
const STALL_MS: (u64, u64) = (1_000, 1_300);
/// 1 % for the histogram's steps and the moment between an answer's leaving and its being read.
const TOLERANCE: f64 = 0.01;
/// What a busy machine takes to hand over the 60 answers that leave together when the stall ends.
const HAND_OVER_US: f64 = 10_000.0;

/// 200 requests/s for 3 s, of which 60 fall into the stall: their latencies are 300 ms, 295 ms … 5 ms, those of all
/// others next to nothing. So 30 are 155 ms or more, the p95 of 600 is 150 ms, and in the same way the p99 is 270 ms. A
/// generator that waited for answers would have one slow request instead of 60, and a p99 of nothing.
///
/// A machine that is busy with something else can only make answers later than that, so the arithmetic is the lower
/// bound; the upper bound is what the server itself knows about the same answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_for_a_tenth_of_the_time_has_the_p95_and_p99_of_the_arithmetic() {
    let clock = RunClock::starting_in(200);
    let [began, from, to] = [0, STALL_MS.0, STALL_MS.1].map(|ms| clock.moment(Duration::from_millis(ms)));
    let known = Arc::new(Mutex::new(LatencyRecorder::default()));
    let recorder = Arc::clone(&known);
    let stalling = get(move |headers: HeaderMap| async move {
        if (from..to).contains(&Instant::now()) {
            tokio::time::sleep_until(to.into()).await;
        }
        let offset_us = run_tag(&headers).unwrap().offset_us;
        recorder.lock().unwrap().record((began.elapsed().as_micros() as u64).saturating_sub(offset_us));
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/process", stalling)).into_future());
    let running = loadgen().begin("a1-0", &plan(open(200, 3_000, vec![]), address, 10_000), clock);
    let results = tokio::task::spawn_blocking(move || finish(&running)).await.unwrap();
    server.abort();

    let mut latency = SparseHistogram::default();
    results.latency_us.iter().for_each(|second| latency.merge(second));
    let known = known.lock().unwrap().take();
    for (per_mille, arithmetic_us) in [(950, 150_000.0), (990, 270_000.0)] {
        let [measured, known] = [&latency, &known].map(|h| h.quantile_us(per_mille).unwrap() as f64);
        let allowed = arithmetic_us * (1.0 - TOLERANCE)..=known * (1.0 + TOLERANCE) + HAND_OVER_US;
        assert!(allowed.contains(&measured), "{per_mille} ‰: {measured} µs is not in {allowed:?}");
    }
}
