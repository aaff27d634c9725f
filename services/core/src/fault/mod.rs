//! Failure windows: what breaks, when, and for how long.

use serde::{Deserialize, Serialize};

use crate::wire::FieldError;

/// Longest delay that a Latency fault adds: ten minutes.
pub const MAX_LATENCY_MS: u64 = 600_000;

/// Longest `Retry-After` that an Error fault sends, in seconds: one hour.
pub const MAX_RETRY_AFTER_S: u32 = 3_600;

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
        /// The answer's `Retry-After` in seconds: 1 to [`MAX_RETRY_AFTER_S`], with a status that clients heed it with, 429 or
        /// 503.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// Answers later: the delay is added before the queue and takes no capacity.
    Latency {
        /// The added delay in milliseconds: 1 to [`MAX_LATENCY_MS`].
        delay_ms: u64,
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Takes the request and never answers it, not even when the fault is over; it reaches no worker.
    Blackhole {
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Cuts connections: as it begins those of all requests that wait or are in service, and as long as it lasts that of
    /// each request that arrives. The work goes on, unless the backend cancels on a disconnect.
    Reset {
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Lets nobody in: the connection of each request that arrives is cut. What is here is served and answered.
    Refuse {
        /// The share of requests that it strikes, in thousandths: 1 to 1000.
        permille: u16,
    },
    /// Work stands still: what is in service stays there, the queue grows.
    Freeze,
    /// Some workers are gone; what is in service is still served.
    Capacity {
        /// The share of the workers that is left, rounded down to whole ones, in thousandths: 1 to 999.
        left_permille: u16,
    },
}

impl FaultKind {
    /// The share of requests that the fault strikes, in thousandths.
    pub const fn permille(&self) -> u16 {
        match self {
            Self::Error { permille, .. }
            | Self::Latency { permille, .. }
            | Self::Blackhole { permille }
            | Self::Reset { permille }
            | Self::Refuse { permille } => *permille,
            Self::Freeze | Self::Capacity { .. } => 1_000,
        }
    }

    /// The share of those that are here which it strikes as it begins, in thousandths; `None`: it strikes nobody then.
    pub const fn reset_permille(&self) -> Option<u16> {
        if let Self::Reset { permille } = self { Some(*permille) } else { None }
    }

    /// The `Retry-After` that it sends, in seconds.
    pub const fn retry_after_s(&self) -> Option<u32> {
        if let Self::Error { retry_after_s, .. } = self { *retry_after_s } else { None }
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
            Self::Error { retry_after_s: Some(seconds), .. } if !(1..=MAX_RETRY_AFTER_S).contains(&seconds) => {
                Err(FieldError::new("retry_after_s", seconds, format!("1 to {MAX_RETRY_AFTER_S}")))
            }
            Self::Error { status, retry_after_s: Some(seconds), .. } if !matches!(status, 429 | 503) => {
                Err(FieldError::new("retry_after_s", seconds, "only with status 429 or 503"))
            }
            Self::Latency { delay_ms, .. } if !(1..=MAX_LATENCY_MS).contains(&delay_ms) => {
                Err(FieldError::new("latency_ms", delay_ms, format!("1 to {MAX_LATENCY_MS}")))
            }
            Self::Capacity { left_permille } if !(1..=999).contains(&left_permille) => {
                Err(FieldError::new("left_permille", left_permille, "1 to 999"))
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
    /// Whether the backend is as after a start when it ends: its cache empty, its warm-up before it.
    #[serde(default)]
    pub restart: bool,
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
        let kind = FaultKind::Error { status: 503, permille: 1_000, retry_after_s: None };
        FaultWindow { name: format!("at-{at_ms}"), at_ms, for_ms, kind, restart: false }
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

    fn check(kind: &FaultKind, refused: Option<&str>) {
        assert_eq!(kind.validate().err().map(|e| e.field).as_deref(), refused, "{kind:?}");
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_field() {
        let error = |status, permille, retry_after_s| FaultKind::Error { status, permille, retry_after_s };
        check(&error(200, 1_000, None), Some("status"));
        check(&error(503, 0, None), Some("permille"));
        check(&error(503, 1_000, Some(0)), Some("retry_after_s"));
        check(&error(503, 1_000, Some(3_601)), Some("retry_after_s"));
        check(&error(500, 1_000, Some(1)), Some("retry_after_s"));
        check(&error(429, 1_000, Some(3_600)), None);
        check(&FaultKind::Latency { delay_ms: 0, permille: 1_000 }, Some("latency_ms"));
        for permille in [0, 1_001] {
            check(&FaultKind::Blackhole { permille }, Some("permille"));
            check(&FaultKind::Reset { permille }, Some("permille"));
            check(&FaultKind::Refuse { permille }, Some("permille"));
        }
        for left_permille in [0, 1_000] {
            check(&FaultKind::Capacity { left_permille }, Some("left_permille"));
        }
        check(&FaultKind::Capacity { left_permille: 500 }, None);
    }
}
