//! What retries do in an outage, held against closed forms. Failures are fast, and the backend has no bounds of its own:
//! every attempt in the outage fails at once, every other one succeeds at once.
//!
//! Let p(i) be the chance that retry i (0 is the first attempt) of a request that arrives in an outage of length W falls
//! into the outage as well: 1 − E[offset of retry i]/W, when no offset is longer than W. Then
//! * wire amplification is Σ p(i), that is n − Σ E[offset]/W: the attempts within the outage are those that fail;
//! * cohort amplification is 1 + Σ p(i) without the last: an attempt follows wherever one before it has failed;
//! * the share of requests lost is p(n − 1).
//!
//! Tolerances are three standard errors, from the same p: for a count X with P(X > i) = p(i), E[X²] = Σ (2i + 1) p(i).

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{ArrivalLaw, Burst, BurstSize, LoadPlan, LoadShape},
    policy::{DelayLaw, Jitter, Policy, StrategyName},
    stats::{ArmCounts, Counts, Figures},
    timeline::windows,
};

use crate::support::{at_once, run};

const SECOND_US: u64 = 1_000_000;
/// The outage begins a second into the run.
const OUTAGE_MS: u64 = 1_000;

/// A run with its outage.
struct Run {
    counts: ArmCounts,
    outage: Vec<FaultWindow>,
    duration_ms: u64,
}

impl Run {
    /// Sends a load through a policy, with no service for `length_ms` from [`OUTAGE_MS`] on.
    fn simulated(policy: &Policy, load: &LoadPlan, length_ms: u64) -> Self {
        let kind = FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None };
        let outage = FaultWindow { name: "outage".into(), at_ms: OUTAGE_MS, for_ms: length_ms, kind, restart: false };
        let mut setup = at_once(policy, load.clone());
        setup.backend.faults = vec![outage];
        let counts = run(&setup).counts();
        Self { counts, outage: setup.backend.faults, duration_ms: load.duration_ms }
    }

    fn figures(&self, name: &str) -> Figures {
        let windows = windows(&self.outage, &[], self.duration_ms);
        self.counts.figures(windows.iter().find(|w| w.name == name).expect("the window is there"))
    }

    /// Retries in so many milliseconds from `ms` after the outage's beginning on.
    fn retries(&self, ms: u64, length_ms: u64) -> u64 {
        let from = OUTAGE_MS + ms;
        self.counts.client.wire_retries.sum(from, Some(from + length_ms))
    }
}

fn poisson(rate: u32, duration_ms: u64) -> LoadPlan {
    let shape = LoadShape::Open { rate, arrivals: ArrivalLaw::Poisson };
    LoadPlan { seed: 20, duration_ms, shape, bursts: vec![], shed: vec![] }
}

/// So many requests at the moment at which the outage begins.
fn at_one_instant(requests: u32) -> LoadPlan {
    let shape = LoadShape::Open { rate: 0, arrivals: ArrivalLaw::Uniform };
    let bursts = vec![Burst { at_ms: OUTAGE_MS, size: BurstSize::Requests(requests) }];
    LoadPlan { seed: 20, duration_ms: 60_000, shape, bursts, shed: vec![] }
}

/// Four attempts after delays of 1, 2 and 4 s, made random like this.
fn doubling(jitter: Jitter) -> Policy {
    Policy::plain(4, DelayLaw::Exponential { base_ms: 1_000, factor: 2, cap_ms: 60_000, jitter })
}

/// What a closed form says of an outage.
struct Expected {
    wire: f64,
    cohort: f64,
    lost: f64,
}

/// Mean and variance of a count X from P(X > i).
fn moments(survival: &[f64]) -> (f64, f64) {
    let mean: f64 = survival.iter().sum();
    let square: f64 = survival.iter().enumerate().map(|(i, p)| (2 * i + 1) as f64 * p).sum();
    (mean, square - mean * mean)
}

/// Holds a figure against its mean, within three standard errors and the rounding of floats.
fn within(what: &str, figure: f64, mean: f64, variance: f64, n: f64) {
    let three_errors = 3.0 * (variance.max(0.0) / n).sqrt() + 1e-9;
    assert!((figure - mean).abs() <= three_errors, "{what} is {figure}, expected {mean} ± {three_errors}");
}

/// Poisson arrivals meet an outage of so many seconds; `offsets_s` are the mean offsets of the retries from the first
/// attempt.
fn check(policy: &Policy, offsets_s: &[f64], seconds: u32, expected: &Expected) {
    let w_ms = u64::from(seconds) * 1_000;
    let within_outage: Vec<f64> =
        std::iter::once(&0.0).chain(offsets_s).map(|s| 1.0 - s / f64::from(seconds)).collect();
    let lost = within_outage[offsets_s.len()];
    let followed: Vec<f64> = std::iter::once(1.0).chain(within_outage[..offsets_s.len()].iter().copied()).collect();
    let ((wire, wire_variance), (cohort, cohort_variance)) = (moments(&within_outage), moments(&followed));
    for (derived, published) in [(wire, expected.wire), (cohort, expected.cohort), (lost, expected.lost)] {
        assert!((derived - published).abs() < 1e-9, "the closed form gives {derived}, not {published}");
    }

    let rate = 4_000;
    let run = Run::simulated(policy, &poisson(rate, OUTAGE_MS + w_ms), w_ms);
    let figures = run.figures("outage");
    let n = figures.requests as f64;
    let arrivals = f64::from(rate) * f64::from(seconds);
    within("the number of requests", n, arrivals, arrivals, 1.0);
    let value = |ratio: Option<retrylab_core::stats::Ratio>| ratio.expect("there were requests").to_f64();
    within("wire amplification", value(figures.wire_amplification), wire, wire_variance, n);
    within("cohort amplification", value(figures.amplification), cohort, cohort_variance, n);
    within("the share that succeeds", value(figures.success_rate), 1.0 - lost, lost * (1.0 - lost), n);
    assert_eq!(figures.wire_attempts, figures.backend_requests);
    assert_eq!(figures.fates.sum(), figures.requests);
    assert_eq!(figures.fates.exhausted + figures.fates.ok_after_retry, figures.requests);
}

#[test]
fn retries_without_delay_multiply_the_wire_by_n_and_save_nothing() {
    for n in [3, 4] {
        let policy = Policy::plain(n, DelayLaw::None);
        let all = f64::from(n);
        check(&policy, &vec![0.0; n as usize - 1], 10, &Expected { wire: all, cohort: all, lost: 1.0 });
    }
}

#[test]
fn backoff_of_1_2_4_s_in_an_outage_of_10_s_has_2_90_on_the_wire_and_loses_30_percent() {
    let expected = Expected { wire: 2.90, cohort: 3.60, lost: 0.30 };
    check(&StrategyName::Backoff.preset(), &[1.0, 3.0, 7.0], 10, &expected);
}

#[test]
fn full_jitter_in_an_outage_of_10_s_has_3_45_on_the_wire() {
    let expected = Expected { wire: 3.45, cohort: 3.80, lost: 0.65 };
    check(&doubling(Jitter::Full), &[0.5, 1.5, 3.5], 10, &expected);
}

#[test]
fn equal_jitter_in_an_outage_of_10_s_has_3_175_on_the_wire() {
    let expected = Expected { wire: 3.175, cohort: 3.70, lost: 0.475 };
    check(&doubling(Jitter::Equal), &[0.75, 2.25, 5.25], 10, &expected);
}

#[test]
fn additive_jitter_in_an_outage_of_15_s_has_2_90_on_the_wire_and_loses_30_percent() {
    let expected = Expected { wire: 2.90, cohort: 3.60, lost: 0.30 };
    check(&StrategyName::Jitter.preset(), &[1.5, 4.5, 10.5], 15, &expected);
}

/// Backoff does not lower the plateau: once the outage has lasted longer than all delays, each arrival costs n attempts,
/// whatever the delays are. Attempts in a stretch of length L are n for each of about λL requests: variance n²λL.
#[test]
fn the_attempt_rate_in_a_long_outage_tends_to_n_times_the_arrival_rate_under_every_law() {
    let jitters = [Jitter::None, Jitter::Additive, Jitter::Full, Jitter::Equal].map(doubling);
    let others = [DelayLaw::None, DelayLaw::Fixed { delay_ms: 500 }].map(|delay| Policy::plain(4, delay));
    for policy in jitters.into_iter().chain(others) {
        let (rate, settled_ms, length_ms) = (200, 20_000, 100_000);
        let run = Run::simulated(&policy, &poisson(rate, OUTAGE_MS + settled_ms + length_ms), settled_ms + length_ms);
        let from = OUTAGE_MS + settled_ms;
        let attempts = run.counts.client.wire_attempts.sum(from, Some(from + length_ms));
        let arrivals = f64::from(rate) * length_ms as f64 / 1_000.0;
        within(&format!("{policy:?}"), attempts as f64, 4.0 * arrivals, 16.0 * arrivals, 1.0);
    }
}

/// The last delay is the longest, and a request whose attempt before it fails just before the outage's end waits it out.
/// A random last delay is rarely its longest: of those the last half second is looked at.
#[test]
fn after_an_outage_retries_go_on_for_exactly_the_last_delay() {
    let cases = [
        (StrategyName::Naive.preset(), 0, 100),
        (StrategyName::Fixed.preset(), 500, 100),
        (StrategyName::Backoff.preset(), 4_000, 100),
        (doubling(Jitter::Full), 4_000, 500),
        (doubling(Jitter::Equal), 4_000, 500),
        (doubling(Jitter::Additive), 8_000, 500),
    ];
    let w_ms = 10_000;
    for (policy, last_ms, look_ms) in cases {
        let run = Run::simulated(&policy, &poisson(4_000, OUTAGE_MS + w_ms), w_ms);
        assert_eq!(run.retries(w_ms + last_ms, 60_000), 0, "{policy:?}: none is later than {last_ms} ms");
        assert!(run.retries(w_ms + last_ms - look_ms, look_ms) > 0, "{policy:?}: some come up to {last_ms} ms");
    }
}

/// N requests fail at one instant. The share of them that is retried in the worst 100 ms is known for every bucket: the
/// retries' offsets are sums of uniform delays.
#[test]
fn the_worst_100_ms_after_n_failures_hold_all_of_them_without_jitter_and_a_tenth_to_a_fifth_with_it() {
    // Full jitter: the bucket [0.9, 1.0) s holds a tenth of the first retries, U(0, 1); the second ones have the density
    // t/2 up to there, the third ones t²/16.
    let full = 0.1 + (1.0 - 0.9f64.powi(2)) / 4.0 + (1.0 - 0.9f64.powi(3)) / 48.0;
    assert!((full - 0.15).abs() < 0.005, "published as .15 N");
    let n = 100_000;
    for (jitter, share) in [(Jitter::None, 1.0), (Jitter::Equal, 0.20), (Jitter::Full, full), (Jitter::Additive, 0.10)]
    {
        let run = Run::simulated(&doubling(jitter), &at_one_instant(n), 30_000);
        let worst = (0..200).map(|bucket| run.retries(bucket * 100, 100)).max().unwrap_or(0);
        let (worst, n) = (worst as f64 / f64::from(n), f64::from(n));
        // The worst of up to ten buckets: four standard errors.
        within(&format!("{jitter:?}: the worst share"), worst, share, share * (1.0 - share) * (16.0 / 9.0), n);
    }
}

/// With delays of 1 s and more, a bucket of a second shows additive jitter as if there were none.
#[test]
fn a_bucket_of_a_second_cannot_tell_additive_jitter_from_none() {
    let next_second = |jitter| {
        let run = Run::simulated(&doubling(jitter), &at_one_instant(1_000), 30_000);
        (run.retries(0, 1_000), run.retries(1_000, 1_000), run.retries(1_000, 100))
    };
    assert_eq!(next_second(Jitter::None), (0, 1_000, 1_000));
    let (before, within_it, first_100_ms) = next_second(Jitter::Additive);
    assert_eq!((before, within_it), (0, 1_000));
    within("the first 100 ms", first_100_ms as f64 / 1_000.0, 0.1, 0.09, 1_000.0);
}

#[test]
fn ten_requests_at_the_start_of_an_outage_of_10_s_make_40_with_backoff_and_30_without_delay() {
    for (name, expected) in [(StrategyName::None, 10), (StrategyName::Naive, 30), (StrategyName::Backoff, 40)] {
        let run = Run::simulated(&name.preset(), &at_one_instant(10), 10_000);
        let Figures { requests, attempts, wire_attempts, backend_requests, .. } = run.figures("outage");
        assert_eq!((requests, attempts), (10, expected), "{name:?}");
        assert_eq!((wire_attempts, backend_requests), (expected, expected), "{name:?}: all of them in the outage");
    }
}

/// Baseline, outage and recovery hold what belongs to them: cohort columns by arrival, wire columns by event.
#[test]
fn requests_saved_after_the_outage_belong_to_its_cohort_and_their_last_attempts_to_the_recovery() {
    let run = Run::simulated(&StrategyName::Backoff.preset(), &poisson(1_000, 30_000), 10_000);
    let [baseline, outage, recovery, total] = ["baseline", "outage", "recovery", "total"].map(|name| run.figures(name));
    assert_eq!(baseline.attempts, baseline.requests);
    assert_eq!(recovery.attempts, recovery.requests);
    let saved = outage.fates.ok_after_retry;
    assert_eq!(outage.attempts - outage.wire_attempts, saved, "what gets through does so after the end");
    assert_eq!(recovery.wire_attempts - recovery.requests, saved);
    assert_eq!(total.attempts, total.wire_attempts);
    assert_eq!(total.attempts, [&baseline, &outage, &recovery].map(|f| f.attempts).iter().sum::<u64>());
    let ends = |counts: &Counts| counts.end_ms() * 1_000;
    assert!(ends(&run.counts.client.wire_retries) <= OUTAGE_MS * 1_000 + 14 * SECOND_US);
}
