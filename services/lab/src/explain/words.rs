//! What stops a policy's attempts, in a sentence each.

use std::time::Duration;

use retrylab_api::Milli;
use retrylab_core::policy::{
    Breaker, Budget, Charge, Deposit, Hedging, InFlightBudget, Policy, RatioBudget, RetryAfter, RetryBreaker, Throttle,
    TokenBucket, WindowBudget,
};

use super::delays::shown;

/// The sentences.
pub fn rules(policy: &Policy) -> Vec<String> {
    let Policy { max_attempts, delay: _, budget, throttle, breaker, retry_breaker, hedging, deadline_ms, retry_after } =
        policy;
    let rules = [
        Some(*max_attempts > 1).filter(|retries| *retries).map(|_| match budget {
            Some(budget) => self::budget(budget),
            None => format!(
                "No budget: in an outage that lasts, the backend gets up to {max_attempts} attempts of every request; delays spread them and make them no fewer"
            ),
        }),
        throttle.as_ref().map(self::throttle),
        breaker.as_ref().map(self::breaker),
        retry_breaker.as_ref().map(self::retry_breaker),
        hedging.as_ref().map(self::hedging),
        deadline_ms.map(|deadline| {
            format!("Deadline: {} after its arrival a request has failed; attempts are cut off, and no retry is begun that could not start before", ms(deadline))
        }),
        retry_after.as_ref().map(self::retry_after),
    ];
    rules.into_iter().flatten().collect()
}

fn budget(budget: &Budget) -> String {
    match budget {
        Budget::Window(WindowBudget { percent, interval_ms, deposit, min_retry_rate }) => {
            let (of, outage) = match deposit {
                Deposit::OnRequest => ("requests", "it goes on"),
                Deposit::OnSuccess => ("attempts that did not fail", "that share runs dry"),
            };
            let least = match min_retry_rate.count {
                0 => String::new(),
                count => format!(", and {count} in {} in any case", ms(min_retry_rate.interval_ms)),
            };
            format!(
                "Budget: the retries of the last {} are at most {percent} % of its {of}{least}; in a total outage {outage}",
                ms(*interval_ms)
            )
        }
        Budget::Ratio(RatioBudget { percent, interval_ms }) => format!(
            "Budget: retries are made while those of the last {} are below {percent} % of its requests; in a total outage it goes on",
            ms(*interval_ms)
        ),
        Budget::Tokens(bucket) => tokens(bucket),
        Budget::InFlight(InFlightBudget { percent, min_retries }) => format!(
            "Budget: retries under way are at most {percent} % of the attempts in flight, or {min_retries}; that bounds no amplification by itself"
        ),
    }
}

fn tokens(bucket: &TokenBucket) -> String {
    let TokenBucket {
        deposit,
        amount_milli,
        charge,
        cost_milli,
        timeout_cost_milli,
        cap_milli,
        initial_milli,
        threshold_milli,
        refund,
    } = *bucket;
    let pays = match charge {
        Charge::OnRetry => "a retry",
        Charge::OnFailure => "a failed attempt",
    };
    let after_timeout = if timeout_cost_milli == cost_milli {
        String::new()
    } else {
        format!(" ({} after a timeout)", decimal(timeout_cost_milli))
    };
    let deposits = match deposit {
        Deposit::OnRequest => "each request",
        Deposit::OnSuccess => "each success",
    };
    let refunded = if refund { "; a retry that succeeds gets its cost back" } else { "" };
    let threshold = match threshold_milli {
        0 => String::new(),
        milli => format!("; retries only while there are more than {}", decimal(milli)),
    };
    format!(
        "Budget: a bucket of {} tokens, {} at first; {pays} takes {}{after_timeout}, {deposits} adds {}{refunded}{threshold}",
        decimal(cap_milli),
        decimal(initial_milli),
        decimal(cost_milli),
        decimal(amount_milli),
    )
}

fn throttle(Throttle { k_milli, interval_ms }: &Throttle) -> String {
    format!(
        "Throttle: of all attempts, first ones too, about {} are sent for each one that was accepted in the last {}; the others are turned away at the client",
        decimal(u64::from(*k_milli)),
        ms(*interval_ms)
    )
}

fn breaker(Breaker { failure_percent, min_calls, interval_ms, open_ms, probes }: &Breaker) -> String {
    format!(
        "Breaker: when {failure_percent} % of at least {min_calls} attempts of the last {} failed, nothing is sent for {}; then {probes} probes decide",
        ms(*interval_ms),
        ms(*open_ms)
    )
}

fn retry_breaker(RetryBreaker { failure_percent, min_calls, interval_ms }: &RetryBreaker) -> String {
    format!(
        "Retry breaker: no retries while more than {failure_percent} % of at least {min_calls} attempts of the last {} failed",
        ms(*interval_ms)
    )
}

fn hedging(Hedging { delay_ms, max_hedges }: &Hedging) -> String {
    format!(
        "Hedging: when the latest attempt has taken {}, another one is sent beside it, up to {max_hedges} of them; the first answer wins, and hedges count among the attempts",
        ms(*delay_ms)
    )
}

fn retry_after(RetryAfter { cap_ms, jitter_permille }: &RetryAfter) -> String {
    let jitter = match jitter_permille {
        0 => ", with no jitter: whoever was told the same comes back at the same moment".to_owned(),
        permille => format!(", and up to {} % on top at random", decimal(u64::from(*permille) * 100)),
    };
    format!("Retry-After is honoured up to {}{jitter}", ms(*cap_ms))
}

fn ms(ms: u64) -> String {
    shown(Duration::from_millis(ms))
}

/// Thousandths as a decimal.
fn decimal(thousandths: u64) -> String {
    Milli::new(u32::try_from(thousandths).unwrap_or(u32::MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use retrylab_core::policy::StrategyName;

    use super::*;

    fn check(name: StrategyName, expected: &[&str]) {
        assert_eq!(rules(&name.preset()), expected, "{name:?}");
    }

    #[test]
    fn the_presets_are_told_as_their_sources_tell_them() {
        check(StrategyName::None, &[]);
        check(
            StrategyName::Naive,
            &[
                "No budget: in an outage that lasts, the backend gets up to 3 attempts of every request; delays spread them and make them no fewer",
            ],
        );
        check(
            StrategyName::Finagle,
            &[
                "Budget: the retries of the last 10s are at most 20 % of its requests, and 10 in 1s in any case; in a total outage it goes on",
            ],
        );
        check(
            StrategyName::AwsStandard,
            &[
                "Budget: a bucket of 500 tokens, 500 at first; a retry takes 5 (10 after a timeout), each success adds 1; a retry that succeeds gets its cost back",
            ],
        );
        check(
            StrategyName::Grpc,
            &[
                "Budget: a bucket of 10 tokens, 10 at first; a failed attempt takes 1, each success adds 0.1; retries only while there are more than 5",
            ],
        );
    }
}
