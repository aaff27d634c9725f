//! The arms side by side, in the window that tells them apart.

use retrylab_api::{ArmStatus, RecoveryVerdict, WindowStatus};
use retrylab_core::timeline::TOTAL;

use crate::{Report, figure::number};

/// The arms in one window.
#[derive(Clone, Debug)]
pub struct Comparison<'r> {
    /// The window: the fault in which an arm made the most attempts per request, or the total where there is no fault.
    pub window: &'r str,
    /// Every arm of the spec, in its order.
    pub rows: Vec<Row<'r>>,
}

/// One arm.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// Its name.
    pub name: &'r str,
    /// What is known of it; `None`: it has not begun.
    pub arm: Option<&'r ArmStatus>,
    /// Its figures in the window.
    pub window: Option<&'r WindowStatus>,
}

impl<'r> Comparison<'r> {
    /// Compares the arms of a report.
    pub fn of(report: &'r Report) -> Self {
        let window = telling_window(report);
        let row = |name: &'r str| {
            let arm = report.status.arms.iter().find(|arm| arm.name == name);
            Row { name, arm, window: arm.and_then(|arm| window_of(arm, window)) }
        };
        Self { window, rows: report.spec.arms.iter().map(|arm| row(&arm.name)).collect() }
    }

    /// The arms that are done and whose evidence is complete: those of which something may be said.
    pub fn sound(&self) -> impl Iterator<Item = Row<'r>> {
        self.rows.iter().copied().filter(Row::is_sound)
    }
}

impl Row<'_> {
    /// Whether the arm has figures, and they may carry a verdict.
    pub fn is_sound(&self) -> bool {
        let evidence = self.arm.and_then(|arm| arm.evidence.as_ref());
        evidence.is_some_and(|evidence| evidence.shortcomings.is_empty())
    }

    /// Attempts ÷ requests in the window, by cohort.
    pub fn amplification(&self) -> Option<f64> {
        number(self.window?.amplification.as_deref())
    }

    /// The share of requests that succeeded in the window.
    pub fn success(&self) -> Option<f64> {
        number(self.window?.success_rate.as_deref())
    }

    /// p99 of the whole run, in milliseconds.
    pub fn p99_ms(&self) -> Option<f64> {
        number(self.arm?.latency.as_ref().map(|latency| latency.p99.as_str()))
    }

    /// Whether service stayed down after the fault.
    pub fn stays_down(&self) -> bool {
        let verdict = self.arm.and_then(|arm| arm.recovery.as_ref()).map(|recovery| recovery.verdict);
        matches!(verdict, Some(RecoveryVerdict::MetastableSuspected | RecoveryVerdict::MetastableConfirmed))
    }

    /// Whether service came back after the fault, sooner or later.
    pub fn came_back(&self) -> bool {
        let verdict = self.arm.and_then(|arm| arm.recovery.as_ref()).map(|recovery| recovery.verdict);
        matches!(verdict, Some(RecoveryVerdict::NoEffect | RecoveryVerdict::Recovered | RecoveryVerdict::SlowRecovery))
    }
}

/// A window of an arm, by its name.
pub fn window_of<'a>(arm: &'a ArmStatus, name: &str) -> Option<&'a WindowStatus> {
    arm.windows.iter().find(|window| window.name == name)
}

fn telling_window(report: &Report) -> &str {
    let most = |name: &str| {
        let windows = report.status.arms.iter().filter_map(|arm| window_of(arm, name));
        windows.filter_map(|window| number(window.amplification.as_deref())).fold(0.0, f64::max)
    };
    let mut telling = (TOTAL, -1.0);
    for fault in &report.spec.faults {
        let most = most(&fault.name);
        if most > telling.1 {
            telling = (fault.name.as_str(), most);
        }
    }
    telling.0
}
