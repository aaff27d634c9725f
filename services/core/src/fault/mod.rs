//! Failure windows: what breaks, when, and for how long.

mod dice;

pub use dice::roll;

use serde::{Deserialize, Serialize};

use crate::wire::FieldError;

/// Longest delay that a Latency fault adds: ten minutes.
pub const MAX_LATENCY_MS: u64 = 600_000;

/// What a fault does to the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum FaultKind {
    /// Answers at once with an error, before the queue.
    Error {
        /// The status of the answer: 400 to 599.
        status: u16,
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Answers later: the delay is added before the queue and takes no capacity.
    Latency {
        /// The added delay in milliseconds: 1 to [`MAX_LATENCY_MS`].
        delay_ms: u64,
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Work stands still: what is in service stays there, the queue grows.
    Freeze,
}

impl FaultKind {
    /// The share of requests that the fault strikes, in thousandths.
    pub const fn permille(&self) -> u16 {
        match self {
            Self::Error { permille, .. } | Self::Latency { permille, .. } => *permille,
            Self::Freeze => 1_000,
        }
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds.
    pub fn validate(&self) -> Result<(), FieldError> {
        match *self {
            Self::Error { status, .. } if !(400..=599).contains(&status) => {
                Err(FieldError::new("status", status, "400 to 599"))
            }
            Self::Latency { delay_ms, .. } if !(1..=MAX_LATENCY_MS).contains(&delay_ms) => {
                Err(FieldError::new("latency_ms", delay_ms, format!("1 to {MAX_LATENCY_MS}")))
            }
            _ if !(1..=1_000).contains(&self.permille()) => {
                Err(FieldError::new("permille", self.permille(), "1 to 1000"))
            }
            _ => Ok(()),
        }
    }
}

/// A fault with its place in a run's schedule: [at, at + for).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultWindow {
    /// The window's name, unique in the run.
    pub name: String,
    /// When it begins: milliseconds after the run's start.
    pub at_ms: u64,
    /// How long it lasts, in milliseconds; at least 1.
    pub for_ms: u64,
    /// What it does.
    pub kind: FaultKind,
}

impl FaultWindow {
    /// When it ends: milliseconds after the run's start.
    pub const fn end_ms(&self) -> u64 {
        self.at_ms + self.for_ms
    }
}

/// Checks a schedule of faults: each within its bounds, in order of time, none overlapping another, none beyond the end.
///
/// # Errors
/// Names the first window and field that is not allowed.
pub fn validate(faults: &[FaultWindow], duration_ms: u64) -> Result<(), FieldError> {
    let mut free_from = 0;
    for (i, fault) in faults.iter().enumerate() {
        let place = format!("faults[{i}]");
        fault.kind.validate().map_err(|e| e.within(&place))?;
        if fault.for_ms == 0 || fault.for_ms > duration_ms {
            return Err(FieldError::new(format!("{place}.for_ms"), fault.for_ms, format!("1 to {duration_ms}")));
        }
        if fault.at_ms < free_from || fault.at_ms > duration_ms - fault.for_ms {
            let allowed =
                format!("{free_from} to {}: after the window before, and over by the end", duration_ms - fault.for_ms);
            return Err(FieldError::new(format!("{place}.at_ms"), fault.at_ms, allowed));
        }
        free_from = fault.end_ms();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(at_ms: u64, for_ms: u64) -> FaultWindow {
        let kind = FaultKind::Error { status: 503, permille: 1_000 };
        FaultWindow { name: format!("at-{at_ms}"), at_ms, for_ms, kind }
    }

    fn refused_field(faults: &[FaultWindow]) -> Option<String> {
        validate(faults, 30_000).err().map(|e| e.field)
    }

    #[test]
    fn windows_that_touch_are_allowed() {
        assert_eq!(refused_field(&[outage(0, 5_000), outage(5_000, 25_000)]), None);
    }

    #[test]
    fn overlapping_reversed_empty_and_endless_windows_are_refused() {
        assert_eq!(refused_field(&[outage(0, 5_000), outage(4_900, 1_000)]).as_deref(), Some("faults[1].at_ms"));
        assert_eq!(refused_field(&[outage(9_000, 1_000), outage(0, 1_000)]).as_deref(), Some("faults[1].at_ms"));
        assert_eq!(refused_field(&[outage(0, 0)]).as_deref(), Some("faults[0].for_ms"));
        assert_eq!(refused_field(&[outage(0, u64::MAX)]).as_deref(), Some("faults[0].for_ms"));
        assert_eq!(refused_field(&[outage(u64::MAX, 100)]).as_deref(), Some("faults[0].at_ms"));
    }

    #[test]
    fn a_status_that_is_no_error_is_refused() {
        let kind = FaultKind::Error { status: 200, permille: 1_000 };
        assert_eq!(kind.validate().map_err(|e| e.field), Err("status".into()));
    }
}
