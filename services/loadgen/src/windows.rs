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
        for window in windows {
            let active = windows.iter().any(|one| one.shares_its_series_with(window) && one.is_on(now_ms));
            self.gauge.set(arm, window.kind, &window.name, active);
        }
    }
}

impl LoadWindow {
    fn shares_its_series_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name
    }

    fn is_on(&self, now_ms: Option<u64>) -> bool {
        now_ms.is_some_and(|now_ms| (self.from_ms..self.to_ms).contains(&now_ms))
    }
}

/// A burst is called after its beginning: it has no name of its own. Those that begin together have one name and one series,
/// which is 1 while any of them is on: it is one stretch of time that is shaded.
fn burst(burst: &Burst) -> LoadWindow {
    let length_ms = match burst.size {
        BurstSize::Requests(_) => INSTANT_MS,
        BurstSize::Rate { for_ms, .. } => for_ms,
    };
    let (s, tenths) = (burst.at_ms / 1_000, burst.at_ms % 1_000 / 100);
    let name = if tenths == 0 { format!("burst-at-{s}s") } else { format!("burst-at-{s}.{tenths}s") };
    LoadWindow { kind: WindowKind::Burst, name, from_ms: burst.at_ms, to_ms: burst.at_ms + length_ms }
}

#[cfg(test)]
mod tests {
    use retrylab_core::load::{ArrivalLaw, LoadPlan, LoadShape};
    use retrylab_runtime::exposition;

    use super::*;

    /// What the metric says after so many milliseconds of a run with these bursts.
    async fn check(now_ms: i64, bursts: &[Burst], expected: &[&str]) {
        let registry = Registry::new();
        let windows = LoadWindows::new(&registry).unwrap();
        let load = LoadPlan {
            seed: 1,
            duration_ms: 600_000,
            shape: LoadShape::Open { rate: 0, arrivals: ArrivalLaw::Uniform },
            bursts: bursts.to_vec(),
            shed: vec![],
        };
        let plan = LoadgenPlan { load, target: "localhost:1".into(), timeout_ms: 1 };
        windows.follow("r-x-naive", &plan, RunClock::starting_in(-now_ms));
        windows.show();
        let body = axum::body::to_bytes(exposition(&registry).into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let shown: Vec<_> = text.lines().filter_map(|line| line.split_once("name=")).map(|(_, rest)| rest).collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[tokio::test]
    async fn bursts_that_begin_together_are_shown_while_any_of_them_is_on() {
        let instant = |at_ms| Burst { at_ms, size: BurstSize::Requests(1) };
        let long = |at_ms| Burst { at_ms, size: BurstSize::Rate { rate: 1, for_ms: 300_000 } };
        for bursts in [[instant(0), long(0)], [long(0), instant(0)], [long(10), instant(90)], [instant(10), long(90)]] {
            check(20_000, &bursts, &["\"burst-at-0s\"} 1"]).await;
            check(320_000, &bursts, &["\"burst-at-0s\"} 0"]).await;
        }
        check(20_000, &[instant(0), long(100)], &["\"burst-at-0.1s\"} 1", "\"burst-at-0s\"} 0"]).await;
    }
}
