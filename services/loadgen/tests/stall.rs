//! No coordinated omission: a server that stalls is seen to stall by every request that arrives meanwhile.

#[cfg(test)]
mod common;

use common::{
    open,
    stalling::{Stall, latencies_against},
};

/// 200 requests/s for 3 s, of which 60 fall into the stall: their latencies are 300 ms, 295 ms … 5 ms, those of all
/// others next to nothing. So 30 are 155 ms or more, the p95 of 600 is 150 ms, and in the same way the p99 is 270 ms. A
/// generator that waited for answers would have one slow request instead of 60, and a p99 of nothing.
///
/// A machine that is busy with something else only makes answers later than that, so this is the lower bound, less 1 %
/// for the histogram's steps; `exactness.rs` has the upper one, for a machine that isn't.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_for_a_tenth_of_the_time_has_the_p95_and_p99_of_the_arithmetic() {
    let stall = Stall { from_ms: 1_000, to_ms: 1_300 };
    let latency = latencies_against(stall, open(200, 3_000, vec![])).await;
    for (per_mille, arithmetic_us) in [(950, 150_000), (990, 270_000)] {
        let us = latency.quantile_us(per_mille).unwrap();
        assert!(us >= arithmetic_us * 99 / 100, "{per_mille} ‰ are {us} µs or less, not {arithmetic_us}");
    }
}
