//! Retry budgets: how many retries and hedges a client may make for all of its requests together. All arithmetic is in
//! integers, so that a budget of 30 % is one of 30 %.

use serde::{Deserialize, Serialize};

use super::{Outcome, window::Window, within};
use crate::wire::FieldError;

/// Most tokens that a bucket may hold, in thousandths: a million.
pub const MAX_TOKENS_MILLI: u64 = 1_000_000_000;
/// Longest interval of a window: one hour.
pub const MAX_INTERVAL_MS: u64 = 3_600_000;
/// Shortest interval of a window: a second.
pub const MIN_INTERVAL_MS: u64 = 1_000;

/// A cap on the retries and hedges of one client. They are withdrawn when they are decided, before their delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Budget {
    /// A share of the last interval's requests, which its retries stay within.
    Window(WindowBudget),
    /// A share of the last interval's requests, below which there are retries.
    Ratio(RatioBudget),
    /// A bucket of tokens.
    Tokens(TokenBucket),
    /// A share of the attempts in flight.
    InFlight(InFlightBudget),
}

/// A retry is made only when with it the retries of the interval are at most `percent` of its deposits, plus the retries
/// of `min_retry_rate`. Gateway API GEP-3388 (its field names); with [`Deposit::OnRequest`] Finagle's `RetryBudget` (its ttl
/// is the interval), with [`Deposit::OnSuccess`] Linkerd's `retryBudget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowBudget {
    /// Retries per hundred deposits: 1 to 100.
    pub percent: u32,
    /// How long deposits and retries are remembered, in milliseconds.
    pub interval_ms: u64,
    /// What deposits.
    pub deposit: Deposit,
    /// Retries that are allowed however few deposits there are.
    pub min_retry_rate: MinRetryRate,
}

/// A retry is made only while retries/requests of the interval are below `percent`. The SRE book's per-client budget, "Handling
/// Overload", "Deciding to Retry". The retry itself is not counted yet, so there may be one more than a [`WindowBudget`] of the
/// same percentage has, the first one as soon as there is a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioBudget {
    /// Retries per hundred requests: 1 to 100.
    pub percent: u32,
    /// How long requests and retries are remembered, in milliseconds.
    pub interval_ms: u64,
}

/// `count` retries for every `interval_ms`: over a budget's own interval, that many in proportion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinRetryRate {
    /// Retries, from 0 on.
    pub count: u32,
    /// In so many milliseconds.
    pub interval_ms: u64,
}

/// What deposits into a budget. The two families differ in a total outage: deposits on request keep their share of
/// retries flowing for ever, deposits on success run dry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deposit {
    /// Every request whose first attempt was sent.
    OnRequest,
    /// Every attempt whose outcome is not retryable; in a bucket, every success.
    OnSuccess,
}

/// What takes tokens out of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Charge {
    /// Every retry and hedge.
    OnRetry,
    /// Every attempt that failed in a way that could be retried, first ones included (gRPC).
    OnFailure,
}

/// A bucket of tokens, all in thousandths. The AWS SDKs' retry quota, gRPC's retry throttling (gRFC A6), and the bucket of
/// Brooker, "Fixing retries with token buckets and circuit breakers" (2022).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// What deposits.
    pub deposit: Deposit,
    /// What a deposit adds.
    pub amount_milli: u64,
    /// What takes tokens out.
    pub charge: Charge,
    /// What it takes: from 1 on, at most the cap.
    pub cost_milli: u64,
    /// What it takes after an attempt that timed out.
    pub timeout_cost_milli: u64,
    /// The most that the bucket holds.
    pub cap_milli: u64,
    /// What it holds at first.
    pub initial_milli: u64,
    /// Retries and hedges are made only while it holds more than this: less than the cap.
    pub threshold_milli: u64,
    /// Whether the success of a retry gives back what the retry cost, instead of depositing.
    pub refund: bool,
}

/// A retry is made only while the retries of the client, those in backoff included, are fewer than `percent` of its attempts
/// in flight, or than `min_retries`. Envoy's `retry_budget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InFlightBudget {
    /// Retries per hundred attempts in flight: 1 to 100.
    pub percent: u32,
    /// Retries that may be out however few attempts are in flight.
    pub min_retries: u32,
}

impl Budget {
    pub(super) fn validate(&self) -> Result<(), FieldError> {
        match self {
            Self::Window(window) => {
                within("percent", u64::from(window.percent), 1, 100)?;
                within("interval_ms", window.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)?;
                within("min_retry_rate.count", u64::from(window.min_retry_rate.count), 0, 1_000_000)?;
                within("min_retry_rate.interval_ms", window.min_retry_rate.interval_ms, 1, MAX_INTERVAL_MS)
            }
            Self::Ratio(ratio) => {
                within("percent", u64::from(ratio.percent), 1, 100)?;
                within("interval_ms", ratio.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)
            }
            Self::Tokens(bucket) => {
                within("amount_milli", bucket.amount_milli, 0, MAX_TOKENS_MILLI)?;
                within("cap_milli", bucket.cap_milli, 1, MAX_TOKENS_MILLI)?;
                // Beyond these two no retry could ever be made.
                within("cost_milli", bucket.cost_milli, 1, bucket.cap_milli)?;
                within("threshold_milli", bucket.threshold_milli, 0, bucket.cap_milli - 1)?;
                within("timeout_cost_milli", bucket.timeout_cost_milli, 1, MAX_TOKENS_MILLI)?;
                within("initial_milli", bucket.initial_milli, 0, bucket.cap_milli)
            }
            Self::InFlight(budget) => {
                within("percent", u64::from(budget.percent), 1, 100)?;
                within("min_retries", u64::from(budget.min_retries), 0, 1_000_000)
            }
        }
    }
}

impl TokenBucket {
    const fn cost_milli(&self, after: Outcome) -> u64 {
        if matches!(after, Outcome::TimedOut) { self.timeout_cost_milli } else { self.cost_milli }
    }
}

/// A budget with what it holds.
#[derive(Clone, Debug)]
pub(super) enum BudgetState {
    Window { terms: WindowBudget, counts: Window<2> },
    Ratio { terms: RatioBudget, counts: Window<2> },
    Tokens { terms: TokenBucket, held_milli: u64 },
    InFlight { terms: InFlightBudget, attempts: u64, retries: u64 },
}

/// Columns of a window or ratio budget.
const DEPOSITS: usize = 0;
const RETRIES: usize = 1;

impl BudgetState {
    pub fn new(budget: &Budget, now_ns: u64) -> Self {
        match *budget {
            Budget::Window(terms) => Self::Window { terms, counts: Window::new(terms.interval_ms, now_ns) },
            Budget::Ratio(terms) => Self::Ratio { terms, counts: Window::new(terms.interval_ms, now_ns) },
            Budget::Tokens(terms) => Self::Tokens { terms, held_milli: terms.initial_milli },
            Budget::InFlight(terms) => Self::InFlight { terms, attempts: 0, retries: 0 },
        }
    }

    /// Whether a retry or hedge after this outcome is within the budget.
    pub fn admits(&mut self, after: Outcome, now_ns: u64) -> bool {
        match self {
            Self::Window { terms, counts } => {
                let [deposits, retries] = counts.sums(now_ns);
                let MinRetryRate { count, interval_ms } = terms.min_retry_rate;
                let reserve = 100 * u128::from(count) * u128::from(terms.interval_ms);
                // (retries + 1)/100 ≤ deposits · percent/100 + reserve, without a division.
                let earned = u128::from(deposits * u64::from(terms.percent)) * u128::from(interval_ms);
                u128::from((retries + 1) * 100) * u128::from(interval_ms) <= earned + reserve
            }
            Self::Ratio { terms, counts } => {
                let [requests, retries] = counts.sums(now_ns);
                retries * 100 < requests * u64::from(terms.percent)
            }
            Self::Tokens { terms, held_milli } => {
                let pays = terms.charge == Charge::OnFailure || *held_milli >= terms.cost_milli(after);
                pays && *held_milli > terms.threshold_milli
            }
            Self::InFlight { terms, attempts, retries } => {
                *retries < (*attempts * u64::from(terms.percent) / 100).max(u64::from(terms.min_retries))
            }
        }
    }

    /// Takes out what a retry or hedge costs that was admitted; gives the tokens that were paid, in thousandths.
    pub fn withdraw(&mut self, after: Outcome, now_ns: u64) -> u64 {
        match self {
            Self::Window { counts, .. } | Self::Ratio { counts, .. } => counts.add(RETRIES, now_ns),
            Self::Tokens { terms, held_milli } if terms.charge == Charge::OnRetry => {
                let cost = terms.cost_milli(after);
                *held_milli = held_milli.saturating_sub(cost);
                return cost;
            }
            Self::Tokens { .. } => {}
            Self::InFlight { retries, .. } => *retries += 1,
        }
        0
    }

    /// An attempt is sent; `first`: with it, its request.
    pub fn attempt_begun(&mut self, first: bool, now_ns: u64) {
        match self {
            Self::Window { terms, counts } if first && terms.deposit == Deposit::OnRequest => {
                counts.add(DEPOSITS, now_ns);
            }
            Self::Ratio { counts, .. } if first => counts.add(DEPOSITS, now_ns),
            Self::Tokens { terms, held_milli } if first && terms.deposit == Deposit::OnRequest => {
                *held_milli = (*held_milli + terms.amount_milli).min(terms.cap_milli);
            }
            Self::InFlight { attempts, .. } => *attempts += 1,
            _ => {}
        }
    }

    /// An attempt ended for which `paid_milli` tokens were paid.
    pub fn attempt_ended(&mut self, outcome: Outcome, paid_milli: u64, now_ns: u64) {
        match self {
            Self::Window { terms, counts } if terms.deposit == Deposit::OnSuccess && !outcome.is_retryable() => {
                counts.add(DEPOSITS, now_ns);
            }
            Self::Tokens { terms, held_milli } => {
                let earned = match outcome {
                    Outcome::Success if terms.refund && paid_milli > 0 => paid_milli,
                    Outcome::Success if terms.deposit == Deposit::OnSuccess => terms.amount_milli,
                    _ => 0,
                };
                *held_milli = (*held_milli + earned).min(terms.cap_milli);
                if terms.charge == Charge::OnFailure && outcome.is_retryable() {
                    *held_milli = held_milli.saturating_sub(terms.cost_milli(outcome));
                }
            }
            _ => {}
        }
    }

    /// Attempts are no longer in flight, and retries no longer out.
    pub const fn release(&mut self, gone_attempts: u64, gone_retries: u64) {
        if let Self::InFlight { attempts, retries, .. } = self {
            *attempts -= gone_attempts;
            *retries -= gone_retries;
        }
    }

    /// The retries that could be made now after a plain failure, in thousandths: what a gauge shows.
    pub fn left_milli(&mut self, now_ns: u64) -> u64 {
        match self {
            Self::Window { terms, counts } => {
                let [deposits, retries] = counts.sums(now_ns);
                let MinRetryRate { count, interval_ms } = terms.min_retry_rate;
                let reserve = u64::from(count) * 1_000 * terms.interval_ms / interval_ms;
                (deposits * u64::from(terms.percent) * 10 + reserve).saturating_sub(retries * 1_000)
            }
            Self::Ratio { terms, counts } => {
                let [requests, retries] = counts.sums(now_ns);
                ((requests * u64::from(terms.percent)).div_ceil(100) * 1_000).saturating_sub(retries * 1_000)
            }
            Self::Tokens { held_milli, .. } => *held_milli,
            Self::InFlight { terms, attempts, retries } => {
                let most = (*attempts * u64::from(terms.percent) * 10).max(u64::from(terms.min_retries) * 1_000);
                most.saturating_sub(*retries * 1_000)
            }
        }
    }
}
