//! Failures that strike every attempt independently with the same chance p.

use retrylab_core::policy::{DelayLaw, Policy, StrategyName};

use crate::support::{at_once, failing, figures, poisson, run, within};

/// E[attempts] = (1 − pⁿ)/(1 − p), and 1 − pⁿ of the requests succeed. For a count X with P(X > i) = pⁱ up to n,
/// E[X²] = Σ (2i + 1) pⁱ.
#[test]
fn attempts_and_successes_are_those_of_the_closed_form_for_every_chance_of_failure() {
    for n in [2, 3, 4] {
        for permille in [100, 300, 500, 900, 1_000] {
            let duration_ms = 10_000;
            let mut setup = at_once(&Policy::plain(n, DelayLaw::None), poisson(4_000, duration_ms));
            setup.backend.faults = failing(permille, duration_ms);
            let figures = figures(&setup, &run(&setup), "failing");

            let (p, requests) = (f64::from(permille) / 1_000.0, figures.requests as f64);
            let mean: f64 = (0..n).map(|i| p.powi(i as i32)).sum();
            let square: f64 = (0..n).map(|i| f64::from(2 * i + 1) * p.powi(i as i32)).sum();
            let (lost, sd) = (p.powi(n as i32), (square - mean * mean).max(0.0).sqrt());
            let what = format!("n = {n}, p = {p}:");
            let amplification = figures.amplification.unwrap().to_f64();
            within(&format!("{what} amplification"), amplification, mean, 3.0 * sd / requests.sqrt() + 1e-9);
            let success = figures.success_rate.unwrap().to_f64();
            let error = (lost * (1.0 - lost) / requests).sqrt();
            within(&format!("{what} the success rate"), success, 1.0 - lost, 3.0 * error + 1e-9);
        }
    }
}

/// Google's SRE book, "Handling Overload": with three attempts and every one of them rejected, the load is just below three
/// times as much; with a budget of 10 % it is 1.1 times as much.
#[test]
fn at_full_rejection_three_attempts_load_threefold_and_a_tenth_as_budget_1_1_fold() {
    let duration_ms = 60_000;
    for (name, expected) in [(StrategyName::Naive, 3.0), (StrategyName::Sre, 1.1)] {
        let mut setup = at_once(&name.preset(), poisson(500, duration_ms));
        setup.client.strategy.policy.throttle = None; // the budget alone
        setup.backend.faults = failing(1_000, duration_ms);
        let figures = figures(&setup, &run(&setup), "failing");
        // The budget may lag the requests by one retry, and forgets them by tenths of its interval.
        within(name.as_str(), figures.amplification.unwrap().to_f64(), expected, 0.002);
    }
}
