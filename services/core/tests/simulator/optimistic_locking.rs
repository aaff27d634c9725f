//! The simulation of M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), with its own small model: N
//! clients read a row, write it if it is still as they read it, and back off when it isn't, until all have succeeded. A message
//! takes |N(10, 2)| ms; base 5 ms, cap 2 s; means of 100 runs.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use rand::RngExt;
use retrylab_core::{
    Rng,
    policy::{DelayLaw, Jitter},
    rng,
};

/// What it took: writes that reached the row, and seconds until the last client had succeeded.
struct Cost {
    calls: f64,
    seconds: f64,
}

struct Client {
    seen: u64,
    failures: u32,
    delay: Duration,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Read,
    Write,
}

/// One way over the network, in nanoseconds. Box and Muller.
fn one_way(rng: &mut Rng) -> u64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    ((10.0 + 2.0 * normal).abs() * 1e6) as u64
}

fn until_all_succeed(law: &DelayLaw, clients: usize, rng: &mut Rng) -> Cost {
    let (mut row, mut calls, mut end) = (0, 0, 0);
    let mut all: Vec<Client> = (0..clients).map(|_| Client { seen: 0, failures: 0, delay: Duration::ZERO }).collect();
    let mut under_way: BinaryHeap<_> = (0..clients).map(|c| Reverse((one_way(rng), c, Message::Read))).collect();
    while let Some(Reverse((now, c, message))) = under_way.pop() {
        let (client, there_and_back) = (&mut all[c], one_way(rng) + one_way(rng));
        match message {
            Message::Read => {
                client.seen = row;
                under_way.push(Reverse((now + there_and_back, c, Message::Write)));
            }
            Message::Write if client.seen == row => {
                (row, calls) = (row + 1, calls + 1);
                end = end.max(now + one_way(rng));
            }
            Message::Write => {
                calls += 1;
                client.delay = law.draw(client.failures, client.delay, rng);
                client.failures += 1;
                let wait = client.delay.as_nanos() as u64;
                under_way.push(Reverse((now + there_and_back + wait, c, Message::Read)));
            }
        }
    }
    Cost { calls: f64::from(calls), seconds: end as f64 / 1e9 }
}

const fn exponential(jitter: Jitter) -> DelayLaw {
    DelayLaw::Exponential { base_ms: 5, factor: 2, cap_ms: 2_000, jitter }
}

fn mean_of_100_runs(law: &DelayLaw) -> Cost {
    let runs = (0..100).map(|run| until_all_succeed(law, 100, &mut rng(run, 0)));
    let sum = runs.fold((0.0, 0.0), |sum, cost| (sum.0 + cost.calls, sum.1 + cost.seconds));
    Cost { calls: sum.0 / 100.0, seconds: sum.1 / 100.0 }
}

#[test]
fn for_100_clients_full_jitter_costs_less_than_half_the_calls_and_the_other_jitters_compare_as_published() {
    let [none, full, equal] = [Jitter::None, Jitter::Full, Jitter::Equal].map(|j| mean_of_100_runs(&exponential(j)));
    let decorrelated = mean_of_100_runs(&DelayLaw::Decorrelated { base_ms: 5, cap_ms: 2_000 });
    assert!(full.calls < none.calls / 2.0, "full {} of {} calls", full.calls, none.calls);
    assert!(full.calls < equal.calls && equal.calls < 1.2 * full.calls, "equal {} of {}", equal.calls, full.calls);
    assert!(equal.seconds > full.seconds, "equal takes {} s, full {} s", equal.seconds, full.seconds);
    assert!(decorrelated.calls > full.calls, "decorrelated {} of {} calls", decorrelated.calls, full.calls);
    let (faster, slower) = (decorrelated.seconds, full.seconds);
    assert!((0.7..1.0).contains(&(faster / slower)), "decorrelated takes {faster} s, full {slower} s");
}
