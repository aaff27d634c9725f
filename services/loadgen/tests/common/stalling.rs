//! A server that stalls once, and what a load sees of it.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use retrylab_core::{load::LoadPlan, stats::SparseHistogram};
use retrylab_runtime::{RunClock, Workload};

use super::{finish, loadgen, plan};

/// When the server stalls: what arrives meanwhile is answered at the end.
#[derive(Clone, Copy)]
pub struct Stall {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// The latencies of a load on a server that stalls.
pub async fn latencies_against(stall: Stall, load: LoadPlan) -> SparseHistogram {
    let clock = RunClock::starting_in(200);
    let [from, to] = [stall.from_ms, stall.to_ms].map(|ms| clock.moment(Duration::from_millis(ms)));
    let stalling = get(move || async move {
        if (from..to).contains(&Instant::now()) {
            tokio::time::sleep_until(to.into()).await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/process", stalling)).into_future());
    let running = loadgen().begin("a1-0", &plan(load, address, 10_000), clock);
    let results = tokio::task::spawn_blocking(move || finish(&running)).await.unwrap();
    server.abort();
    let mut latency = SparseHistogram::default();
    results.latency_us.iter().for_each(|second| latency.merge(second));
    latency
}
