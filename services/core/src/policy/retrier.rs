//! One request's way through a policy: after each attempt, retry (and when) or end (and how).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::Rng;

/// How one attempt ended, as far as a retry policy cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer below 400.
    Success,
    /// A time-out, a broken connection, 429, or a 5xx that another attempt may mend.
    Retryable,
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
    /// An attempt failed in a way that is not retried.
    NotRetryable,
}

impl Fate {
    /// Every fate of a request that was launched, in the order of the status.
    pub const ALL: [Self; 4] = [Self::Ok, Self::OkAfterRetry, Self::Exhausted, Self::NotRetryable];

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
            Self::NotRetryable => "notRetryable",
        }
    }
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long, then make another attempt.
    Retry(Duration),
    /// The request has ended.
    End(Fate),
}

/// The state of one request under a policy. The caller makes an attempt, tells its outcome, and follows the decision.
#[derive(Debug)]
pub struct Retrier<'p> {
    policy: &'p Policy,
    attempts: u32,
}

impl<'p> Retrier<'p> {
    /// A request before its first attempt, which no policy holds back.
    pub const fn new(policy: &'p Policy) -> Self {
        Self { policy, attempts: 0 }
    }

    /// Attempts that have ended so far.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Takes note of an attempt that has ended and decides what follows.
    pub fn after(&mut self, outcome: Outcome, rng: &mut Rng) -> Decision {
        self.attempts += 1;
        match outcome {
            Outcome::Success if self.attempts == 1 => Decision::End(Fate::Ok),
            Outcome::Success => Decision::End(Fate::OkAfterRetry),
            Outcome::NotRetryable => Decision::End(Fate::NotRetryable),
            Outcome::Retryable if self.attempts >= self.policy.max_attempts => Decision::End(Fate::Exhausted),
            Outcome::Retryable => Decision::Retry(self.policy.delay.draw(self.attempts - 1, rng)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::StrategyName, rng};

    /// Drives one request whose first `failures` attempts fail; gives its attempts, the waits in seconds and its fate.
    fn drive(name: StrategyName, failures: u32) -> (u32, Vec<f64>, Fate) {
        let policy = name.preset();
        let (mut retrier, mut rng, mut waits) = (Retrier::new(&policy), rng(1, 0), Vec::new());
        loop {
            let outcome = if retrier.attempts() < failures { Outcome::Retryable } else { Outcome::Success };
            match retrier.after(outcome, &mut rng) {
                Decision::Retry(wait) => waits.push(wait.as_secs_f64()),
                Decision::End(fate) => return (retrier.attempts(), waits, fate),
            }
        }
    }

    #[test]
    fn none_never_retries() {
        assert_eq!(drive(StrategyName::None, 9), (1, vec![], Fate::Exhausted));
    }

    #[test]
    fn naive_makes_three_attempts_at_once() {
        assert_eq!(drive(StrategyName::Naive, 9), (3, vec![0.0, 0.0], Fate::Exhausted));
    }

    #[test]
    fn backoff_waits_one_two_and_four_seconds() {
        assert_eq!(drive(StrategyName::Backoff, 9), (4, vec![1.0, 2.0, 4.0], Fate::Exhausted));
    }

    #[test]
    fn jitter_adds_between_nothing_and_the_delay_itself() {
        let (attempts, waits, _) = drive(StrategyName::Jitter, 9);
        assert_eq!(attempts, 4);
        for (wait, delay) in waits.iter().zip([1.0, 2.0, 4.0]) {
            assert!((delay..delay * 2.0).contains(wait), "{wait} is not in [{delay}, {})", delay * 2.0);
        }
    }

    #[test]
    fn a_success_ends_the_request_and_tells_whether_it_took_a_retry() {
        assert_eq!(drive(StrategyName::Fixed, 0), (1, vec![], Fate::Ok));
        assert_eq!(drive(StrategyName::Fixed, 2), (3, vec![0.5, 0.5], Fate::OkAfterRetry));
    }

    #[test]
    fn what_cannot_be_mended_is_not_retried() {
        let policy = StrategyName::Backoff.preset();
        let decision = Retrier::new(&policy).after(Outcome::of_status(404), &mut rng(1, 0));
        assert_eq!(decision, Decision::End(Fate::NotRetryable));
    }

    /// E[attempts] = (1 − pⁿ)/(1 − p) for independent failures, within three standard errors.
    #[test]
    fn independent_failures_give_the_closed_form_of_attempts() {
        use rand::RngExt;
        for (p, expected, sd) in
            [(0.1, 1.111, 0.35), (0.3, 1.417, 0.729), (0.5, 1.875, 1.053), (0.9, 3.439, 1.013), (1.0, 4.0, 0.0)]
        {
            let policy = StrategyName::Backoff.preset();
            let (mut rng, n, mut attempts) = (rng(11, 0), 40_000u32, 0u32);
            for _ in 0..n {
                let mut retrier = Retrier::new(&policy);
                loop {
                    let failed = rng.random_bool(p);
                    let outcome = if failed { Outcome::Retryable } else { Outcome::Success };
                    if matches!(retrier.after(outcome, &mut rng), Decision::End(_)) {
                        break;
                    }
                }
                attempts += retrier.attempts();
            }
            let mean = f64::from(attempts) / f64::from(n);
            let band = 3.0 * sd / f64::from(n).sqrt() + 0.0006; // the expected figures have three decimals
            assert!((mean - expected).abs() <= band, "p = {p}: {mean}, expected {expected} ± {band}");
        }
    }
}
