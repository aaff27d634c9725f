//! Hidden capacity. Bronson et al., "Metastable Failures in Distributed Systems" (HotOS '21), section 2.1: a FIFO backend of
//! capacity μ = 300/s, one retry (n = 2), a timeout of T = 1 s, no cancellation.
//!
//! In an outage of length W in which work stands still, λ(2W − T) attempts queue up: first ones all along, second ones from T
//! on. After it attempts come at 2λ for as long as they wait longer than T. Below μ/2 the backlog shrinks by μ − 2λ, and
//! service is back when the wait is below T: after (λ(2W − T) − μT)/(μ − 2λ), about λ(2W − T)/(μ − 2λ). Above it grows.

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    policy::{DelayLaw, Policy, StrategyName},
    sim::{Outcome, Setup, TippingPoint, is_down, loop_point, tipping_point},
    station::{BackendModel, Discipline},
    stats::{Ratio, Recovery},
};

use crate::support::{at_once, poisson, run, within};

const OUTAGE_AT_MS: u64 = 20_000;
const OUTAGE_MS: u64 = 10_000;

/// The paper's system under a load of `rate`, with an outage of 10 s.
pub fn hotos(policy: &Policy, rate: u32, duration_ms: u64) -> Setup {
    let mut setup = at_once(policy, poisson(rate, duration_ms));
    setup.model = BackendModel::plain(3, 1_000_000, 10_000);
    setup.network = std::time::Duration::from_micros(100);
    let (at_ms, for_ms) = (OUTAGE_AT_MS, OUTAGE_MS);
    let outage = FaultWindow { name: "outage".into(), at_ms, for_ms, kind: FaultKind::Freeze, restart: false };
    setup.backend.faults = vec![outage];
    setup
}

pub fn one_retry() -> Policy {
    Policy::plain(2, DelayLaw::None)
}

fn recovery(setup: &Setup, outcome: &Outcome) -> Recovery {
    outcome.recovery(&setup.backend.faults, &setup.load).unwrap()
}

#[test]
fn at_280_a_second_an_outage_of_10_s_leaves_560_attempts_a_second_and_no_goodput_for_good() {
    let duration_ms = 300_000;
    let setup = hotos(&one_retry(), 280, duration_ms);
    let outcome = run(&setup);
    assert!(!is_down(&outcome, OUTAGE_AT_MS).unwrap(), "before the outage all is well");

    let (from, to) = (OUTAGE_AT_MS + OUTAGE_MS + 30_000, duration_ms);
    let rate = outcome.client.series.wire_attempts.sum(from, Some(to)) as f64 * 1_000.0 / (to - from) as f64;
    // Two attempts for each of a Poisson number of arrivals: the rate's standard error is 2·√(280·240)/240 = 2.2.
    within("attempts per second", rate, 560.0, 3.0 * 2.2);
    assert_eq!(outcome.load.series.goodput.sum(from, Some(to)), 0);
    assert_eq!(outcome.load.series.ok.sum(from, Some(to)), 0);
    assert!(matches!(recovery(&setup, &outcome), Recovery::LongerThan(_)));
    // The work that the backend does all the while is for nobody.
    let series = &outcome.backend.series;
    assert_eq!(series.wasted.sum(from, Some(to)), series.completed.sum(from, Some(to)));
    assert_eq!(outcome.evidence(&setup).accounting_gap(), 0);
}

#[test]
fn below_150_a_second_it_comes_back_when_the_backlog_has_drained() {
    let (mu, w, t) = (300.0, 10.0, 1.0);
    for rate in [60, 100, 120] {
        let setup = hotos(&one_retry(), rate, 200_000);
        let lambda = f64::from(rate);
        let backlog = lambda * (2.0 * w - t);
        let (soonest, latest) = ((backlog - mu * t) / (mu - 2.0 * lambda), backlog / (mu - 2.0 * lambda));
        let Recovery::After(ms) = recovery(&setup, &run(&setup)) else { panic!("{rate}/s does not come back") };
        // Whole seconds, and the backlog is Poisson: 3·√(3λW) attempts more or less.
        let slack = 1.0 + 3.0 * (3.0 * lambda * w).sqrt() / (mu - 2.0 * lambda);
        let seconds = ms as f64 / 1_000.0;
        assert!(
            (soonest - slack..=latest + slack).contains(&seconds),
            "{rate}/s: {seconds} s, expected {soonest} to {latest}"
        );
    }
}

#[test]
fn between_the_hidden_and_the_full_capacity_it_is_stable_until_it_is_pushed() {
    for rate in [180, 240] {
        let mut setup = hotos(&one_retry(), rate, 120_000);
        assert!(is_down(&run(&setup), 120_000).unwrap(), "{rate}/s after an outage");
        setup.backend.faults.clear();
        assert!(!is_down(&run(&setup), 120_000).unwrap(), "{rate}/s without one");
    }
}

#[test]
fn without_retries_with_a_budget_with_a_short_queue_or_last_in_first_out_it_comes_back() {
    let comes_back = |change: fn(&mut Setup)| {
        let mut setup = hotos(&one_retry(), 280, 400_000);
        change(&mut setup);
        !is_down(&run(&setup), 400_000).unwrap()
    };
    assert!(!comes_back(|_| {}));
    assert!(comes_back(|s| s.client.strategy.policy.max_attempts = 1), "without retries");
    assert!(comes_back(|s| s.model.queue = 200), "with a queue shorter than μT");
    assert!(comes_back(|s| s.model.discipline = Discipline::Lifo), "last in, first out");
    assert!(comes_back(|s| s.model.cancel_on_disconnect = true), "cancelling what nobody waits for");
    let with_budget = |rate, percent| {
        let mut setup = hotos(&StrategyName::Sre.preset(), rate, 400_000);
        let policy = &mut setup.client.strategy.policy;
        (policy.max_attempts, policy.delay, policy.throttle) = (2, DelayLaw::None, None);
        if let Some(retrylab_core::policy::Budget::Window(window)) = &mut policy.budget {
            (window.percent, window.interval_ms) = (percent, 10_000);
        }
        !is_down(&run(&setup), 400_000).unwrap()
    };
    // The hidden capacity with a budget of r is μ/(1 + r): 273/s with 10 %.
    assert!(with_budget(260, 10), "a budget of 10 % at 260/s");
    assert!(!with_budget(285, 10), "not at 285/s");
}

/// μ/n is where it tips: at total overload each request costs n attempts.
#[test]
fn the_tipping_point_is_the_hidden_capacity() {
    let tips = |rate| Ok::<_, ()>(is_down(&run(&hotos(&one_retry(), rate as u32, 600_000)), 600_000).unwrap());
    let Ok(TippingPoint::Above { stays, tips }) = tipping_point(50, 290, 1, tips) else { panic!("it does not tip") };
    assert_eq!(tips, stays + 1);
    // Just below 150/s it takes longer than the 570 s to drain: λ·19/(300 − 2λ) = 570 at λ = 147.5.
    assert!((144..=150).contains(&tips), "it tips at {tips}/s");
}

/// Up to μ all is served on the way up; on the way down nothing, until the load is below μ/2.
#[test]
fn service_comes_back_at_a_lower_load_than_that_at_which_it_broke_down() {
    let setup = hotos(&one_retry(), 100, 60_000);
    for (rate, goes_up, comes_down) in
        [(60, true, true), (135, true, true), (160, true, false), (280, true, false), (330, false, false)]
    {
        let point = loop_point(&setup, rate, 300_000, 100_000_000).unwrap();
        let served = |share: Option<Ratio>| share.unwrap().to_f64();
        let (up, down) = (served(point.up), served(point.down));
        assert_eq!((up > 0.9, down > 0.9), (goes_up, comes_down), "{point:?}");
        assert!([up, down].iter().all(|share| !(0.1..0.9).contains(share)), "{point:?}");
    }
}
