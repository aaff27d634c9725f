//! Setups, and how figures are held against what is expected.

use std::time::Duration;

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{ArrivalLaw, LoadPlan, LoadShape},
    policy::{Policy, StrategyName},
    sim::{Outcome, Setup, simulate},
    station::BackendModel,
    stats::Figures,
    timeline::windows,
    wire::{BackendPlan, ClientPlan, StrategySetting},
};

/// Poisson arrivals, so many per second.
pub fn poisson(rate: u32, duration_ms: u64) -> LoadPlan {
    let shape = LoadShape::Open { rate, arrivals: ArrivalLaw::Poisson };
    LoadPlan { seed: 20, duration_ms, shape, bursts: vec![], shed: vec![] }
}

/// One client under a policy, whose name does not matter here, with attempts of at most a second.
pub fn client(policy: &Policy, duration_ms: u64) -> ClientPlan {
    let strategy = StrategySetting { policy: policy.clone(), ..StrategySetting::preset(StrategyName::None) };
    ClientPlan { seed: 21, duration_ms, strategy, timeout_ms: 1_000 }
}

/// A backend without bounds that takes no time, and a network that takes none.
pub fn at_once(policy: &Policy, load: LoadPlan) -> Setup {
    let duration_ms = load.duration_ms;
    Setup {
        load,
        client: client(policy, duration_ms),
        inner: vec![],
        backend: BackendPlan { seed: 22, duration_ms, faults: vec![] },
        clients: 1,
        backends: 1,
        model: BackendModel::plain(u32::MAX, 0, 0),
        network: Duration::ZERO,
    }
}

/// A fault over the whole run that strikes so many thousandths of all attempts with 503.
pub fn failing(permille: u16, duration_ms: u64) -> Vec<FaultWindow> {
    let kind = FaultKind::Error { status: 503, permille, retry_after_s: None };
    vec![FaultWindow { name: "failing".into(), at_ms: 0, for_ms: duration_ms, kind, restart: false }]
}

/// The run to its end.
pub fn run(setup: &Setup) -> Outcome {
    simulate(setup, 500_000_000).unwrap()
}

/// The figures of one window of a run.
pub fn figures(setup: &Setup, outcome: &Outcome, window: &str) -> Figures {
    let windows = windows(&setup.backend.faults, &setup.load.shed, setup.load.duration_ms);
    outcome.counts().figures(windows.iter().find(|w| w.name == window).unwrap())
}

/// Attempts ÷ requests over the whole run.
pub fn amplification(setup: &Setup, outcome: &Outcome) -> f64 {
    figures(setup, outcome, "total").amplification.unwrap().to_f64()
}

/// Holds a figure against what is expected.
pub fn within(what: &str, figure: f64, expected: f64, tolerance: f64) {
    assert!((figure - expected).abs() <= tolerance, "{what} is {figure}, expected {expected} ± {tolerance}");
}
