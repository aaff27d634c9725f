//! The client's own metrics; those of every service are in the runtime.

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use retrylab_core::{
    policy::{BreakerState, Denial, Fate, Outcome, StrategyName},
    wire::StrategySetting,
};

use crate::{strategy::InForce, upstream::Reply};

const SERVICE: &str = "client";

/// Registered in one registry.
#[derive(Debug)]
pub struct Metrics {
    /// By number …
    attempts: IntCounterVec,
    /// … and by arm.
    started: IntCounterVec,
    requests: IntCounterVec,
    denied: IntCounterVec,
    in_flight: IntGauge,
    budget_left: GaugeVec,
    breaker_state: IntGaugeVec,
    calls_ok: IntCounter,
    calls_failed: IntCounter,
    calls_timed_out: IntCounter,
    calls_broken: IntCounter,
}

impl Metrics {
    /// Registers them all.
    ///
    /// # Errors
    /// When the registry has a metric of one of these names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let vec = |name, help, labels: &[&str]| {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            prometheus::Result::Ok(vec)
        };
        let attempts = "Attempts at the backend by their number in the request; the first is 1";
        let started = "Attempts at the backend, by the arm whose run they are of; none for what is of no run";
        let requests = "Requests by how they ended and the arm whose run they are of; none for what is of no run";
        let denied = "Attempts that were due and not made, by what denied them";
        let calls = "Attempts at the backend by how they ended";
        let calls = vec("backend_calls_total", calls, &["service", "result"])?;
        let in_flight = IntGauge::new("retrylab_requests_in_flight", "Requests under way, those in backoff included")?;
        registry.register(Box::new(in_flight.clone()))?;
        let left =
            "What the retry budget in force holds: tokens of a bucket, retries of any other; none without a budget";
        let budget_left = GaugeVec::new(Opts::new("retrylab_retry_budget_left", left), &["strategy"])?;
        registry.register(Box::new(budget_left.clone()))?;
        let state = "1 for the state of the circuit breaker in force, 0 for the others; none without a breaker";
        let breaker_state = IntGaugeVec::new(Opts::new("retrylab_breaker_state", state), &["strategy", "state"])?;
        registry.register(Box::new(breaker_state.clone()))?;
        Ok(Self {
            attempts: vec("retry_attempts_total", attempts, &["service", "strategy", "attempt"])?,
            started: vec("retrylab_attempts_total", started, &["strategy", "arm"])?,
            requests: vec("retrylab_requests_total", requests, &["strategy", "arm", "fate"])?,
            denied: vec("retrylab_attempts_denied_total", denied, &["strategy", "reason"])?,
            in_flight,
            budget_left,
            breaker_state,
            calls_ok: calls.with_label_values(&[SERVICE, "success"]),
            calls_failed: calls.with_label_values(&[SERVICE, "failure"]),
            calls_timed_out: calls.with_label_values(&[SERVICE, "timeout"]),
            calls_broken: calls.with_label_values(&[SERVICE, "broken"]),
        })
    }

    /// A run begins: its counters are there from now on, since one that appears with a value has no rate.
    pub fn begin(&self, arm: &str, setting: &StrategySetting) {
        let strategy = setting.strategy.as_str();
        self.started.with_label_values(&[strategy, arm]);
        for fate in Fate::ALL {
            self.requests.with_label_values(&[strategy, arm, fate.as_str()]);
        }
        for number in 1..=setting.policy.max_attempts {
            self.attempts.with_label_values(&[SERVICE, strategy, &number.to_string()]);
        }
        for denial in Denial::ALL {
            self.denied.with_label_values(&[strategy, denial.as_str()]);
        }
    }

    /// A request arrived.
    pub fn request(&self) {
        self.in_flight.inc();
    }

    /// An attempt starts; `arm`: empty for a request of no run.
    pub fn attempt(&self, strategy: StrategyName, arm: &str, number: u32) {
        self.started.with_label_values(&[strategy.as_str(), arm]).inc();
        self.attempts.with_label_values(&[SERVICE, strategy.as_str(), &number.to_string()]).inc();
    }

    /// An attempt that was due was denied.
    pub fn denied(&self, strategy: StrategyName, denial: Denial) {
        self.denied.with_label_values(&[strategy.as_str(), denial.as_str()]).inc();
    }

    /// An attempt ended.
    pub fn reply(&self, reply: &Reply) {
        match reply {
            Reply::Answer(_) if reply.outcome() == Outcome::Success => self.calls_ok.inc(),
            Reply::Answer(_) => self.calls_failed.inc(),
            Reply::Timeout => self.calls_timed_out.inc(),
            Reply::Broken(_) => self.calls_broken.inc(),
        }
    }

    /// Shows what the policy in force holds, right before the metrics are read.
    pub fn observe(&self, in_force: &InForce) {
        let strategy = in_force.setting.strategy.as_str();
        self.budget_left.reset();
        self.breaker_state.reset();
        let now_ns = in_force.now_ns();
        let (left_milli, breaker) =
            in_force.with_limits(|limits| (limits.budget_left_milli(now_ns), limits.breaker_state(now_ns)));
        if let Some(milli) = left_milli {
            self.budget_left.with_label_values(&[strategy]).set(milli as f64 / 1_000.0);
        }
        for state in BreakerState::ALL.into_iter().filter(|_| breaker.is_some()) {
            let is_so = i64::from(breaker == Some(state));
            self.breaker_state.with_label_values(&[strategy, state.as_str()]).set(is_so);
        }
    }

    /// A request ended; `arm`: empty for a request of no run.
    pub fn end(&self, strategy: StrategyName, arm: &str, fate: Fate) {
        self.requests.with_label_values(&[strategy.as_str(), arm, fate.as_str()]).inc();
        self.in_flight.dec();
    }
}
