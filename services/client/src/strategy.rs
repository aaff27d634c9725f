//! What is in force: the strategy and the timeout that requests follow from their arrival to their end.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use prometheus::{IntGaugeVec, Opts, Registry};
use retrylab_core::{policy::StrategyName, wire::StrategySetting};

/// What a request follows.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The strategy by name, and its policy.
    pub setting: StrategySetting,
    /// How long one attempt may take.
    pub timeout: Duration,
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

    /// Puts a strategy in force, and with a run its timeout; otherwise the timeout stays.
    pub fn put(&self, setting: StrategySetting, timeout: Option<Duration>) {
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        show(&self.active, setting.strategy);
        *in_force = Arc::new(InForce { setting, timeout: timeout.unwrap_or(in_force.timeout) });
    }
}

fn show(active: &IntGaugeVec, in_force: StrategyName) {
    for name in StrategyName::ALL {
        active.with_label_values(&[name.as_str()]).set(i64::from(name == in_force));
    }
}
