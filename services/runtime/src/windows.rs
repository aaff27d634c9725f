//! What an experiment does to its workloads, as a metric that is 0 or 1: dashboards shade the time in which it is 1.

use prometheus::{IntGaugeVec, Opts, Registry};

/// What a window is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// A fault of the backend.
    Fault,
    /// More load.
    Burst,
    /// Less load.
    Shed,
}

impl WindowKind {
    /// The kind as it stands in the metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Burst => "burst",
            Self::Shed => "shed",
        }
    }
}

/// `retrylab_window_active`: of the run that was handed over last, so that its series are as few as an experiment's windows.
#[derive(Clone, Debug)]
pub struct WindowGauge(IntGaugeVec);

impl WindowGauge {
    /// Registers it.
    ///
    /// # Errors
    /// When the registry has a metric of its name.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let help = "1 while a fault window, a burst or a stretch of shed load of the latest run is on, else 0; a burst of one \
            instant for 5 seconds";
        let gauge = IntGaugeVec::new(Opts::new("retrylab_window_active", help), &["arm", "kind", "name"])?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self(gauge))
    }

    /// Forgets the windows of the run before.
    pub fn clear(&self) {
        self.0.reset();
    }

    /// Says whether a window is on.
    pub fn set(&self, arm: &str, kind: WindowKind, name: &str, active: bool) {
        self.0.with_label_values(&[arm, kind.as_str(), name]).set(i64::from(active));
    }
}
