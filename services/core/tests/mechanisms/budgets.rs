//! Retry budgets: exact shares, and the two families in a total outage.

use proptest::prelude::*;
use retrylab_core::policy::{
    Budget, Charge, DelayLaw, Deposit, Fate, InFlightBudget, MinRetryRate, Outcome, Policy, StrategyName, TokenBucket,
    WindowBudget,
};

use crate::{
    Lab, Reply,
    driver::{MS, SECOND},
};

pub const fn window(percent: u32, interval_ms: u64, deposit: Deposit, min_count: u32) -> Budget {
    let min_retry_rate = MinRetryRate { count: min_count, interval_ms: 1_000 };
    Budget::Window(WindowBudget { percent, interval_ms, deposit, min_retry_rate })
}

pub const fn bucket(amount_milli: u64, cap_milli: u64, deposit: Deposit) -> TokenBucket {
    TokenBucket {
        deposit,
        amount_milli,
        charge: Charge::OnRetry,
        cost_milli: 1_000,
        timeout_cost_milli: 1_000,
        cap_milli,
        initial_milli: cap_milli,
        threshold_milli: 0,
        refund: false,
    }
}

pub const fn under(budget: Budget, max_attempts: u32) -> Policy {
    Policy { budget: Some(budget), ..Policy::plain(max_attempts, DelayLaw::None) }
}

#[test]
fn a_bucket_that_can_never_pay_for_a_retry_is_refused() {
    let refused = |bucket| under(Budget::Tokens(bucket), 3).validate().err().map(|e| e.field);
    let full = bucket(100, 5_000, Deposit::OnRequest);
    assert_eq!(refused(TokenBucket { cost_milli: 5_000, threshold_milli: 4_999, ..full }), None);
    assert_eq!(refused(TokenBucket { cost_milli: 5_001, ..full }).as_deref(), Some("budget.cost_milli"));
    assert_eq!(refused(TokenBucket { threshold_milli: 5_000, ..full }).as_deref(), Some("budget.threshold_milli"));
}

fn one_client(policy: Policy, rate: f64, seconds: u64) -> Lab {
    Lab { policy, clients: 1, rate, seconds }
}

/// `(1/ratio) as isize` makes 33 % of 30 %, and 100 % of 60 %. Here every ratio is what it says.
#[test]
fn in_a_total_outage_every_ratio_from_1_to_100_percent_permits_exactly_its_share() {
    for percent in 1..=100 {
        let share = TokenBucket { initial_milli: 0, ..bucket(u64::from(percent) * 10, 1_000_000, Deposit::OnRequest) };
        for budget in [window(percent, 3_600_000, Deposit::OnRequest, 0), Budget::Tokens(share)] {
            let tally = one_client(under(budget, 2), 100.0, 10).run(|_, _, _| Reply::at_once(Outcome::Retryable));
            let permitted = tally.requests * u64::from(percent) / 100;
            assert_eq!(tally.retries(0, 10), permitted, "{percent} % of {} requests: {budget:?}", tally.requests);
            assert_eq!(tally.fate(Fate::Exhausted), permitted);
            assert_eq!(tally.fate(Fate::BudgetDenied), tally.requests - permitted);
        }
    }
}

/// The numbers of the requests, all of which fail, that one client retries within half a minute.
fn retried(budget: Option<Budget>) -> Vec<u64> {
    let policy = Policy { budget, ..Policy::plain(2, DelayLaw::None) };
    let (mut requests, mut retried) = (0, vec![]);
    one_client(policy, 2.0, 30).run(|_, start, _| {
        requests += u64::from(start.number == 1);
        retried.extend((start.number == 2).then_some(requests));
        Reply::at_once(Outcome::Retryable)
    });
    retried
}

/// The SRE book's: retries/requests < 0.1, so 0/1, 1/11, 2/21. Finagle's has 10 deposits pay for a retry. Each of the
/// requests was already counted when its retry was asked for.
#[test]
fn the_sre_book_s_budget_retries_while_the_ratio_is_below_its_share_and_finagle_s_when_a_retry_is_paid_for() {
    assert_eq!(retried(StrategyName::Sre.preset().budget)[..4], [1, 11, 21, 31]);
    assert_eq!(retried(Some(window(10, 120_000, Deposit::OnRequest, 0)))[..4], [10, 20, 30, 40]);
}

#[test]
fn a_least_rate_of_retries_is_exact_as_well() {
    for (count, expected) in [(0, 0), (1, 10), (7, 70)] {
        let budget = window(1, 10_000, Deposit::OnSuccess, count);
        let tally = one_client(under(budget, 2), 100.0, 9).run(|_, _, _| Reply::at_once(Outcome::Retryable));
        assert_eq!(tally.retries(0, 9), expected, "{count} a second over 10 s");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// 1 + ratio + minRate/λ, the reserve once, and what the last interval's requests have deposited.
    #[test]
    fn deposits_on_request_bound_the_amplification(percent in 1u32..=100, min in 0u32..20, p in 0.0f64..=1.0, rate in 5.0f64..200.0) {
        let tally = one_client(under(window(percent, 2_000, Deposit::OnRequest, min), 4), rate, 20)
            .run(|_, _, rng| Reply::failing(p, rng));
        let once = 2 * min;
        let allowed = tally.requests * u64::from(percent) / 100 + u64::from(min * 20 + once);
        prop_assert!(tally.retries(0, 20) <= allowed, "{} retries, {allowed} allowed", tally.retries(0, 20));
    }

    /// Whatever fails, a bucket pays no more than it held and was given.
    #[test]
    fn a_bucket_pays_what_it_held_and_was_given(amount in 0u64..1_000, cap in 1u64..20, p in 0.0f64..=1.0, on_success: bool) {
        let deposit = if on_success { Deposit::OnSuccess } else { Deposit::OnRequest };
        let tally = one_client(under(Budget::Tokens(bucket(amount, cap * 1_000, deposit)), 4), 50.0, 10)
            .run(|_, _, rng| Reply::failing(p, rng));
        let successes = tally.fate(Fate::Ok) + tally.fate(Fate::OkAfterRetry);
        let deposits = if on_success { successes } else { tally.requests };
        prop_assert!(tally.retries(0, 10) <= (cap * 1_000 + deposits * amount) / 1_000);
    }

    #[test]
    fn the_worst_case_is_never_exceeded(percent in 1u32..=100, min in 0u32..20, amount in 0u64..1_000, refund: bool, p in 0.0f64..=1.0, clients in 1usize..4) {
        let tokens = TokenBucket { refund, ..bucket(amount, 5_000, Deposit::OnSuccess) };
        for budget in [window(percent, 3_000, Deposit::OnRequest, min), Budget::Tokens(tokens)] {
            let lab = Lab { policy: under(budget, 4), clients, rate: 30.0, seconds: 10 };
            let tally = lab.run(|_, _, rng| Reply::failing(p, rng));
            let demand = retrylab_core::policy::Demand { requests: tally.requests, duration_ms: 10_000, clients: clients as u64, layers: 1 };
            let bound = lab.policy.worst_case(&demand).unwrap().to_f64();
            prop_assert!(tally.amplification() <= bound + 1e-9, "{} > {bound}: {budget:?}", tally.amplification());
        }
    }
}

/// The same budget, the same outage for ever: what deposits decides.
#[test]
fn in_a_total_outage_deposits_on_request_go_on_and_deposits_on_success_run_dry() {
    let late = |budget| {
        let lab = one_client(under(budget, 3), 200.0, 60);
        let tally =
            lab.run(|now, _, _| Reply::at_once(if now < 20 * SECOND { Outcome::Success } else { Outcome::Retryable }));
        (tally.retries(40, 60), tally.firsts(40, 60))
    };
    for (budget, ratio) in [
        (window(20, 10_000, Deposit::OnRequest, 0), 0.2),
        (window(10, 10_000, Deposit::OnRequest, 0), 0.1),
        (Budget::Tokens(bucket(100, 5_000, Deposit::OnRequest)), 0.1),
    ] {
        // What is deposited is spent; windows and buckets may carry a little from before into these 20 s, or out of them.
        let (retries, firsts) = late(budget);
        let share = retries as f64 / firsts as f64;
        assert!((share - ratio).abs() < 0.01 * ratio + 1.0 / firsts as f64, "{budget:?}: {share}");
    }
    for budget in [window(20, 10_000, Deposit::OnSuccess, 0), Budget::Tokens(bucket(100, 5_000, Deposit::OnSuccess))] {
        assert_eq!(late(budget).0, 0, "{budget:?}");
    }
}

/// One budget for all and one for each client behave unlike at the same total rate: reserves add up.
#[test]
fn a_budget_for_each_client_allows_the_reserve_for_each() {
    let retries = |clients, rate| {
        let policy = under(window(1, 10_000, Deposit::OnSuccess, 1), 2);
        Lab { policy, clients, rate, seconds: 9 }.run(|_, _, _| Reply::at_once(Outcome::Retryable)).retries(0, 9)
    };
    assert_eq!((retries(1, 200.0), retries(10, 20.0)), (10, 100));
}

/// Envoy: retries out, those in backoff included, never exceed 20 % of the attempts in flight, or 3.
#[test]
fn a_budget_on_concurrency_holds_at_every_moment_at_which_a_retry_is_decided() {
    let budget = Budget::InFlight(InFlightBudget { percent: 20, min_retries: 3 });
    let policy = Policy { budget: Some(budget), ..Policy::plain(4, DelayLaw::Envoy { base_ms: 25, cap_ms: 250 }) };
    let (mut most, mut full) = (0, 0);
    for rate in [5.0, 400.0] {
        let lab = Lab { policy: policy.clone(), clients: 1, rate, seconds: 4 };
        let tally = lab.run(|_, _, _| Reply { after_ns: 100 * MS, ..Reply::at_once(Outcome::Retryable) });
        assert!(!tally.out.is_empty());
        for out in tally.out {
            let allowed = (out.attempts / 5).max(3);
            assert!(out.retries <= allowed, "{out:?}, {allowed} are allowed");
            (most, full) = (most.max(out.retries), full + u64::from(out.retries == allowed));
        }
    }
    assert!(most > 5 && full > 100, "{most} at most, {full} times all that is allowed");
}
