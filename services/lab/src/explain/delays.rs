//! The attempts of a request that all fail at once: how long each is waited for, and when it is sent.

use std::time::Duration;

use retrylab_core::policy::Policy;
use serde::Serialize;

use crate::output::NOTHING;

/// One attempt, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1 on.
    pub number: u32,
    /// The wait before it.
    pub wait: String,
    /// Its mean.
    pub wait_mean: String,
    /// When it is sent, after the request's arrival.
    pub at: String,
    /// The mean of that.
    pub at_mean: String,
}

/// The attempts that a policy allows, whatever caps them.
pub fn attempts(policy: &Policy) -> Vec<Attempt> {
    let (mut earliest, mut latest, mut at_mean) = (Duration::ZERO, Duration::ZERO, Some(Duration::ZERO));
    let mean_shown = |mean: Option<Duration>| mean.map_or_else(|| NOTHING.to_owned(), shown);
    let attempt = |number: u32| {
        let Some(i) = number.checked_sub(2) else {
            let nothing = || NOTHING.to_owned();
            return Attempt {
                number,
                wait: nothing(),
                wait_mean: nothing(),
                at: shown(Duration::ZERO),
                at_mean: shown(Duration::ZERO),
            };
        };
        let (shortest, longest, mean) = (policy.delay.shortest(i), policy.delay.longest(i), policy.delay.mean(i));
        earliest += shortest;
        latest += longest;
        at_mean = at_mean.zip(mean).map(|(at, wait)| at + wait);
        Attempt {
            number,
            wait: range(shortest, longest),
            wait_mean: mean_shown(mean),
            at: range(earliest, latest),
            at_mean: mean_shown(at_mean),
        }
    };
    (1..=policy.max_attempts).map(attempt).collect()
}

fn range(low: Duration, high: Duration) -> String {
    if low == high { shown(low) } else { format!("{} to {}", shown(low), shown(high)) }
}

/// A time in seconds, with as many decimals as it needs, three at most.
pub fn shown(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use retrylab_core::policy::StrategyName;

    use super::*;

    fn check(name: StrategyName, expected: &[(&str, &str, &str, &str)]) {
        let of = |attempt: Attempt| (attempt.wait, attempt.wait_mean, attempt.at, attempt.at_mean);
        let expected: Vec<_> = expected.iter().map(|&(a, b, c, d)| (a.into(), b.into(), c.into(), d.into())).collect();
        assert_eq!(attempts(&name.preset()).into_iter().map(of).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_attempt_has_its_wait_and_its_time() {
        check(StrategyName::None, &[("-", "-", "0s", "0s")]);
        check(
            StrategyName::Backoff,
            &[("-", "-", "0s", "0s"), ("1s", "1s", "1s", "1s"), ("2s", "2s", "3s", "3s"), ("4s", "4s", "7s", "7s")],
        );
        check(
            StrategyName::Jitter,
            &[
                ("-", "-", "0s", "0s"),
                ("1s to 2s", "1.5s", "1s to 2s", "1.5s"),
                ("2s to 4s", "3s", "3s to 6s", "4.5s"),
                ("4s to 8s", "6s", "7s to 14s", "10.5s"),
            ],
        );
        check(StrategyName::Envoy, &[("-", "-", "0s", "0s"), ("0s to 0.025s", "0.013s", "0s to 0.025s", "0.013s")]);
    }
}
