//! Retrying clients in a chain.

use retrylab_core::{
    load::{Burst, BurstSize},
    policy::{Budget, DelayLaw, Deposit, MinRetryRate, Policy, WindowBudget},
    sim::Setup,
};

use crate::support::{amplification, at_once, client, failing, figures, poisson, run, within};

fn chain(policy: &Policy, layers: u32, rate: u32, permille: u16, duration_ms: u64) -> Setup {
    let mut setup = at_once(policy, poisson(rate, duration_ms));
    setup.inner = (1..layers).map(|_| client(policy, duration_ms)).collect();
    setup.backend.faults = failing(permille, duration_ms);
    setup
}

#[test]
fn n_attempts_in_each_of_k_layers_are_n_to_the_k_at_the_backend() {
    for (n, k) in [(3, 1), (3, 2), (3, 3), (4, 3), (2, 4)] {
        let mut setup = chain(&Policy::plain(n, DelayLaw::None), k, 0, 1_000, 1_000);
        setup.load.bursts = vec![Burst { at_ms: 100, size: BurstSize::Requests(10) }];
        let outcome = run(&setup);
        let figures = figures(&setup, &outcome, "failing");
        let expected = 10 * u64::from(n).pow(k);
        assert_eq!((figures.requests, figures.attempts, figures.backend_requests), (10, expected, expected), "{n}^{k}");
        let by_layer: Vec<u64> = (1..=k).map(|layer| 10 * u64::from(n).pow(layer)).collect();
        assert_eq!(figures.layer_attempts, if k == 1 { vec![] } else { by_layer }, "{n}^{k}");
        assert_eq!(outcome.evidence(&setup).accounting_gap(), 0);
    }
}

/// (1 + r)^k at total failure: each layer retries the share r of what it gets.
#[test]
fn a_budget_of_r_in_each_of_k_layers_is_1_plus_r_to_the_k() {
    let window = WindowBudget {
        percent: 20,
        interval_ms: 10_000,
        deposit: Deposit::OnRequest,
        min_retry_rate: MinRetryRate { count: 0, interval_ms: 1_000 },
    };
    let policy = Policy { budget: Some(Budget::Window(window)), ..Policy::plain(3, DelayLaw::None) };
    for k in 1..=4 {
        let setup = chain(&policy, k, 1_000, 1_000, 30_000);
        within(&format!("{k} layers"), amplification(&setup, &run(&setup)), 1.2f64.powi(k as i32), 0.003);
    }
}

/// With chance p an attempt fails, each independently: an inner client of n attempts fails with pⁿ, and the outer one, whose
/// attempts these are, with p^(n·n). Were the draws of a repeated attempt the same again, it would be pⁿ at all layers.
#[test]
fn an_attempt_that_a_layer_above_repeats_draws_anew() {
    let setup = chain(&Policy::plain(2, DelayLaw::None), 2, 5_000, 500, 10_000);
    let figures = figures(&setup, &run(&setup), "failing");
    let n = figures.requests as f64;
    let (success, attempts) = (1.0 - 0.5f64.powi(4), 1.25 * 1.5);
    within("success", figures.success_rate.unwrap().to_f64(), success, 4.0 * (success * (1.0 - success) / n).sqrt());
    // Each request makes at most 4 attempts, so their standard deviation is below 1.5 (Popoviciu).
    within("amplification", figures.amplification.unwrap().to_f64(), attempts, 4.0 * 1.5 / n.sqrt());
}
