//! From a strategy as users write it to the policy that clients follow.

use retrylab_core::{
    policy::{
        Breaker, Budget, Charge, DelayLaw, Deposit, Hedging, InFlightBudget, Jitter, MinRetryRate, Policy, RetryAfter,
        RetryBreaker, StrategyName, Throttle, TokenBucket, WindowBudget,
    },
    wire::StrategySetting,
};

use crate::{
    BudgetSpec, ChargeKind, DepositKind, JitterKind, JitterParams, Milli, Span, Strategy, StrategyType, TokensSpec,
};

/// Interval of a budget that names none.
const DEFAULT_INTERVAL_MS: u64 = 10_000;
/// Spread of symmetric jitter that names none, in percent: gRPC's.
const DEFAULT_SPREAD: u32 = 20;

/// The strategy's name and its policy: the type's preset, with what the strategy says differently.
pub fn setting(strategy: &Strategy) -> StrategySetting {
    let name = name(strategy.kind);
    let preset = delays(strategy, name.preset());
    let policy = Policy {
        max_attempts: strategy.max_attempts.unwrap_or(preset.max_attempts),
        budget: strategy.budget.as_ref().map(budget).or(preset.budget),
        throttle: strategy
            .throttle
            .as_ref()
            .map(|t| Throttle { k_milli: t.k.thousandths(), interval_ms: t.interval.as_millis() })
            .or(preset.throttle),
        breaker: strategy.breaker.as_ref().map(|b| Breaker {
            failure_percent: b.failure_percent,
            min_calls: b.min_calls,
            interval_ms: b.interval.as_millis(),
            open_ms: b.open_for.as_millis(),
            probes: b.probes,
        }),
        retry_breaker: strategy.retry_breaker.as_ref().map(|b| RetryBreaker {
            failure_percent: b.failure_percent,
            min_calls: b.min_calls,
            interval_ms: b.interval.as_millis(),
        }),
        hedging: strategy.hedging.as_ref().map(|h| Hedging { delay_ms: h.delay.as_millis(), max_hedges: h.max_hedges }),
        deadline_ms: strategy.deadline.map(Span::as_millis),
        retry_after: strategy
            .retry_after
            .as_ref()
            .map(|r| RetryAfter { cap_ms: r.cap.as_millis(), jitter_permille: r.jitter_percent.saturating_mul(10) }),
        ..preset
    };
    StrategySetting { strategy: name, policy }
}

const fn name(kind: StrategyType) -> StrategyName {
    match kind {
        StrategyType::None => StrategyName::None,
        StrategyType::Naive => StrategyName::Naive,
        StrategyType::Fixed => StrategyName::Fixed,
        StrategyType::Backoff => StrategyName::Backoff,
        StrategyType::Jitter => StrategyName::Jitter,
        StrategyType::AwsStandard => StrategyName::AwsStandard,
        StrategyType::Grpc => StrategyName::Grpc,
        StrategyType::Finagle => StrategyName::Finagle,
        StrategyType::Linkerd => StrategyName::Linkerd,
        StrategyType::Envoy => StrategyName::Envoy,
        StrategyType::Sre => StrategyName::Sre,
    }
}

/// The preset, with the attempts and delays of the parameters that go with its type.
fn delays(strategy: &Strategy, preset: Policy) -> Policy {
    let Strategy { kind, naive, fixed, backoff, jitter, .. } = strategy;
    match (kind, naive, fixed, backoff, jitter) {
        (StrategyType::Naive, Some(p), ..) => Policy::plain(p.max_attempts, DelayLaw::None),
        (StrategyType::Fixed, _, Some(p), ..) => {
            Policy::plain(p.max_attempts, DelayLaw::Fixed { delay_ms: p.delay.as_millis() })
        }
        (StrategyType::Backoff, _, _, Some(p), _) => {
            Policy::plain(p.max_attempts, exponential(p.base, p.factor, p.cap, Jitter::None))
        }
        (StrategyType::Jitter, .., Some(p)) => Policy::plain(p.max_attempts, random(p)),
        _ => preset,
    }
}

const fn exponential(base: Span, factor: u32, cap: Span, jitter: Jitter) -> DelayLaw {
    DelayLaw::Exponential { base_ms: base.as_millis(), factor, cap_ms: cap.as_millis(), jitter }
}

fn random(params: &JitterParams) -> DelayLaw {
    let JitterParams { kind, base, factor, cap, spread_percent, .. } = *params;
    let jitter = match kind {
        JitterKind::Additive => Jitter::Additive,
        JitterKind::Full => Jitter::Full,
        JitterKind::Equal => Jitter::Equal,
        JitterKind::Symmetric => {
            Jitter::Symmetric { permille: spread_percent.unwrap_or(DEFAULT_SPREAD).saturating_mul(10) }
        }
        JitterKind::Decorrelated => {
            return DelayLaw::Decorrelated { base_ms: base.as_millis(), cap_ms: cap.as_millis() };
        }
    };
    exponential(base, factor, cap, jitter)
}

fn budget(budget: &BudgetSpec) -> Budget {
    let deposit = match budget.deposit.unwrap_or_default() {
        DepositKind::OnRequest => Deposit::OnRequest,
        DepositKind::OnSuccess => Deposit::OnSuccess,
    };
    match (&budget.tokens, &budget.in_flight) {
        (Some(tokens), _) => Budget::Tokens(bucket(tokens, deposit)),
        (None, Some(b)) => Budget::InFlight(InFlightBudget { percent: b.percent, min_retries: b.min_retries }),
        (None, None) => Budget::Window(WindowBudget {
            percent: budget.percent.unwrap_or(0),
            interval_ms: budget.interval.map_or(DEFAULT_INTERVAL_MS, Span::as_millis),
            deposit,
            min_retry_rate: budget.min_retry_rate.as_ref().map_or(
                MinRetryRate { count: 0, interval_ms: 1_000 },
                |rate| MinRetryRate { count: rate.count, interval_ms: rate.interval.as_millis() },
            ),
        }),
    }
}

fn bucket(tokens: &TokensSpec, deposit: Deposit) -> TokenBucket {
    let milli = |decimal: Milli| u64::from(decimal.thousandths());
    TokenBucket {
        deposit,
        amount_milli: milli(tokens.amount),
        charge: match tokens.charge {
            ChargeKind::OnRetry => Charge::OnRetry,
            ChargeKind::OnFailure => Charge::OnFailure,
        },
        cost_milli: milli(tokens.cost),
        timeout_cost_milli: milli(tokens.timeout_cost.unwrap_or(tokens.cost)),
        cap_milli: milli(tokens.cap),
        initial_milli: milli(tokens.initial.unwrap_or(tokens.cap)),
        threshold_milli: milli(tokens.threshold),
        refund: tokens.refund,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(strategy: Value) -> Policy {
        setting(&serde_json::from_value(strategy).unwrap()).policy
    }

    #[test]
    fn a_type_alone_is_its_preset() {
        for (kind, name) in [
            ("None", StrategyName::None),
            ("Naive", StrategyName::Naive),
            ("Fixed", StrategyName::Fixed),
            ("Backoff", StrategyName::Backoff),
            ("Jitter", StrategyName::Jitter),
            ("AwsStandard", StrategyName::AwsStandard),
            ("Grpc", StrategyName::Grpc),
            ("Finagle", StrategyName::Finagle),
            ("Linkerd", StrategyName::Linkerd),
            ("Envoy", StrategyName::Envoy),
            ("Sre", StrategyName::Sre),
        ] {
            let strategy = serde_json::from_value(json!({"type": kind})).unwrap();
            assert_eq!(setting(&strategy), StrategySetting::preset(name));
        }
    }

    /// The parameters' own defaults are the presets' numbers.
    #[test]
    fn empty_parameters_are_the_preset_as_well() {
        for kind in ["naive", "fixed", "backoff", "jitter"] {
            let title = kind[..1].to_uppercase() + &kind[1..];
            assert_eq!(policy(json!({"type": title, kind: {}})), policy(json!({"type": title})), "{kind}");
        }
    }

    #[test]
    fn jitter_of_every_kind_is_the_law_of_its_name() {
        let law = |kind: Value| policy(json!({"type": "Jitter", "jitter": kind})).delay;
        let exponential = |jitter| DelayLaw::Exponential { base_ms: 1_000, factor: 2, cap_ms: 60_000, jitter };
        assert_eq!(law(json!({"kind": "Full"})), exponential(Jitter::Full));
        assert_eq!(law(json!({"kind": "Equal"})), exponential(Jitter::Equal));
        assert_eq!(law(json!({"kind": "Symmetric"})), exponential(Jitter::Symmetric { permille: 200 }));
        assert_eq!(
            law(json!({"kind": "Symmetric", "spreadPercent": 50})),
            exponential(Jitter::Symmetric { permille: 500 })
        );
        let decorrelated = DelayLaw::Decorrelated { base_ms: 10, cap_ms: 2_000 };
        assert_eq!(law(json!({"kind": "Decorrelated", "base": "10ms", "cap": "2s"})), decorrelated);
    }

    #[test]
    fn what_a_strategy_says_overrules_its_preset_and_the_rest_stays() {
        let given = policy(json!({"type": "Grpc", "maxAttempts": 2, "deadline": "2s",
            "budget": {"percent": 20, "interval": "5s", "minRetryRate": {"count": 3}}}));
        let expected = Policy {
            max_attempts: 2,
            deadline_ms: Some(2_000),
            budget: Some(Budget::Window(WindowBudget {
                percent: 20,
                interval_ms: 5_000,
                deposit: Deposit::OnRequest,
                min_retry_rate: MinRetryRate { count: 3, interval_ms: 1_000 },
            })),
            ..StrategyName::Grpc.preset()
        };
        assert_eq!(given, expected);
    }

    #[test]
    fn a_bucket_s_defaults_are_full_at_first_and_the_same_cost_after_a_timeout() {
        let given = policy(json!({"type": "Naive", "budget": {"tokens": {"amount": "0.1", "cap": "5"}}})).budget;
        let expected = TokenBucket {
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
        assert_eq!(given, Some(Budget::Tokens(expected)));
    }
}
