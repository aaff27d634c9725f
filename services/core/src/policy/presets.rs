//! The policy that each strategy's name stands for, with where its numbers come from. Where a source names no number, the
//! one that was taken is said to be ours.

use super::{
    Budget, Charge, DelayLaw, Deposit, InFlightBudget, Jitter, MinRetryRate, Policy, RatioBudget, StrategyName,
    Throttle, TokenBucket, WindowBudget,
};

impl StrategyName {
    /// The policy that the name stands for when nothing else is said.
    pub const fn preset(self) -> Policy {
        match self {
            Self::None => Policy::plain(1, DelayLaw::None),
            Self::Naive => Policy::plain(3, DelayLaw::None),
            // resilience4j's `RetryConfig`: maxAttempts 3, waitDuration 500 ms.
            Self::Fixed => Policy::plain(3, DelayLaw::Fixed { delay_ms: 500 }),
            // backon's `ExponentialBuilder` (1.6), without and with jitter: 3 retries from 1 s on, factor 2, up to 1 min.
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

/// The AWS SDKs' mode `standard` as botocore has it (`botocore/retries/standard.py`, `RetryQuotaChecker` and `ExponentialBackoff`, and
/// `quota.py`): 3 attempts, full jitter of 1 s · 2^i up to 20 s; a bucket of 500 tokens; a retry costs 5, after a timeout 10; the
/// success of a retry gives back what the last one cost, that of a first attempt adds 1.
///
/// The SDK for Rust (smithy-rs, `client/retries/token_bucket.rs`) has the same numbers, and charges 10 after every transient
/// error, 5xx included. Mode 2.1, in botocore and not yet its default, charges 14 and draws from 50 ms.
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

/// gRFC A6 ("gRPC Retry Design"), sections "Exponential Backoff" and "Throttling Retry Attempts and Hedged RPCs": its example's
/// back-off (100 ms · 2^i up to 1 s); throttling with maxTokens 10 and tokenRatio 0.1, retries only above one half. The
/// jitter of ±20 % is that of the amendment of 2024 (grpc/proposal, pull request 452; grpc-go 7869, grpc-java 12639); before
/// it was full jitter, as in grpc-js still. gRPC retries nothing unless told to. The 5 attempts are the most that its clients
/// allow ("Limits on Retries and Hedges"); the example has 4.
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

/// Finagle's `RetryBudget` (`finagle-core`, `service/RetryBudget.scala`: ttl 10 s, minRetriesPerSec 10, percentCanRetry 0.2): 20 %
/// of the requests of the last 10 s, and 10 retries a second in any case. It retries at once, and three times in all:
/// `client/MethodBuilderRetry.scala`, two retries at most unless told otherwise.
const fn finagle() -> Policy {
    Policy { budget: Some(twenty_percent(Deposit::OnRequest)), ..Policy::plain(3, DelayLaw::None) }
}

/// Linkerd's `retryBudget` of a `ServiceProfile` (retryRatio 0.2, minRetriesPerSecond 10, ttl 10 s; the rule is `TpsBudget` of the
/// crate tower): as Finagle's, but only what doesn't fail deposits (linkerd2-proxy, `linkerd/app/core/src/retry.rs`). There the
/// budget alone bounds the attempts; the three are ours. From Linkerd 2.16 on routes are annotated instead, with a limit of
/// one retry and no budget.
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

/// Envoy's router (documentation, "Router", `x-envoy-max-retries`): `num_retries` 1, so 2 attempts; a first wait of U[0, 25 ms);
/// and a `retry_budget` (API, `config.cluster.v3.CircuitBreakers`) with its defaults: 20 % of what is active and pending, at least 3.
/// A cluster without a `retry_budget` has a plain limit of 3 retries at a time instead, `max_retries`.
const fn envoy() -> Policy {
    Policy {
        budget: Some(Budget::InFlight(InFlightBudget { percent: 20, min_retries: 3 })),
        ..Policy::plain(2, DelayLaw::Envoy { base_ms: 25, cap_ms: 250 })
    }
}

/// The SRE book, chapter 21, "Handling Overload": up to 3 attempts a request and retries below 10 % of the client's requests
/// ("Deciding to Retry"), adaptive throttling with K = 2 over two minutes ("Client-Side Throttling"). The chapter retries at once, at
/// another task; chapter 22, "Addressing Cascading Failures", asks for randomised exponential back-off and names no numbers:
/// full jitter of 100 ms · 2^i up to 10 s is ours, and so is it to take the budget's interval from the throttling.
const fn sre() -> Policy {
    Policy {
        budget: Some(Budget::Ratio(RatioBudget { percent: 10, interval_ms: 120_000 })),
        throttle: Some(Throttle { k_milli: 2_000, interval_ms: 120_000 }),
        ..Policy::plain(3, exponential(100, 10_000, Jitter::Full))
    }
}

/// base · 2^i up to a cap.
const fn exponential(base_ms: u64, cap_ms: u64, jitter: Jitter) -> DelayLaw {
    DelayLaw::Exponential { base_ms, factor: 2, cap_ms, jitter }
}
