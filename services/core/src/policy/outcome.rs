//! The words that a policy and its user share: how an attempt ended, how a request ended, what was denied.

use serde::{Deserialize, Serialize};

/// How one attempt ended, as far as a retry policy cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer below 400.
    Success,
    /// A broken connection, 408, 425, 429, or a 5xx that another attempt may mend.
    Retryable,
    /// No answer in time: retryable like the others, but some budgets charge more for it.
    TimedOut,
    /// An answer that another attempt would only repeat: any other 4xx, and 501.
    NotRetryable,
}

impl Outcome {
    /// The outcome that an HTTP status stands for.
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..=399 => Self::Success,
            408 | 425 | 429 | 500 | 502..=599 => Self::Retryable,
            _ => Self::NotRetryable,
        }
    }

    /// Whether another attempt may mend it.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Retryable | Self::TimedOut)
    }
}

/// What an answer says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Not sooner than in so many milliseconds: `Retry-After: SECONDS`.
    AfterMs(u64),
    /// Not at all: a negative number, as in gRPC's `grpc-retry-pushback-ms`.
    Never,
}

impl Pushback {
    /// Reads the `Retry-After` of an answer with this status. It counts on 429 and 503 only; the form with a date is
    /// passed over, since it would compare the clocks of two machines.
    pub fn of_header(status: u16, value: &str) -> Option<Self> {
        if !matches!(status, 429 | 503) {
            return None;
        }
        let seconds: i64 = value.trim().parse().ok()?;
        Some(u64::try_from(seconds).map_or(Self::Never, |s| Self::AfterMs(s.saturating_mul(1_000))))
    }
}

/// How a request ended. Every request has exactly one fate, and the fates sum to the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// The first attempt succeeded.
    Ok,
    /// A later attempt succeeded.
    OkAfterRetry,
    /// The last attempt that the policy allows failed.
    Exhausted,
    /// A budget or the adaptive throttle denied the attempt that was due.
    BudgetDenied,
    /// A breaker denied the attempt that was due.
    BreakerOpen,
    /// The request's deadline passed, or would have passed before the next attempt.
    Deadline,
    /// An attempt failed in a way that is not retried.
    NotRetryable,
}

impl Fate {
    /// Every fate of a request that was launched, in the order of the status.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::OkAfterRetry,
        Self::Exhausted,
        Self::BudgetDenied,
        Self::BreakerOpen,
        Self::Deadline,
        Self::NotRetryable,
    ];

    /// Whether the caller got its answer.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::OkAfterRetry)
    }

    /// The fate as it stands in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OkAfterRetry => "okAfterRetry",
            Self::Exhausted => "exhausted",
            Self::BudgetDenied => "budgetDenied",
            Self::BreakerOpen => "breakerOpen",
            Self::Deadline => "deadline",
            Self::NotRetryable => "notRetryable",
        }
    }
}

/// Which mechanism denied an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The budget had nothing left for a retry or a hedge.
    Budget,
    /// The adaptive throttle turned an attempt away.
    Throttle,
    /// The circuit breaker was open, or half-open with all its probes out.
    Breaker,
    /// The retry breaker stopped a retry or a hedge.
    RetryBreaker,
}

impl Denial {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Budget, Self::Throttle, Self::Breaker, Self::RetryBreaker];

    /// The reason as it stands in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Throttle => "throttle",
            Self::Breaker => "breaker",
            Self::RetryBreaker => "retryBreaker",
        }
    }

    /// How the request ends whose attempt was denied, unless another of its attempts is under way.
    pub const fn fate(self) -> Fate {
        match self {
            Self::Budget | Self::Throttle => Fate::BudgetDenied,
            Self::Breaker | Self::RetryBreaker => Fate::BreakerOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_on_429_and_503_only() {
        let check = |status, value, expected| assert_eq!(Pushback::of_header(status, value), expected, "{value}");
        check(503, "2", Some(Pushback::AfterMs(2_000)));
        check(429, " 0 ", Some(Pushback::AfterMs(0)));
        check(503, "-1", Some(Pushback::Never));
        check(500, "2", None);
        check(503, "Wed, 21 Oct 2026 07:28:00 GMT", None);
        check(503, "", None);
    }

    #[test]
    fn failures_that_another_attempt_may_mend_are_retryable_and_others_are_not() {
        for (status, retryable) in [(503, true), (429, true), (408, true), (404, false), (501, false), (200, false)] {
            assert_eq!(Outcome::of_status(status).is_retryable(), retryable, "{status}");
        }
        assert!(Outcome::TimedOut.is_retryable());
    }
}
