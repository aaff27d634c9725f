//! Predictions hold: what another run of the same experiment shows lies within the band, and what another policy shows
//! does not.

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    policy::StrategyName,
    sim::{PREDICTION_RUNS, Setup, disturbed, predict},
    stats::Ratio,
};

use crate::support::{at_once, figures, poisson, run};

fn outage(name: StrategyName) -> Setup {
    let mut setup = at_once(&name.preset(), poisson(50, 40_000));
    let kind = FaultKind::Error { status: 503, permille: 800, retry_after_s: None };
    setup.backend.faults =
        vec![FaultWindow { name: "outage".into(), at_ms: 10_000, for_ms: 5_000, kind, restart: false }];
    setup
}

#[test]
fn other_runs_of_the_experiment_are_within_the_band() {
    for name in [StrategyName::Naive, StrategyName::Backoff, StrategyName::Jitter, StrategyName::Finagle] {
        let setup = outage(name);
        let prediction = predict(&setup, PREDICTION_RUNS, 10_000_000).unwrap();
        let names: Vec<_> = prediction.windows.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, ["baseline", "outage", "recovery", "total"]);
        for number in 100..140 {
            let other = disturbed(&setup, number);
            let outcome = run(&other);
            for window in &prediction.windows {
                let measured = figures(&setup, &outcome, &window.name);
                let pairs = [
                    (window.amplification, measured.amplification),
                    (window.wire_amplification, measured.wire_amplification),
                    (window.success_rate, measured.success_rate),
                ];
                for (band, figure) in pairs {
                    let (band, figure) = (band.unwrap(), figure.unwrap());
                    assert!(band.contains(figure), "{name:?} {number} {}: {figure} outside {band:?}", window.name);
                }
            }
        }
        let recovery = prediction.recovery.unwrap();
        assert_eq!((recovery.recovered, recovery.of), (PREDICTION_RUNS, PREDICTION_RUNS));
    }
}

#[test]
fn another_policy_or_a_fault_that_does_nothing_is_outside_the_band() {
    let setup = outage(StrategyName::Naive);
    let prediction = predict(&setup, PREDICTION_RUNS, 10_000_000).unwrap();
    let band = prediction.windows.iter().find(|w| w.name == "outage").unwrap().amplification.unwrap();
    let measured = |setup: &Setup| {
        let windows = retrylab_core::timeline::windows(&outage(StrategyName::Naive).backend.faults, &[], 40_000);
        run(setup).counts().figures(&windows[1]).amplification.unwrap()
    };
    let mut harmless = setup.clone();
    harmless.backend.faults.clear();
    assert_eq!(measured(&harmless), Ratio::new(1, 1).unwrap());
    for other in [harmless, outage(StrategyName::Finagle), outage(StrategyName::None)] {
        assert!(!band.contains(measured(&other)), "{}", measured(&other));
    }
}

#[test]
fn a_prediction_that_would_be_too_large_is_none_at_all() {
    let setup = outage(StrategyName::Naive);
    let needed = predict(&setup, 4, u64::MAX).unwrap().events;
    assert!(predict(&setup, 4, needed).is_ok());
    assert_eq!(predict(&setup, 4, needed - 1).unwrap_err().budget, needed - 1);
}
