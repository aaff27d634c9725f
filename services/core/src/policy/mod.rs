//! A retry policy: how many attempts a request may have, how long it waits before each, and what stops it. A policy is a
//! composition: a delay law, caps on retries, breakers, hedging, a deadline. [`Retrier`] is the one state machine that
//! follows it: per request, with the [`Limits`] that all requests of a client share.

mod breaker;
mod budget;
mod delay;
mod draws;
mod limits;
mod name;
mod outcome;
mod presets;
mod retrier;
mod throttle;
mod window;
mod worst_case;

pub use breaker::{Breaker, BreakerState, RetryBreaker};
pub use budget::{Budget, Charge, Deposit, InFlightBudget, MinRetryRate, RatioBudget, TokenBucket, WindowBudget};
pub use delay::{DelayLaw, Jitter};
pub use draws::Draws;
pub use limits::Limits;
pub use name::{StrategyName, UnknownStrategy};
pub use outcome::{Denial, Fate, Outcome, Pushback};
pub use retrier::{AttemptEnd, AttemptKind, Retrier, Start, Step, Turn};
pub use throttle::Throttle;
pub use worst_case::Demand;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wire::{FieldError, within};

/// Most attempts that a policy may give to one request.
pub const MAX_ATTEMPTS: u32 = 20;
/// Longest deadline, hedging delay or `Retry-After` that a policy may name: one hour.
pub const MAX_SPAN_MS: u64 = 3_600_000;

/// A retry policy, complete: what [`Retrier`] follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Attempts that a request may have, the first and the hedges included: 1 to [`MAX_ATTEMPTS`].
    pub max_attempts: u32,
    /// The wait before each retry.
    pub delay: DelayLaw,
    /// The cap on the client's retries and hedges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Turns attempts away, first ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Stops all attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// Stops retries and hedges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_breaker: Option<RetryBreaker>,
    /// Attempts beside one that takes long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedging: Option<Hedging>,
    /// How long a request may take from its arrival at the client, in milliseconds: 1 to [`MAX_SPAN_MS`]. It is passed on
    /// to the backend, and one that came with the request holds as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Whether `Retry-After` is honoured, and how far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
}

/// Hedging: when the latest attempt of the request has been under way for `delay_ms`, another one is sent beside it; the
/// first success wins, and the others are given up. Hedges count among the attempts, and are within the budget. Dean and Barroso, "The Tail at
/// Scale" (2013): with the p95 of the latency as delay about 5 % more attempts. gRPC's gRFC A6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hedging {
    /// How long the latest attempt has been under way when a hedge is sent, in milliseconds: 1 to [`MAX_SPAN_MS`].
    pub delay_ms: u64,
    /// Hedges that a request may have: from 1 on, fewer than the policy's attempts.
    pub max_hedges: u32,
}

/// How a `Retry-After` is honoured: the wait is at least what it says, and at least what the delay law gives. With jitter
/// on top, since its grain of a second would otherwise bring all clients back at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryAfter {
    /// The most that is honoured, in milliseconds: 1 to [`MAX_SPAN_MS`].
    pub cap_ms: u64,
    /// A random part added to it: up to so many thousandths of it, 0 to 1,000.
    pub jitter_permille: u32,
}

impl RetryAfter {
    /// The longest wait after an answer that asks for so many milliseconds, its random part included.
    pub fn longest(&self, asked_ms: u64) -> Duration {
        let honoured_us = asked_ms.min(self.cap_ms) * 1_000;
        Duration::from_micros(honoured_us + honoured_us / 1_000 * u64::from(self.jitter_permille))
    }
}

impl Policy {
    /// So many attempts after these delays, with nothing to stop them.
    pub const fn plain(max_attempts: u32, delay: DelayLaw) -> Self {
        Self {
            max_attempts,
            delay,
            budget: None,
            throttle: None,
            breaker: None,
            retry_breaker: None,
            hedging: None,
            deadline_ms: None,
            retry_after: None,
        }
    }

    /// Whether requests share anything: without it each [`Retrier`] may be given [`Limits::default`].
    pub const fn has_limits(&self) -> bool {
        self.budget.is_some() || self.throttle.is_some() || self.breaker.is_some() || self.retry_breaker.is_some()
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds, with its value and what is allowed.
    pub fn validate(&self) -> Result<(), FieldError> {
        let Self { max_attempts, delay, budget, throttle, breaker, retry_breaker, hedging, deadline_ms, retry_after } =
            self;
        within("max_attempts", u64::from(*max_attempts), 1, u64::from(MAX_ATTEMPTS))?;
        delay.validate().map_err(|e| e.within("delay"))?;
        budget.map_or(Ok(()), |b| b.validate()).map_err(|e| e.within("budget"))?;
        throttle.map_or(Ok(()), |t| t.validate()).map_err(|e| e.within("throttle"))?;
        breaker.map_or(Ok(()), |b| b.validate()).map_err(|e| e.within("breaker"))?;
        retry_breaker.map_or(Ok(()), |b| b.validate()).map_err(|e| e.within("retry_breaker"))?;
        if let Some(hedging) = hedging {
            within("hedging.delay_ms", hedging.delay_ms, 1, MAX_SPAN_MS)?;
            if *max_attempts < 2 {
                return Err(FieldError::new("max_attempts", max_attempts, "with hedging at least 2: hedges count"));
            }
            within("hedging.max_hedges", u64::from(hedging.max_hedges), 1, u64::from(max_attempts - 1))?;
        }
        deadline_ms.map_or(Ok(()), |ms| within("deadline_ms", ms, 1, MAX_SPAN_MS))?;
        if let Some(retry_after) = retry_after {
            within("retry_after.cap_ms", retry_after.cap_ms, 1, MAX_SPAN_MS)?;
            within("retry_after.jitter_permille", u64::from(retry_after.jitter_permille), 0, 1_000)?;
        }
        Ok(())
    }

    /// The longest that a request can take under this policy, with attempts that take `timeout` each: as many as it allows,
    /// before each of them its longest wait. A hedge begins while another attempt is under way, so it adds its time at most.
    pub fn longest_request(&self, timeout: Duration) -> Duration {
        let pushed_back = self.retry_after.map_or(Duration::ZERO, |terms| terms.longest(terms.cap_ms));
        let longest_wait = |i| self.delay.longest(i).max(pushed_back);
        let waits: Duration = (0..self.max_attempts.saturating_sub(1)).map(longest_wait).sum();
        let longest = timeout * self.max_attempts + waits;
        self.deadline_ms.map_or(longest, |ms| longest.min(Duration::from_millis(ms)))
    }
}
