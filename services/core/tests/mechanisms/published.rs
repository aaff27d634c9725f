//! Closed forms and published results.

use retrylab_core::policy::{Budget, DelayLaw, Deposit, Fate, Outcome, Policy, Throttle};

use crate::{
    Lab, Reply,
    budgets::{bucket, under, window},
    driver::{SECOND, within},
};

/// E[attempts] = (1 − pⁿ)/(1 − p).
fn expected_attempts(p: f64, n: i32) -> f64 {
    (0..n).map(|i| p.powi(i)).sum()
}

/// The standard deviation of a request's attempts: E[X²] = Σ (2i + 1) pⁱ.
fn sd_of_attempts(p: f64, n: i32) -> f64 {
    let square: f64 = (0..n).map(|i| f64::from(2 * i + 1) * p.powi(i)).sum();
    (square - expected_attempts(p, n).powi(2)).sqrt()
}

#[test]
fn independent_failures_give_the_closed_forms_of_attempts_and_success() {
    for (p, published) in [(0.0, 1.0), (0.1, 1.111), (0.3, 1.417), (0.5, 1.875), (0.9, 3.439), (1.0, 4.0)] {
        let lab = Lab { policy: Policy::plain(4, DelayLaw::None), clients: 1, rate: 1_000.0, seconds: 40 };
        let tally = lab.run(|_, _, rng| Reply::failing(p, rng));
        let n = tally.requests as f64;
        assert!((expected_attempts(p, 4) - published).abs() < 0.0006);
        within("amplification", tally.amplification(), expected_attempts(p, 4), sd_of_attempts(p, 4) / n.sqrt());
        let lost = p.powi(4);
        let succeeded = (tally.fate(Fate::Ok) + tally.fate(Fate::OkAfterRetry)) as f64 / n;
        within("success", succeeded, 1.0 - lost, (lost * (1.0 - lost) / n).sqrt());
        within("first attempts that succeed", tally.fate(Fate::Ok) as f64 / n, 1.0 - p, (p * (1.0 - p) / n).sqrt());
    }
}

/// The SRE book, "Handling Overload": with 3 attempts the load in an overload that rejects nearly all is just below 3×, with
/// a per-client budget of 10 % it is 1.1×.
#[test]
fn full_rejection_makes_just_below_3_of_three_attempts_and_1_1_under_a_budget_of_10_percent() {
    let lab = |policy| Lab { policy, clients: 10, rate: 100.0, seconds: 60 };
    let rejection = 0.99;
    let open = lab(Policy::plain(3, DelayLaw::None)).run(|_, _, rng| Reply::failing(rejection, rng));
    let se = sd_of_attempts(rejection, 3) / (open.requests as f64).sqrt();
    within("3 attempts", open.amplification(), expected_attempts(rejection, 3), se);
    assert!((2.9..3.0).contains(&open.amplification()));
    let capped =
        lab(under(window(10, 120_000, Deposit::OnRequest, 0), 3)).run(|_, _, _| Reply::at_once(Outcome::Retryable));
    // Exact, but for less than one retry of each client.
    assert!(capped.amplification() <= 1.1 && capped.amplification() > 1.1 - 10.0 / capped.requests as f64);
}

/// Brooker, "Fixing retries with token buckets and circuit breakers" (2022): 100 clients × 10/s, independent failures. Three
/// retries load (1 − p⁴)/(1 − p) times; a bucket (+0.1 a call, a retry costs 1, at most 5) about the same well under 10 %, and
/// about 1.1 times above.
#[test]
fn brookers_token_bucket_follows_three_retries_below_ten_percent_of_failures_and_stays_at_1_1_above() {
    let lab = |policy| Lab { policy, clients: 100, rate: 10.0, seconds: 100 };
    for p in [0.0, 0.01, 0.02, 0.05, 0.2, 0.3, 0.5] {
        let open = lab(Policy::plain(4, DelayLaw::None)).run(|_, _, rng| Reply::failing(p, rng));
        let (expected, n) = (expected_attempts(p, 4), open.requests as f64);
        within("three retries", open.amplification(), expected, sd_of_attempts(p, 4) / n.sqrt());
        let capped = lab(under(Budget::Tokens(bucket(100, 5_000, Deposit::OnRequest)), 4))
            .run(|_, _, rng| Reply::failing(p, rng))
            .amplification();
        if p < 0.1 {
            assert!((capped - expected).abs() < 0.005, "p = {p}: {capped}, without a bucket {expected}");
        } else {
            // 0.1 for each call, and the 5 of each of 100 clients once.
            let once = 500.0 / n;
            assert!((1.1 - 0.001..=1.1 + once).contains(&capped), "p = {p}: {capped}");
        }
    }
}

/// The SRE book: a client sends K times what its backend accepts. Here each client's backend accepts 20 attempts a second.
#[test]
fn adaptive_throttling_converges_to_k_times_what_is_accepted() {
    for (k_milli, k) in [(2_000, 2.0), (1_100, 1.1)] {
        let throttle = Some(Throttle { k_milli, interval_ms: 10_000 });
        let policy = Policy { throttle, ..Policy::plain(1, DelayLaw::None) };
        let (mut credit, mut last, mut accepted) = (0.0, 0, 0u64);
        let tally = Lab { policy, clients: 1, rate: 200.0, seconds: 220 }.run(|now, _, _| {
            credit = f64::min(credit + (now - last) as f64 / 1e9 * 20.0, 2.0);
            last = now;
            let accepts = credit >= 1.0;
            credit -= f64::from(u8::from(accepts));
            accepted += u64::from(accepts && now >= 20 * SECOND);
            Reply::at_once(if accepts { Outcome::Success } else { Outcome::Retryable })
        });
        let sent = tally.firsts(20, 220) as f64;
        // Each of 40,000 requests is sent with the chance K · accepts/requests: a standard error of √(p (1 − p) · 40,000).
        let p = k * accepted as f64 / 40_000.0;
        within("attempts sent", sent, k * accepted as f64, (40_000.0 * p * (1.0 - p)).sqrt());
        assert_eq!(tally.fate(Fate::BudgetDenied), tally.requests - tally.attempts.len() as u64);
    }
}

/// As long as more than 1/K of the attempts are accepted nothing is turned away; a total outage ends nearly all traffic.
#[test]
fn adaptive_throttling_with_k_2_sleeps_below_half_failing_and_ends_nearly_all_traffic_in_an_outage() {
    let sent = |p: f64| {
        let throttle = Some(Throttle { k_milli: 2_000, interval_ms: 120_000 });
        let policy = Policy { throttle, ..Policy::plain(1, DelayLaw::None) };
        let tally = Lab { policy, clients: 1, rate: 100.0, seconds: 100 }.run(|now, _, rng| {
            if now < 20 * SECOND { Reply::at_once(Outcome::Success) } else { Reply::failing(p, rng) }
        });
        tally.firsts(80, 100) as f64 / 2_000.0
    };
    assert!(sent(0.4) > 0.9, "{}", sent(0.4));
    assert!(sent(1.0) < 0.55, "{}", sent(1.0));
}
