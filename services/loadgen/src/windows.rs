//! The bursts and the stretches of shed load of a run as 0 or 1, for dashboards to shade.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Registry;
use retrylab_core::{
    load::{Burst, BurstSize},
    wire::{LoadgenPlan, arm_of},
};
use retrylab_runtime::{RunClock, WindowGauge, WindowKind};

/// For how long the requests of one instant are shown: who looks every five seconds is to see them.
const INSTANT_MS: u64 = 5_000;

/// What the load of the run that was handed over last has in it; cloning shares it.
#[derive(Clone, Debug)]
pub struct LoadWindows {
    gauge: WindowGauge,
    latest: Arc<Mutex<Option<Latest>>>,
}

#[derive(Debug)]
struct Latest {
    arm: String,
    clock: RunClock,
    windows: Vec<LoadWindow>,
}

#[derive(Debug)]
struct LoadWindow {
    kind: WindowKind,
    name: String,
    from_ms: u64,
    to_ms: u64,
}

impl LoadWindows {
    /// Registers the metric.
    ///
    /// # Errors
    /// When the registry has a metric of its name.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self { gauge: WindowGauge::new(registry)?, latest: Arc::default() })
    }

    /// From here on it is this run's windows that are shown.
    pub fn follow(&self, id: &str, plan: &LoadgenPlan, clock: RunClock) {
        let shed = plan.load.shed.iter().map(|stretch| LoadWindow {
            kind: WindowKind::Shed,
            name: stretch.name.clone(),
            from_ms: stretch.at_ms,
            to_ms: stretch.end_ms(),
        });
        let windows = plan.load.bursts.iter().map(burst).chain(shed).collect();
        let latest = Latest { arm: arm_of(id).to_owned(), clock, windows };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(latest);
    }

    /// Shows how it is now, right before the metrics are read.
    pub fn show(&self) {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        self.gauge.clear();
        let Some(Latest { arm, clock, windows }) = latest.as_ref() else { return };
        let now_ms = clock.has_started().then(|| clock.now_us() / 1_000);
        for LoadWindow { kind, name, from_ms, to_ms } in windows {
            let active = now_ms.is_some_and(|now_ms| (*from_ms..*to_ms).contains(&now_ms));
            self.gauge.set(arm, *kind, name, active);
        }
    }
}

/// A burst is called after its beginning: it has no name of its own.
fn burst(burst: &Burst) -> LoadWindow {
    let length_ms = match burst.size {
        BurstSize::Requests(_) => INSTANT_MS,
        BurstSize::Rate { for_ms, .. } => for_ms,
    };
    let (s, tenths) = (burst.at_ms / 1_000, burst.at_ms % 1_000 / 100);
    let name = if tenths == 0 { format!("burst-at-{s}s") } else { format!("burst-at-{s}.{tenths}s") };
    LoadWindow { kind: WindowKind::Burst, name, from_ms: burst.at_ms, to_ms: burst.at_ms + length_ms }
}
