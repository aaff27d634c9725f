//! The policy that each strategy's name stands for, with where its numbers come from. Where a source names no number, the
//! one that was taken is said to be ours.

use super::{
    Budget, Charge, DelayLaw, Deposit, InFlightBudget, Jitter, MinRetryRate, Policy, StrategyName, Throttle,
    TokenBucket, WindowBudget,
};

impl StrategyName {
    /// The policy that the name stands for when nothing else is said.
    pub const fn preset(self) -> Policy {
        match self {
            Self::None => Policy::plain(1, DelayLaw::None),
            Self::Naive => Policy::plain(3, DelayLaw::None),
            // resilience4j: maxAttempts 3, waitDuration 500 ms.
            Self::Fixed => Policy::plain(3, DelayLaw::Fixed { delay_ms: 500 }),
            Self::Backoff => Policy::plain(4, exponential(1_000, 60_000, Jitter::None)),
            Self::Jitter => Policy::plain(4, exponential(1_000, 60_000, Jitter::Additive)),
            Self::AwsStandard => aws_standard(),
            Self::Grpc => grpc(),
            Self::Finagle => finagle(),
            Self::Linkerd => linkerd(),
            Self::Envoy => envoy(),
            Self::Sre => sre(),
        }
    }
}

/// AWS SDKs and Tools Reference Guide, "Retry behavior", mode `standard`, with the numbers of botocore and of the SDK for
/// Rust: 3 attempts, full jitter of 1 s · 2^i up to 20 s; a bucket of 500 tokens; a retry costs 5, after a timeout 10; the
/// success of a retry gives its cost back, that of a first attempt adds 1. (Newer SDKs charge 14, from a base of 50 ms.)
const fn aws_standard() -> Policy {
    Policy {
        budget: Some(Budget::Tokens(TokenBucket {
            deposit: Deposit::OnSuccess,
            amount_milli: 1_000,
            charge: Charge::OnRetry,
            cost_milli: 5_000,
            timeout_cost_milli: 10_000,
            cap_milli: 500_000,
            initial_milli: 500_000,
            threshold_milli: 0,
            refund: true,
        })),
        ..Policy::plain(3, exponential(1_000, 20_000, Jitter::Full))
    }
}

/// gRFC A6: its example's back-off (100 ms · 2^i up to 1 s) with the jitter of ±20 %; throttling with maxTokens 10 and
/// tokenRatio 0.1, retries only above one half; 5 attempts, the most that gRPC allows.
const fn grpc() -> Policy {
    Policy {
        budget: Some(Budget::Tokens(TokenBucket {
            deposit: Deposit::OnSuccess,
            amount_milli: 100,
            charge: Charge::OnFailure,
            cost_milli: 1_000,
            timeout_cost_milli: 1_000,
            cap_milli: 10_000,
            initial_milli: 10_000,
            threshold_milli: 5_000,
            refund: false,
        })),
        ..Policy::plain(5, exponential(100, 1_000, Jitter::Symmetric { permille: 200 }))
    }
}

/// Finagle's `RetryBudget`: 20 % of the requests of the last 10 s, and 10 retries a second in any case. It retries at once.
/// The three attempts are ours: Finagle's are bounded by the budget.
const fn finagle() -> Policy {
    Policy { budget: Some(twenty_percent(Deposit::OnRequest)), ..Policy::plain(3, DelayLaw::None) }
}

/// Linkerd's `retryBudget` (`ServiceProfile`): as Finagle's, but only what doesn't fail deposits. The three attempts are ours.
const fn linkerd() -> Policy {
    Policy { budget: Some(twenty_percent(Deposit::OnSuccess)), ..Policy::plain(3, DelayLaw::None) }
}

const fn twenty_percent(deposit: Deposit) -> Budget {
    Budget::Window(WindowBudget {
        percent: 20,
        interval_ms: 10_000,
        deposit,
        min_retry_rate: MinRetryRate { count: 10, interval_ms: 1_000 },
    })
}

/// Envoy's router: `num_retries` 1, so 2 attempts; U[0, (2^N − 1) · 25 ms) up to 250 ms; `retry_budget` with its defaults:
/// 20 % of what is active, at least 3.
const fn envoy() -> Policy {
    Policy {
        budget: Some(Budget::InFlight(InFlightBudget { percent: 20, min_retries: 3 })),
        ..Policy::plain(2, DelayLaw::Envoy { base_ms: 25, cap_ms: 250 })
    }
}

/// The SRE book, "Handling Overload": up to 3 attempts a request, retries at most 10 % of the client's requests, adaptive
/// throttling with K = 2 over two minutes. "Addressing Cascading Failures" asks for randomised exponential back-off and
/// names no numbers: full jitter of 100 ms · 2^i up to 10 s is ours, and so is it to take the budget's interval from the
/// throttling.
const fn sre() -> Policy {
    Policy {
        budget: Some(Budget::Window(WindowBudget {
            percent: 10,
            interval_ms: 120_000,
            deposit: Deposit::OnRequest,
            min_retry_rate: MinRetryRate { count: 0, interval_ms: 1_000 },
        })),
        throttle: Some(Throttle { k_milli: 2_000, interval_ms: 120_000 }),
        ..Policy::plain(3, exponential(100, 10_000, Jitter::Full))
    }
}

/// base · 2^i up to a cap.
const fn exponential(base_ms: u64, cap_ms: u64, jitter: Jitter) -> DelayLaw {
    DelayLaw::Exponential { base_ms, factor: 2, cap_ms, jitter }
}
