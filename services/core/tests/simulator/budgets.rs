//! Budgets are per client: so many clients, so many budgets.

use retrylab_core::policy::{
    Budget, Charge, DelayLaw, Deposit, MinRetryRate, Policy, StrategyName, TokenBucket, WindowBudget,
};

use crate::support::{amplification, at_once, failing, poisson, run, within};

/// A hundred clients that make 10 requests a second each, for 100 s, under failures with chance p. M. Brooker, "Fixing
/// retries with token buckets and circuit breakers" (2022).
fn load_of_100_clients(policy: &Policy, permille: u16) -> f64 {
    let duration_ms = 100_000;
    let mut setup = at_once(policy, poisson(1_000, duration_ms));
    setup.clients = 100;
    setup.backend.faults = if permille == 0 { vec![] } else { failing(permille, duration_ms) };
    amplification(&setup, &run(&setup))
}

/// Every call adds 0.1 to a bucket of 5, a retry costs 1.
fn token_bucket() -> Policy {
    let bucket = TokenBucket {
        deposit: Deposit::OnRequest,
        amount_milli: 100,
        charge: Charge::OnRetry,
        cost_milli: 1_000,
        timeout_cost_milli: 1_000,
        cap_milli: 5_000,
        initial_milli: 5_000,
        threshold_milli: 0,
        refund: false,
    };
    Policy { budget: Some(Budget::Tokens(bucket)), ..Policy::plain(4, DelayLaw::None) }
}

fn three_retries(permille: u16) -> f64 {
    let p = f64::from(permille) / 1_000.0;
    (1.0 - p.powi(4)) / (1.0 - p)
}

#[test]
fn three_retries_load_the_backend_by_the_closed_form_at_every_failure_rate() {
    for permille in (0..=500).step_by(100) {
        let load = load_of_100_clients(&Policy::plain(4, DelayLaw::None), permille);
        // The standard deviation of a request's attempts is at most 1.06, at p = 0.5; of 100,000 requests' mean 0.0034.
        within(&format!("{permille} per mille"), load, three_retries(permille), 3.0 * 0.0034);
    }
}

/// Well under 10 % of failures the bucket is as good as never empty. Far above it is as good as never full: the load is 1.1,
/// and what the bucket held at first, 5 tokens for a client's 1,000 requests.
#[test]
fn a_token_bucket_is_like_three_retries_under_few_failures_and_caps_the_load_at_1_1_under_many() {
    for permille in [10, 20, 40] {
        within(
            &format!("{permille} per mille"),
            load_of_100_clients(&token_bucket(), permille),
            three_retries(permille),
            0.004,
        );
    }
    for permille in [200, 300, 500] {
        let load = load_of_100_clients(&token_bucket(), permille);
        assert!((1.095..=1.106).contains(&load), "{permille} per mille: {load}");
    }
}

/// The two families differ in a total outage: after its first seconds, deposits on request keep their share of retries flowing
/// for ever, deposits on success leave none but the reserve.
#[test]
fn in_a_long_outage_a_budget_fed_by_requests_goes_on_and_one_fed_by_success_runs_dry() {
    let duration_ms = 60_000;
    for (deposit, expected) in [(Deposit::OnRequest, 1.2), (Deposit::OnSuccess, 1.0)] {
        let window = WindowBudget {
            percent: 20,
            interval_ms: 10_000,
            deposit,
            min_retry_rate: MinRetryRate { count: 0, interval_ms: 1_000 },
        };
        let policy = Policy { budget: Some(Budget::Window(window)), ..StrategyName::Finagle.preset() };
        let mut setup = at_once(&policy, poisson(1_000, duration_ms));
        setup.backend.faults = failing(1_000, duration_ms - 20_000);
        setup.backend.faults[0].at_ms = 20_000;
        let outcome = run(&setup);
        let late = |counts: &retrylab_core::stats::Counts| counts.sum(40_000, Some(60_000)) as f64;
        let amplification = late(&outcome.client.series.wire_attempts) / late(&outcome.load.series.planned);
        within(&format!("{deposit:?}"), amplification, expected, 0.002);
    }
}

/// Amplification ≤ 1 + ratio + minRate/λ: with one client of 50 requests/s 1 + 0.2 + 10/50. Twenty-five clients of 2 requests/s
/// have as many reserves, and 1 + 0.2 + 10/2 is far above the 3 attempts that a request has at all.
#[test]
fn the_same_budget_in_many_clients_allows_more_retries_than_in_one() {
    let duration_ms = 120_000;
    for (clients, expected, slack) in [(1, 1.4, 0.04), (25, 3.0, 0.0)] {
        let mut setup = at_once(&StrategyName::Finagle.preset(), poisson(50, duration_ms));
        setup.clients = clients;
        setup.backend.faults = failing(1_000, duration_ms);
        let amplification = amplification(&setup, &run(&setup));
        // Retries are forgotten by whole tenths of the interval: those of up to 10.9 s count.
        assert!(amplification <= expected + 1e-9, "{clients} clients: {amplification}");
        assert!(amplification >= expected - slack - 1e-9, "{clients} clients: {amplification}");
    }
}
