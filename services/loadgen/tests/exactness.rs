//! How exact the load generator is, in figures that hold only for a release build that is alone on its machine:
//!
//! ```text
//! cargo test --release -p retrylab-loadgen --test exactness -- --nocapture --test-threads=1
//! ```

#![cfg(not(debug_assertions))]

#[cfg(test)]
mod common;

use std::time::{Duration, Instant};

use common::{
    Target, finish, loadgen, open, plan,
    stalling::{Stall, latencies_against},
};
use retrylab_core::load::LoadPlan;
use retrylab_runtime::{RunClock, Workload};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

const ROUNDS: usize = 9;
const RATE: u32 = 10_000;
const P50_MAX_US: u64 = 100;

/// How far from their intended start requests arrive at a server, at 10,000/s, compared with a loop that does nothing but
/// wait for a timer: both in turns, several rounds, medians.
#[test]
fn requests_arrive_at_the_server_when_they_are_meant_to() {
    let (mut bare, mut sent) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        bare.push(quantiles(bare_timer(&load())));
        sent.push(quantiles(requests(load())));
        println!("round {round}, p50 and p99 in µs: bare timer {:?}, requests {:?}", bare[round - 1], sent[round - 1]);
    }
    let ([_, bare_p99], [p50, p99]) = (medians(&bare), medians(&sent));
    println!(
        "medians: bare timer {:?}, requests {:?}, p99 ratio {:.2}",
        medians(&bare),
        medians(&sent),
        p99 as f64 / bare_p99 as f64
    );
    assert!(p50 <= P50_MAX_US, "half of the requests are more than {p50} µs off");
    assert!(p99 <= 2 * bare_p99, "the p99 is {p99} µs, that of a bare timer {bare_p99} µs");
}

/// A server that stalls for 1 s in 10: of the 2,000 requests 200 fall into the stall and take 1,000 ms, 995 ms … 5 ms; 100
/// of them take more than 500 ms, and 20 more than 900 ms.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_of_one_second_in_ten_has_a_p95_of_half_a_second_and_a_p99_of_nine_tenths() {
    let stall = Stall { from_ms: 4_000, to_ms: 5_000 };
    let latency = latencies_against(stall, open(200, 10_000, vec![])).await;
    for (per_mille, expected_us) in [(950, 500_000), (990, 900_000)] {
        let us = latency.quantile_us(per_mille).expect("there were requests");
        println!("{per_mille} ‰ took {us} µs or less; expected {expected_us}");
        assert!(us.abs_diff(expected_us) * 50 <= expected_us, "{us} µs is more than 2 % off {expected_us}");
    }
}

fn load() -> LoadPlan {
    open(RATE, 1_000, vec![])
}

/// Waits for each arrival with a timer of the operating system, and does nothing.
fn bare_timer(load: &LoadPlan) -> Vec<Duration> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).expect("a timer");
    let began = Instant::now() + Duration::from_millis(50);
    let wait_until = |due: Instant| {
        while let Some(ahead) = due.checked_duration_since(Instant::now()).filter(|ahead| !ahead.is_zero()) {
            let value = Timespec { tv_sec: ahead.as_secs() as i64, tv_nsec: i64::from(ahead.subsec_nanos()) };
            let once = Timespec { tv_sec: 0, tv_nsec: 0 };
            let when = Itimerspec { it_interval: once, it_value: value };
            timerfd_settime(&timer, TimerfdTimerFlags::empty(), &when).expect("the timer can be set");
            rustix::io::read(&timer, &mut [0; 8]).expect("the timer can be read");
        }
        due.elapsed()
    };
    load.arrivals().map(|offset| wait_until(began + offset)).collect()
}

/// Sends the same arrivals as requests and looks at when they came in.
fn requests(load: LoadPlan) -> Vec<Duration> {
    let target = Target::good();
    let clock = RunClock::starting_in(100);
    let (began, planned) = (clock.moment(Duration::ZERO), load.arrivals().count());
    finish(&loadgen().begin("schedule", &plan(load, target.address, 10_000), clock));
    let arrived = target.arrivals.all();
    assert_eq!(arrived.len(), planned);
    let due = |offset_us| began + Duration::from_micros(offset_us);
    arrived.into_iter().map(|arrival| arrival.at.saturating_duration_since(due(arrival.tag.offset_us))).collect()
}

/// p50 and p99 in microseconds.
fn quantiles(mut late: Vec<Duration>) -> [u64; 2] {
    late.sort_unstable();
    [late.len() / 2, late.len() * 99 / 100].map(|rank| late[rank].as_micros() as u64)
}

fn medians(rounds: &[[u64; 2]]) -> [u64; 2] {
    [0, 1].map(|i| {
        let mut of_rounds: Vec<_> = rounds.iter().map(|round| round[i]).collect();
        of_rounds.sort_unstable();
        of_rounds[of_rounds.len() / 2]
    })
}
