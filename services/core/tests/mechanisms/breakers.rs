//! Circuit breaker and retry breaker under load; the breaker's transitions themselves are beside its code.

use retrylab_core::policy::{Breaker, DelayLaw, Fate, Outcome, Policy, RetryBreaker};

use crate::{Lab, Reply, driver::SECOND};

const BREAKER: Breaker =
    Breaker { failure_percent: 50, min_calls: 100, interval_ms: 10_000, open_ms: 5_000, probes: 10 };

/// An outage from 10 s to 30 s, a request every 10 ms on average.
fn outage(policy: Policy) -> crate::Tally {
    let lab = Lab { policy, clients: 1, rate: 100.0, seconds: 60 };
    lab.run(|now, _, _| {
        let fails = (10 * SECOND..30 * SECOND).contains(&now);
        Reply::at_once(if fails { Outcome::Retryable } else { Outcome::Success })
    })
}

#[test]
fn a_breaker_lets_only_probes_through_in_an_outage_and_closes_after_it() {
    let tally = outage(Policy { breaker: Some(BREAKER), ..Policy::plain(3, DelayLaw::None) });
    let sent = |from, to| tally.firsts(from, to) + tally.retries(from, to);
    // It opens when half of the last 10 s have failed, after about 3.3 s (three attempts each); then 10 probes every 5 s.
    let probes = sent(15, 30);
    assert!((20..=40).contains(&probes), "{probes} attempts in the last 15 s");
    assert_eq!(tally.firsts(36, 60), tally.fates[&Fate::Ok] - tally.firsts(0, 10) - tally.firsts(30, 36));
    assert!(tally.firsts(36, 60) > 2_000, "closed again");
    assert!(tally.fate(Fate::BreakerOpen) > 1_000);
    assert_eq!(tally.fates.values().sum::<u64>(), tally.requests);
}

#[test]
fn a_retry_breaker_stops_retries_and_never_a_first_attempt() {
    let retry_breaker = Some(RetryBreaker { failure_percent: 10, min_calls: 20, interval_ms: 10_000 });
    let tally = outage(Policy { retry_breaker, ..Policy::plain(3, DelayLaw::None) });
    assert_eq!(tally.firsts(0, 60), tally.requests);
    // A tenth of the last 10 s is reached within 1.2 s; from then on there is none.
    assert!(tally.retries(10, 12) > 0);
    assert_eq!(tally.retries(12, 60), 0);
    assert!(tally.fate(Fate::BreakerOpen) > 1_500 && tally.fate(Fate::BudgetDenied) == 0);
}

/// Independent failures: below the limit the breaker is not felt, above it there are no retries.
#[test]
fn a_retry_breaker_of_10_percent_lets_5_percent_of_failures_be_retried_and_not_20_percent() {
    let amplification = |p: f64| {
        let retry_breaker = Some(RetryBreaker { failure_percent: 10, min_calls: 100, interval_ms: 60_000 });
        let policy = Policy { retry_breaker, ..Policy::plain(4, DelayLaw::None) };
        Lab { policy, clients: 1, rate: 200.0, seconds: 200 }.run(|_, _, rng| Reply::failing(p, rng)).amplification()
    };
    assert!((amplification(0.05) - 1.0526).abs() < 0.005, "{}", amplification(0.05));
    assert!(amplification(0.2) < 1.005, "{}", amplification(0.2));
}
