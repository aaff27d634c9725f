//! No coordinated omission: what a stalled server does to the latency is what arithmetic says.

#[cfg(test)]
mod common;

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use common::{finish, loadgen, open, plan};
use retrylab_core::stats::SparseHistogram;
use retrylab_runtime::{RunClock, Workload};

/// The server's stall: a tenth of the run.
const STALL_MS: (u64, u64) = (1_000, 1_300);

/// 200 requests/s for 3 s, of which 60 fall into the stall: their latencies are 300 ms, 295 ms … 5 ms, those of all
/// others next to nothing. So 30 are above 150 ms and 6 above 270 ms: the p95 and the p99 of 600. A generator that waited
/// for answers would have one slow request instead of 60, and a p99 of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_latency_of_a_server_that_stalls_for_a_tenth_of_the_time_has_the_p95_and_p99_of_the_arithmetic() {
    let clock = RunClock::starting_in(200);
    let [from, to] = [STALL_MS.0, STALL_MS.1].map(|ms| clock.moment(Duration::from_millis(ms)));
    let stalling = get(move || async move {
        if (from..to).contains(&Instant::now()) {
            tokio::time::sleep_until(to.into()).await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/process", stalling)).into_future());
    let running = loadgen().begin("a1-0", &plan(open(200, 3_000, vec![]), address, 10_000), clock);
    let results = tokio::task::spawn_blocking(move || finish(&running)).await.unwrap();
    server.abort();
    let mut latency = SparseHistogram::default();
    results.latency_us.iter().for_each(|second| latency.merge(second));
    // 1 % for the histogram and the timer's grain below; above, the time in which a busy machine gives 60 answers.
    for (per_mille, expected_us) in [(950, 150_000), (990, 270_000)] {
        let us = latency.quantile_us(per_mille).unwrap();
        let allowed = expected_us * 99 / 100..=expected_us * 108 / 100;
        assert!(allowed.contains(&us), "p{per_mille} is {us} µs, not {expected_us}");
    }
    assert!(latency.quantile_us(850).unwrap() < 50_000, "what does not fall into the stall is fast");
}
