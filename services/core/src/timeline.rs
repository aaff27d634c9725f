//! A run's windows: the baseline before the first fault, each fault, the recovery after the last, each stretch in which
//! the load is shed with what comes after it, and the total.

use crate::{fault::FaultWindow, load::Shed};

/// Longest schedule of a run: one hour.
pub const MAX_DURATION_MS: u64 = 3_600_000;

/// The name of the window before the first fault.
pub const BASELINE: &str = "baseline";
/// The name of the window after the last fault.
pub const RECOVERY: &str = "recovery";
/// Begins the name of the window that follows a stretch in which the load is shed: from its end to the next one.
pub const AFTER: &str = "after-";
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

/// The windows of a run, in the order in which results show them. A window of no length is left out, and so are baseline
/// and recovery where there are no faults. The recovery ends where the load is first shed after the last fault: what comes
/// then is not the service's own doing.
pub fn windows(faults: &[FaultWindow], shed: &[Shed], duration_ms: u64) -> Vec<Window> {
    let window = |name: &str, from_ms, to_ms| Window { name: name.to_owned(), from_ms, to_ms: Some(to_ms) };
    let mut windows = Vec::with_capacity(faults.len() + 2 * shed.len() + 3);
    if let (Some(first), Some(last)) = (faults.first(), faults.last()) {
        windows.push(window(BASELINE, 0, first.at_ms));
        windows.extend(faults.iter().map(|f| window(&f.name, f.at_ms, f.end_ms())));
        windows.push(window(RECOVERY, last.end_ms(), shed_from(shed, last.end_ms()).unwrap_or(duration_ms)));
    }
    for (i, stretch) in shed.iter().enumerate() {
        let next = shed.get(i + 1).map_or(duration_ms, |next| next.at_ms);
        windows.push(window(&stretch.name, stretch.at_ms, stretch.end_ms()));
        windows.push(window(&format!("{AFTER}{}", stretch.name), stretch.end_ms(), next));
    }
    windows.retain(|w| w.to_ms > Some(w.from_ms));
    windows.push(Window { name: TOTAL.to_owned(), from_ms: 0, to_ms: None });
    windows
}

/// When the load is first shed from `from_ms` on.
pub fn shed_from(shed: &[Shed], from_ms: u64) -> Option<u64> {
    shed.iter().map(|stretch| stretch.at_ms).find(|&at| at >= from_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    fn names(faults: &[(u64, u64)], shed: &[(u64, u64)], duration_ms: u64) -> Vec<String> {
        let stretch = |&(at_ms, for_ms): &(u64, u64)| Shed { name: format!("shed-{at_ms}"), at_ms, for_ms, percent: 0 };
        let shed: Vec<_> = shed.iter().map(stretch).collect();
        let fault = |&(at_ms, for_ms): &(u64, u64)| FaultWindow {
            name: format!("fault-{at_ms}"),
            at_ms,
            for_ms,
            kind: FaultKind::Freeze,
            restart: false,
        };
        windows(&faults.iter().map(fault).collect::<Vec<_>>(), &shed, duration_ms)
            .into_iter()
            .map(|w| format!("{} {}..{}", w.name, w.from_ms, w.to_ms.map_or_else(|| "drain".into(), |t| t.to_string())))
            .collect()
    }

    #[test]
    fn a_run_is_baseline_faults_recovery_and_total() {
        assert_eq!(
            names(&[(5_000, 10_000)], &[], 30_000),
            ["baseline 0..5000", "fault-5000 5000..15000", "recovery 15000..30000", "total 0..drain"]
        );
    }

    #[test]
    fn windows_of_no_length_are_left_out() {
        assert_eq!(names(&[(0, 30_000)], &[], 30_000), ["fault-0 0..30000", "total 0..drain"]);
        assert_eq!(names(&[], &[], 30_000), ["total 0..drain"]);
    }

    #[test]
    fn a_recovery_ends_where_the_load_is_shed_and_what_comes_after_is_a_window_of_its_own() {
        assert_eq!(
            names(&[(5_000, 10_000)], &[(20_000, 2_000), (25_000, 5_000)], 30_000),
            [
                "baseline 0..5000",
                "fault-5000 5000..15000",
                "recovery 15000..20000",
                "shed-20000 20000..22000",
                "after-shed-20000 22000..25000",
                "shed-25000 25000..30000",
                "total 0..drain",
            ]
        );
        assert_eq!(names(&[], &[(0, 1_000)], 2_000), ["shed-0 0..1000", "after-shed-0 1000..2000", "total 0..drain"]);
    }
}
