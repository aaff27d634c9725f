//! Hedging, with exponential latencies of mean 1 s: everything about it has a closed form.

use rand::RngExt;
use retrylab_core::policy::{AttemptKind, DelayLaw, Deposit, Fate, Hedging, Outcome, Policy};

use crate::{
    Lab, Reply, Tally,
    budgets::window,
    driver::{MS, within},
};

/// p95 of the latency: ln 20 s.
const P95_MS: u64 = 2_996;

fn hedged(policy: Policy) -> Tally {
    Lab { policy, clients: 1, rate: 500.0, seconds: 100 }.run(|_, _, rng| {
        let latency = -(1.0 - rng.random::<f64>()).ln();
        Reply { after_ns: (latency * 1e9) as u64, ..Reply::at_once(Outcome::Success) }
    })
}

fn hedging(delay_ms: u64, max_hedges: u32) -> Policy {
    let hedging = Some(Hedging { delay_ms, max_hedges });
    Policy { hedging, ..Policy::plain(max_hedges + 1, DelayLaw::None) }
}

#[test]
fn a_hedge_after_the_p95_costs_5_percent_and_cuts_the_tail() {
    let tally = hedged(hedging(P95_MS, 1));
    let n = tally.requests as f64;
    let hedges = tally.retries(0, 1_000) as f64;
    within("hedges", hedges / n, 0.05, (0.05 * 0.95 / n).sqrt());
    // P(latency > t) = e^−t · e^−(t − d) beyond the delay d: 1 % of the requests take longer than (d + ln 100)/2 = 3.80 s,
    // instead of 4.61 s.
    let p99 = f64::midpoint(20f64.ln(), 100f64.ln());
    let slow = tally.latencies_ns.iter().filter(|ns| **ns as f64 > p99 * 1e9).count() as f64;
    within("requests beyond the p99", slow / n, 0.01, (0.01 * 0.99 / n).sqrt());
    assert_eq!(tally.fate(Fate::Ok) + tally.fate(Fate::OkAfterRetry), tally.requests);
    // Without memory the hedge, which has as long to go, wins every second race.
    within("hedges that win", tally.fate(Fate::OkAfterRetry) as f64 / hedges, 0.5, 0.5 / hedges.sqrt());
}

#[test]
fn hedges_are_within_the_budget() {
    let budget = Some(window(1, 10_000, Deposit::OnRequest, 0));
    let tally = hedged(Policy { budget, ..hedging(P95_MS, 1) });
    let share = tally.retries(0, 1_000) as f64 / tally.requests as f64;
    assert!((0.0095..=0.01).contains(&share), "{share}");
    assert_eq!(tally.fate(Fate::BudgetDenied), 0, "a request whose hedge is denied goes on");
}

/// 1 + e^−d + e^−2d attempts with two hedges, each after another delay d.
#[test]
fn every_hedge_waits_for_another_delay() {
    let tally = hedged(hedging(1_000, 2));
    let n = tally.requests as f64;
    let (one, two) = ((-1f64).exp(), (-1f64).exp() * (-2f64).exp());
    // The second hedge is sent when neither the first attempt (2 s) nor the first hedge (1 s) has ended.
    let variance = one + 3.0 * two - (one + two).powi(2);
    within("hedges", tally.retries(0, 1_000) as f64 / n, one + two, (variance / n).sqrt());
}

#[test]
fn a_failure_beside_an_attempt_in_flight_waits_for_it_and_the_last_one_is_retried() {
    let hedging = Some(Hedging { delay_ms: 100, max_hedges: 1 });
    let policy = Policy { hedging, ..Policy::plain(3, DelayLaw::Fixed { delay_ms: 1_000 }) };
    // The first fails after 300 ms, the hedge (sent at 100 ms) after 400 ms: the retry comes at 500 + 1,000 ms.
    let tally = Lab { policy, clients: 1, rate: 1.0, seconds: 20 }.run(|_, start, _| {
        let (outcome, ms) = match start.kind {
            AttemptKind::First => (Outcome::Retryable, 300),
            AttemptKind::Hedge => (Outcome::Retryable, 400),
            AttemptKind::Retry => (Outcome::Success, 50),
        };
        Reply { after_ns: ms * MS, ..Reply::at_once(outcome) }
    });
    assert!(tally.requests > 5 && tally.attempts.len() as u64 == 3 * tally.requests);
    assert_eq!(tally.fate(Fate::OkAfterRetry), tally.requests);
    assert!(tally.latencies_ns.iter().all(|ns| *ns == 1_550 * MS), "{:?}", tally.latencies_ns);
}

#[test]
fn a_failure_is_not_retried_while_another_attempt_may_still_succeed() {
    let hedging = Some(Hedging { delay_ms: 100, max_hedges: 1 });
    let policy = Policy { hedging, ..Policy::plain(3, DelayLaw::Fixed { delay_ms: 200 }) };
    let tally = Lab { policy, clients: 1, rate: 1.0, seconds: 20 }.run(|_, start, _| match start.kind {
        AttemptKind::First => Reply { after_ns: 300 * MS, ..Reply::at_once(Outcome::Retryable) },
        _ => Reply { after_ns: 2_000 * MS, ..Reply::at_once(Outcome::Success) },
    });
    assert_eq!(tally.attempts.len() as u64, 2 * tally.requests);
    assert!(tally.latencies_ns.iter().all(|ns| *ns == 2_100 * MS), "{:?}", tally.latencies_ns);
}
