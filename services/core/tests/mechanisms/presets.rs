//! The presets behave as what they are named after.

use retrylab_core::policy::{Fate, Outcome, StrategyName};

use crate::{Lab, Reply, driver::SECOND};

fn lab(name: StrategyName, rate: f64, seconds: u64) -> Lab {
    Lab { policy: name.preset(), clients: 1, rate, seconds }
}

const fn failed(_: u64) -> Reply {
    Reply::at_once(Outcome::Retryable)
}

#[test]
fn every_preset_is_valid_and_reads_back_as_it_is_written() {
    for name in StrategyName::ALL {
        let policy = name.preset();
        assert_eq!(policy.validate(), Ok(()), "{name:?}");
        let written = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<retrylab_core::policy::Policy>(&written).unwrap(), policy, "{written}");
    }
}

/// A bucket of 500: 100 retries at 5, or 50 after timeouts at 10, and then none.
#[test]
fn aws_standard_makes_100_retries_in_a_total_outage_and_50_when_it_times_out() {
    for (outcome, expected) in [(Outcome::Retryable, 100), (Outcome::TimedOut, 50)] {
        let tally = lab(StrategyName::AwsStandard, 50.0, 60).run(|_, _, _| Reply::at_once(outcome));
        assert_eq!(tally.retries(0, 1_000), expected);
    }
}

/// A retry that succeeds gives back what it cost: isolated failures never use the bucket up.
#[test]
fn aws_standard_retries_isolated_failures_for_ever() {
    let mut alternate = 0;
    let tally = lab(StrategyName::AwsStandard, 50.0, 300).run(|_, start, _| {
        alternate += u32::from(start.number == 1);
        let fails = start.number == 1 && alternate % 2 == 0;
        Reply::at_once(if fails { Outcome::Retryable } else { Outcome::Success })
    });
    assert_eq!((tally.fate(Fate::BudgetDenied), tally.fate(Fate::Exhausted)), (0, 0));
    assert!(tally.fate(Fate::OkAfterRetry) > 7_000);
}

/// Ten tokens, one for each failure, retries only above five: four retries, and then none, for ever.
#[test]
fn grpc_makes_four_retries_in_a_total_outage() {
    let tally = lab(StrategyName::Grpc, 50.0, 60).run(|now, _, _| failed(now));
    assert_eq!(tally.retries(0, 1_000), 4);
}

/// One failure in eleven costs as much as ten successes deposit: above that share there are soon no retries.
#[test]
fn grpc_goes_on_retrying_below_a_share_of_failures_of_one_in_eleven() {
    let denied = |p: f64| {
        let tally = lab(StrategyName::Grpc, 200.0, 100).run(|_, _, rng| Reply::failing(p, rng));
        tally.fate(Fate::BudgetDenied) as f64 / (tally.requests as f64 * p)
    };
    assert!(denied(0.02) < 0.01 && denied(0.3) > 0.9, "{} and {}", denied(0.02), denied(0.3));
}

/// 20 % of 100/s and 10/s, from the interval after the reserve on; Linkerd's only the 10/s.
#[test]
fn finagle_keeps_20_percent_flowing_in_a_total_outage_and_linkerd_its_least_rate_alone() {
    for (name, expected) in [(StrategyName::Finagle, 0.30), (StrategyName::Linkerd, 0.10)] {
        let tally = lab(name, 100.0, 120).run(|now, _, _| failed(now));
        let share = tally.retries(20, 120) as f64 / tally.firsts(20, 120) as f64;
        assert!((share - expected).abs() < 0.01, "{name:?}: {share}");
    }
}

/// K = 2 over two minutes is slow to trust again: with A accepts and R requests in the window, attempts are sent at
/// λ · 2A/R, so accepts grow by a factor e every minute, and from next to none to all it takes about ln(120 λ/2) minutes.
#[test]
fn sre_turns_nearly_everything_away_in_a_long_outage_and_takes_minutes_to_come_back() {
    let tally = lab(StrategyName::Sre, 50.0, 1_000).run(|now, _, _| {
        let fails = (10 * SECOND..200 * SECOND).contains(&now);
        Reply::at_once(if fails { Outcome::Retryable } else { Outcome::Success })
    });
    let share = |from, to| tally.firsts(from, to) as f64 / (50.0 * (to - from) as f64);
    assert!(share(180, 200) < 0.01, "{} get through at the end of the outage", share(180, 200));
    assert!(share(260, 320) < 0.2, "{} get through in the second minute after it", share(260, 320));
    assert!(share(900, 1_000) > 0.95, "{} get through after 12 minutes", share(900, 1_000));
    assert_eq!(tally.fates.values().sum::<u64>(), tally.requests);
}

#[test]
fn envoy_makes_at_most_two_attempts() {
    let tally = lab(StrategyName::Envoy, 100.0, 10).run(|now, _, _| failed(now));
    assert!(tally.amplification() <= 2.0 && tally.retries(0, 11) > 0);
}
