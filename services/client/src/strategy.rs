//! What is in force: the strategy and the timeout that requests follow from their arrival to their end.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use prometheus::{IntGaugeVec, Opts, Registry};
use retrylab_core::{
    policy::{Draws, Limits, StrategyName, Turn},
    wire::StrategySetting,
};

/// What a request follows, and what it shares with the others that follow it.
#[derive(Debug)]
pub struct InForce {
    /// The strategy by name, and its policy.
    pub setting: StrategySetting,
    /// How long one attempt may take.
    pub timeout: Duration,
    since: Instant,
    /// `None`: requests share nothing, and there is nothing to lock.
    limits: Option<Mutex<Limits>>,
}

impl InForce {
    /// In force from now on, with full budgets.
    pub fn new(setting: StrategySetting, timeout: Duration) -> Self {
        let limits = setting.policy.has_limits().then(|| Mutex::new(Limits::new(&setting.policy, 0)));
        Self { setting, timeout, since: Instant::now(), limits }
    }

    /// Nanoseconds since it came into force: the clock of its policy.
    pub fn now_ns(&self) -> u64 {
        self.since.elapsed().as_nanos() as u64
    }

    /// A moment of that clock.
    pub fn moment(&self, ns: u64) -> Instant {
        self.since + Duration::from_nanos(ns)
    }

    /// Takes a turn of the policy's state machine, now.
    pub fn turn<T>(&self, draws: Draws, take: impl FnOnce(&mut Turn<'_>) -> T) -> T {
        self.with_limits(|limits| {
            take(&mut Turn { policy: &self.setting.policy, limits, now_ns: self.now_ns(), draws })
        })
    }

    /// Does something with what the requests share.
    pub fn with_limits<T>(&self, work: impl FnOnce(&mut Limits) -> T) -> T {
        match &self.limits {
            Some(limits) => work(&mut limits.lock().unwrap_or_else(PoisonError::into_inner)),
            None => work(&mut Limits::default()),
        }
    }
}

/// Holds what is in force. A change is for requests that arrive later.
#[derive(Debug)]
pub struct Strategy {
    in_force: RwLock<Arc<InForce>>,
    active: IntGaugeVec,
}

impl Strategy {
    /// Puts something in force, and registers the metric that shows what.
    ///
    /// # Errors
    /// When the registry has a metric of that name.
    pub fn new(in_force: InForce, registry: &Registry) -> prometheus::Result<Self> {
        let active = Opts::new("retry_strategy_active", "1 for the strategy in force, 0 for the others");
        let active = IntGaugeVec::new(active, &["strategy"])?;
        registry.register(Box::new(active.clone()))?;
        show(&active, in_force.setting.strategy);
        Ok(Self { in_force: RwLock::new(Arc::new(in_force)), active })
    }

    /// What is in force now.
    pub fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a strategy in force with full budgets, and with a run its timeout; otherwise the timeout stays.
    pub fn put(&self, setting: StrategySetting, timeout: Option<Duration>) {
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        show(&self.active, setting.strategy);
        *in_force = Arc::new(InForce::new(setting, timeout.unwrap_or(in_force.timeout)));
    }
}

fn show(active: &IntGaugeVec, in_force: StrategyName) {
    for name in StrategyName::ALL {
        active.with_label_values(&[name.as_str()]).set(i64::from(name == in_force));
    }
}
