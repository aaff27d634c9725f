//! The rules of `spec.arms[].strategy`.

use retrylab_core::{policy::MAX_ATTEMPTS, wire::FieldError};

use super::{HOUR, SECOND, refuse, within, within_number};
use crate::{
    BreakerSpec, BudgetSpec, HedgingSpec, InFlightSpec, JitterKind, JitterParams, Milli, RetryAfterSpec,
    RetryBreakerSpec, Span, Strategy, StrategyType, ThrottleSpec, TokensSpec, policy::setting,
};

type Checked = Result<(), FieldError>;

/// Checks a strategy that stands by itself, in no experiment.
///
/// # Errors
/// Names the first field that is not allowed, with its value and what is allowed.
pub fn validate_strategy(strategy: &Strategy) -> Checked {
    self::strategy("strategy", strategy)
}

/// Checks one strategy; `place` is where it stands.
pub(super) fn strategy(place: &str, strategy: &Strategy) -> Checked {
    parameters(place, strategy)?;
    let Strategy { budget, throttle, breaker, retry_breaker, hedging, deadline, retry_after, .. } = strategy;
    let at = |field: &str| format!("{place}.{field}");
    check(budget.as_ref(), |b| self::budget(&at("budget"), b))?;
    check(throttle.as_ref(), |t| self::throttle(&at("throttle"), t))?;
    check(breaker.as_ref(), |b| self::breaker(&at("breaker"), b))?;
    check(retry_breaker.as_ref(), |b| self::retry_breaker(&at("retryBreaker"), b))?;
    check(hedging.as_ref(), |h| self::hedging(&at("hedging"), h, strategy))?;
    check(deadline.as_ref(), |d| within(&at("deadline"), *d, 1, HOUR))?;
    check(retry_after.as_ref(), |r| self::retry_after(&at("retryAfter"), r))?;
    setting(strategy).policy.validate().map_err(|e| camel(e).within(place))
}

fn check<T>(given: Option<&T>, rule: impl FnOnce(&T) -> Checked) -> Checked {
    given.map_or(Ok(()), rule)
}

/// The policy's own errors name the wire's field; a spec has `maxAttempts` for `max_attempts`.
fn camel(mut error: FieldError) -> FieldError {
    error.field = error.field.replace("max_attempts", "maxAttempts").replace("delay.", "");
    error
}

fn parameters(place: &str, strategy: &Strategy) -> Checked {
    for (field, given, kind) in [
        ("naive", strategy.naive.is_some(), StrategyType::Naive),
        ("fixed", strategy.fixed.is_some(), StrategyType::Fixed),
        ("backoff", strategy.backoff.is_some(), StrategyType::Backoff),
        ("jitter", strategy.jitter.is_some(), StrategyType::Jitter),
    ] {
        if given && strategy.kind != kind {
            return refuse(&format!("{place}.{field}"), "parameters", format!("only with type {kind:?}"));
        }
    }
    if let Some(attempts) = strategy.max_attempts {
        if !strategy.kind.is_of_a_library() {
            let allowed = "only with types that have no parameters of their own: AwsStandard, Grpc, Finagle, Linkerd, \
                           Envoy, Sre";
            return refuse(&format!("{place}.maxAttempts"), attempts, allowed);
        }
        within_number(&format!("{place}.maxAttempts"), attempts, 1, u64::from(MAX_ATTEMPTS))?;
    }
    if let Some(fixed) = &strategy.fixed {
        within(&format!("{place}.fixed.delay"), fixed.delay, 0, HOUR)?;
    }
    let backoff = strategy.backoff.as_ref().map(|p| ("backoff", p.base, p.cap));
    let jitter = strategy.jitter.as_ref().map(|p| ("jitter", p.base, p.cap));
    for (field, base, cap) in backoff.into_iter().chain(jitter) {
        within(&format!("{place}.{field}.base"), base, 1, HOUR)?;
        within(&format!("{place}.{field}.cap"), cap, base.as_millis(), HOUR)?;
    }
    check(strategy.jitter.as_ref(), |p| self::jitter(&format!("{place}.jitter"), p))
}

fn jitter(place: &str, params: &JitterParams) -> Checked {
    if params.kind == JitterKind::Decorrelated && params.factor != 2 {
        return refuse(
            &format!("{place}.factor"),
            params.factor,
            "not with kind Decorrelated, which grows up to 3-fold",
        );
    }
    match params.spread_percent {
        Some(percent) if params.kind != JitterKind::Symmetric => {
            refuse(&format!("{place}.spreadPercent"), percent, "only with kind Symmetric")
        }
        Some(percent) => within_number(&format!("{place}.spreadPercent"), percent, 1, 100),
        None => Ok(()),
    }
}

fn budget(place: &str, budget: &BudgetSpec) -> Checked {
    let BudgetSpec { percent, interval, min_retry_rate, deposit, tokens, in_flight } = budget;
    let kinds = [percent.is_some(), tokens.is_some(), in_flight.is_some()].into_iter().filter(|given| *given).count();
    if kinds != 1 {
        return refuse(place, format!("{kinds} of them"), "exactly one of percent, tokens and inFlight");
    }
    for (field, given) in [("interval", interval.is_some()), ("minRetryRate", min_retry_rate.is_some())] {
        if given && percent.is_none() {
            return refuse(&format!("{place}.{field}"), "a value", "only with percent");
        }
    }
    if deposit.is_some() && in_flight.is_some() {
        return refuse(&format!("{place}.deposit"), "a value", "only with percent or tokens");
    }
    check(percent.as_ref(), |p| within_number(&format!("{place}.percent"), *p, 1, 100))?;
    check(interval.as_ref(), |i| within(&format!("{place}.interval"), *i, SECOND, HOUR))?;
    check(min_retry_rate.as_ref(), |rate| {
        within_number(&format!("{place}.minRetryRate.count"), rate.count, 1, 1_000_000)?;
        within(&format!("{place}.minRetryRate.interval"), rate.interval, 1, HOUR)
    })?;
    check(tokens.as_ref(), |t| self::tokens(&format!("{place}.tokens"), t))?;
    check(in_flight.as_ref(), |b| self::in_flight(&format!("{place}.inFlight"), b))
}

fn tokens(place: &str, tokens: &TokensSpec) -> Checked {
    let TokensSpec { amount: _, cap, initial, charge: _, cost, timeout_cost, threshold, refund: _ } = tokens;
    let positive = |field: &str, value: Milli| {
        let is_so = value.thousandths() > 0;
        if is_so { Ok(()) } else { refuse(&format!("{place}.{field}"), value, "more than 0") }
    };
    let up_to_cap = |field: &str, value: Milli| {
        let is_so = value <= *cap;
        if is_so { Ok(()) } else { refuse(&format!("{place}.{field}"), value, format!("0 to {cap}, the cap")) }
    };
    positive("cap", *cap)?;
    positive("cost", *cost)?;
    up_to_cap("cost", *cost)?;
    check(timeout_cost.as_ref(), |cost| positive("timeoutCost", *cost))?;
    check(initial.as_ref(), |initial| up_to_cap("initial", *initial))?;
    if threshold >= cap {
        return refuse(&format!("{place}.threshold"), threshold, format!("less than {cap}, the cap"));
    }
    Ok(())
}

fn in_flight(place: &str, budget: &InFlightSpec) -> Checked {
    within_number(&format!("{place}.percent"), budget.percent, 1, 100)?;
    within_number(&format!("{place}.minRetries"), budget.min_retries, 0, 1_000_000)
}

fn throttle(place: &str, throttle: &ThrottleSpec) -> Checked {
    if !(Milli::new(1_000)..=Milli::new(100_000)).contains(&throttle.k) {
        return refuse(&format!("{place}.k"), throttle.k, "1 to 100");
    }
    within(&format!("{place}.interval"), throttle.interval, SECOND, HOUR)
}

fn breaker(place: &str, breaker: &BreakerSpec) -> Checked {
    let BreakerSpec { failure_percent, min_calls, interval, open_for, probes } = breaker;
    failures(place, *failure_percent, *min_calls, *interval)?;
    within(&format!("{place}.openFor"), *open_for, 1, HOUR)?;
    within_number(&format!("{place}.probes"), *probes, 1, 1_000_000)
}

fn retry_breaker(place: &str, breaker: &RetryBreakerSpec) -> Checked {
    let RetryBreakerSpec { failure_percent, min_calls, interval } = breaker;
    failures(place, *failure_percent, *min_calls, *interval)
}

fn failures(place: &str, percent: u32, min_calls: u32, interval: Span) -> Checked {
    within_number(&format!("{place}.failurePercent"), percent, 1, 100)?;
    within_number(&format!("{place}.minCalls"), min_calls, 1, 1_000_000)?;
    within(&format!("{place}.interval"), interval, SECOND, HOUR)
}

fn hedging(place: &str, hedging: &HedgingSpec, strategy: &Strategy) -> Checked {
    within(&format!("{place}.delay"), hedging.delay, 1, HOUR)?;
    let attempts = setting(strategy).policy.max_attempts;
    let allowed = format!("1 to {}: fewer than the strategy's {attempts} attempts", attempts.saturating_sub(1));
    if (1..attempts).contains(&hedging.max_hedges) {
        Ok(())
    } else {
        refuse(&format!("{place}.maxHedges"), hedging.max_hedges, allowed)
    }
}

fn retry_after(place: &str, retry_after: &RetryAfterSpec) -> Checked {
    within(&format!("{place}.cap"), retry_after.cap, 1, HOUR)?;
    within_number(&format!("{place}.jitterPercent"), retry_after.jitter_percent, 0, 100)
}
