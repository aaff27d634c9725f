//! How fast the simulator is, in events per second on one core: `cargo run --release -p retrylab-core --example sim_speed`.
//!
//! An event is a thing that happens: an arrival, a message's receipt by a client, a backend or the load generator, an end
//! of service, a timeout that comes, a wait that is over. What comes to nothing (the timeout of an attempt that was
//! answered) is no event.

#![allow(clippy::disallowed_methods, reason = "it measures how long the simulator takes")]

use std::time::{Duration, Instant};

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{ArrivalLaw, LoadPlan, LoadShape},
    policy::StrategyName,
    sim::{Setup, simulate},
    station::BackendModel,
    wire::{BackendPlan, ClientPlan, StrategySetting},
};

fn main() {
    let minute = 60_000;
    let outage =
        |kind| vec![FaultWindow { name: "outage".into(), at_ms: 10_000, for_ms: 10_000, kind, restart: false }];
    let error = FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None };
    measure("healthy, 20,000/s", &setup(StrategyName::Jitter, 20_000, minute, 1, vec![]));
    measure("outage, naive, 20,000/s", &setup(StrategyName::Naive, 20_000, minute, 1, outage(error.clone())));
    measure("outage, jitter, 20,000/s", &setup(StrategyName::Jitter, 20_000, minute, 1, outage(error)));
    measure("storm of timeouts, 20,000/s", &setup(StrategyName::Naive, 20_000, minute, 1, outage(FaultKind::Freeze)));
    measure("a million clients with budgets", &setup(StrategyName::Finagle, 100_000, minute, 1_000_000, vec![]));
    measure(
        "a million clients, outage",
        &setup(
            StrategyName::Finagle,
            100_000,
            minute,
            1_000_000,
            outage(FaultKind::Error { status: 503, permille: 500, retry_after_s: None }),
        ),
    );
}

fn setup(strategy: StrategyName, rate: u32, duration_ms: u64, clients: u32, faults: Vec<FaultWindow>) -> Setup {
    let shape = LoadShape::Open { rate, arrivals: ArrivalLaw::Poisson };
    let strategy = StrategySetting::preset(strategy);
    Setup {
        load: LoadPlan { seed: 1, duration_ms, shape, bursts: vec![], shed: vec![] },
        client: ClientPlan { seed: 2, duration_ms, strategy, timeout_ms: 1_000 },
        inner: vec![],
        backend: BackendPlan { seed: 3, duration_ms, faults },
        clients,
        backends: 1,
        model: BackendModel::plain(1_200, 1_000_000, 10_000),
        network: Duration::from_micros(100),
    }
}

fn measure(name: &str, setup: &Setup) {
    let begun = Instant::now();
    match simulate(setup, u64::MAX) {
        Ok(outcome) => {
            let seconds = begun.elapsed().as_secs_f64();
            let (events, rate) = (outcome.events, outcome.events as f64 / seconds / 1e6);
            println!("{name:34} {events:>10} events  {seconds:6.2} s  {rate:6.2} M events/s");
        }
        Err(too_large) => println!("{name:34} {too_large}"),
    }
}
