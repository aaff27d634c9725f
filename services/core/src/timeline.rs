//! A run's windows: the baseline before the first fault, each fault, the recovery after the last, and the total.

use crate::fault::FaultWindow;

/// Longest schedule of a run: one hour.
pub const MAX_DURATION_MS: u64 = 3_600_000;

/// The name of the window before the first fault.
pub const BASELINE: &str = "baseline";
/// The name of the window after the last fault.
pub const RECOVERY: &str = "recovery";
/// The name of the window over the whole run, its drain included.
pub const TOTAL: &str = "total";

/// A named stretch of a run: [from, to) in milliseconds after its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The fault's name, or [`BASELINE`], [`RECOVERY`] or [`TOTAL`].
    pub name: String,
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends; `None`: with the drain, whenever that ends.
    pub to_ms: Option<u64>,
}

/// The windows of a run, in the order in which results show them. A baseline or recovery of no length is left out, and
/// with no faults there is just the total.
pub fn windows(faults: &[FaultWindow], duration_ms: u64) -> Vec<Window> {
    let window = |name: &str, from_ms, to_ms| Window { name: name.to_owned(), from_ms, to_ms: Some(to_ms) };
    let mut windows = Vec::with_capacity(faults.len() + 3);
    if let (Some(first), Some(last)) = (faults.first(), faults.last()) {
        windows.push(window(BASELINE, 0, first.at_ms));
        windows.extend(faults.iter().map(|f| window(&f.name, f.at_ms, f.end_ms())));
        windows.push(window(RECOVERY, last.end_ms(), duration_ms));
        windows.retain(|w| w.to_ms > Some(w.from_ms));
    }
    windows.push(Window { name: TOTAL.to_owned(), from_ms: 0, to_ms: None });
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    fn names(faults: &[(u64, u64)], duration_ms: u64) -> Vec<String> {
        let fault = |&(at_ms, for_ms): &(u64, u64)| FaultWindow {
            name: format!("fault-{at_ms}"),
            at_ms,
            for_ms,
            kind: FaultKind::Freeze,
            restart: false,
        };
        windows(&faults.iter().map(fault).collect::<Vec<_>>(), duration_ms)
            .into_iter()
            .map(|w| format!("{} {}..{}", w.name, w.from_ms, w.to_ms.map_or_else(|| "drain".into(), |t| t.to_string())))
            .collect()
    }

    #[test]
    fn a_run_is_baseline_faults_recovery_and_total() {
        assert_eq!(
            names(&[(5_000, 10_000)], 30_000),
            ["baseline 0..5000", "fault-5000 5000..15000", "recovery 15000..30000", "total 0..drain"]
        );
    }

    #[test]
    fn windows_of_no_length_are_left_out() {
        assert_eq!(names(&[(0, 30_000)], 30_000), ["fault-0 0..30000", "total 0..drain"]);
        assert_eq!(names(&[], 30_000), ["total 0..drain"]);
    }
}
