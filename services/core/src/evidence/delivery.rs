//! Whether a fault was delivered: in its time, and to the requests that it should have struck.

use crate::{
    fault::{FaultKind, FaultWindow},
    stats::{BUCKET_MS, BackendSeries, Ratio},
    wire::FaultRecord,
};

/// Most that a window's start or end may be off: half a bucket of the series, so that what a window met can be bounded by
/// whole buckets.
const WINDOW_MAX_US: u64 = BUCKET_MS * 1_000 / 2;
/// With a wider band than this, a fault that strikes half of what it should could not be told from one that works.
const TOLERANCE_MAX: f64 = 0.5;

/// One fault window as it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultEvidence {
    /// The window's name.
    pub name: String,
    /// Requests struck ÷ requests that should have been struck; `None` when none arrived.
    pub delivered: Option<Ratio>,
    /// How far its start and end were from the plan, the larger of the two, in microseconds; `None` when it never
    /// started or never ended.
    pub off_us: Option<u64>,
    /// Requests that it struck.
    affected: u64,
    /// The fewest and the most requests that it ended as they arrived: those are counted as injected, too.
    pub(super) injected: (u64, u64),
    /// Requests that met it by its record, where they cannot be those that the backends received in its time.
    unreceived: Option<u64>,
    /// The most by which `delivered` may differ from 1: three standard errors of the share that it strikes.
    tolerance: f64,
}

impl FaultEvidence {
    /// Compares a window's record with its plan, and with what the backends received. `records` are those of all backends.
    pub fn new<'a>(
        plan: &FaultWindow,
        records: impl Iterator<Item = &'a FaultRecord> + Clone,
        backend: &BackendSeries,
    ) -> Self {
        let exposed: u64 = records.clone().map(|r| r.exposed).sum();
        let affected: u64 = records.clone().map(|r| r.affected).sum();
        let p = f64::from(plan.kind.permille()) / 1_000.0;
        let off = |r: &FaultRecord| {
            let start = r.started_us?.abs_diff(plan.at_ms * 1_000);
            Some(start.max(r.ended_us?.abs_diff(plan.end_ms() * 1_000)))
        };
        Self {
            name: plan.name.clone(),
            delivered: Ratio::new(affected * 1_000, exposed * u64::from(plan.kind.permille())),
            affected,
            injected: match plan.kind {
                FaultKind::Error { .. } | FaultKind::Blackhole { .. } | FaultKind::Refuse { .. } => {
                    (affected, affected)
                }
                // It also cuts off those that are here already, which end in another way.
                FaultKind::Reset { .. } => (affected.saturating_sub(here_about(plan, backend)), affected),
                FaultKind::Latency { .. } | FaultKind::Freeze | FaultKind::Capacity { .. } => (0, 0),
            },
            unreceived: Some(exposed).filter(|exposed| !received_about(plan, backend).contains(exposed)),
            off_us: records.map(off).reduce(|a, b| Some(a?.max(b?))).flatten(),
            tolerance: 3.0 * ((1.0 - p) / (p * exposed.max(1) as f64)).sqrt(),
        }
    }

    pub(super) fn shortcoming(&self) -> Option<String> {
        let name = &self.name;
        match (self.delivered, self.off_us) {
            (_, None) => Some(format!("the fault {name} did not run from its start to its end")),
            (_, Some(us)) if us > WINDOW_MAX_US => {
                Some(format!("the fault {name} was {} ms off its schedule", us / 1_000))
            }
            (None, _) => Some(format!("no request met the fault {name}")),
            (Some(_), _) if self.affected == 0 => Some(format!("the fault {name} struck no request")),
            _ if self.unreceived.is_some() => Some(format!(
                "{} requests met the fault {name} by its record, and others were received in its time",
                self.unreceived.unwrap_or_default()
            )),
            (Some(_), _) if self.tolerance > TOLERANCE_MAX => {
                Some(format!("too few requests met the fault {name} to tell whether it was delivered"))
            }
            (Some(share), _) if (share.to_f64() - 1.0).abs() > self.tolerance => {
                Some(format!("the fault {name} struck {share} of the requests that it should have struck"))
            }
            _ => None,
        }
    }
}

/// The fewest and the most requests that can have met a window whose edges are off by less than a bucket.
fn received_about(plan: &FaultWindow, backend: &BackendSeries) -> std::ops::RangeInclusive<u64> {
    let received = |from, to: u64| backend.received.sum(from, Some(to.max(from)));
    let (from, to) = (plan.at_ms, plan.end_ms());
    let fewest = received(from + BUCKET_MS, to.saturating_sub(BUCKET_MS));
    let most = received(from.saturating_sub(BUCKET_MS), to + BUCKET_MS);
    let here = if matches!(plan.kind, FaultKind::Reset { .. }) { here_about(plan, backend) } else { 0 };
    fewest..=most + here
}

/// The most requests that can have been in the backends when a window began.
fn here_about(plan: &FaultWindow, backend: &BackendSeries) -> u64 {
    let received = backend.received.sum(0, Some(plan.at_ms + BUCKET_MS));
    received.saturating_sub(backend.ends().sum(0, Some(plan.at_ms.saturating_sub(BUCKET_MS))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a window of 5 s lacks that should strike `permille` of the requests, met `exposed` and struck `affected`.
    fn check(permille: u16, exposed: u64, affected: u64, expected: Option<&str>) {
        let kind = FaultKind::Error { status: 503, permille, retry_after_s: None };
        let plan = FaultWindow { name: "f".into(), at_ms: 1_000, for_ms: 5_000, kind, restart: false };
        let (started_us, ended_us) = (Some(1_000_500), Some(6_000_500));
        let record =
            FaultRecord { name: "f".into(), started_us, ended_us, exposed, affected, ..FaultRecord::default() };
        let mut backend = BackendSeries::default();
        (0..exposed).for_each(|_| backend.received.add(2_000_000));
        let lacks = FaultEvidence::new(&plan, std::iter::once(&record), &backend).shortcoming();
        assert_eq!(lacks.as_deref(), expected, "{affected} of {exposed} at {permille} per mille");
    }

    #[test]
    fn a_fault_that_struck_its_share_is_evidence() {
        check(1_000, 500, 500, None);
        check(500, 400, 180, None);
        check(50, 2_000, 110, None);
    }

    #[test]
    fn a_fault_that_struck_nobody_is_none_however_small_its_share() {
        check(1_000, 500, 0, Some("the fault f struck no request"));
        check(50, 100, 0, Some("the fault f struck no request"));
        check(10, 500, 0, Some("the fault f struck no request"));
    }

    #[test]
    fn too_few_requests_can_not_tell() {
        check(500, 8, 4, Some("too few requests met the fault f to tell whether it was delivered"));
        check(500, 0, 0, Some("no request met the fault f"));
    }

    #[test]
    fn a_fault_that_struck_another_share_is_named_with_it() {
        check(500, 400, 100, Some("the fault f struck 0.500 of the requests that it should have struck"));
        check(1_000, 400, 399, Some("the fault f struck 0.998 of the requests that it should have struck"));
    }

    /// Of 300 requests, spread over 3 s, those in the second of them met the fault; its edges may be off by a bucket.
    #[test]
    fn a_record_of_requests_that_were_not_received_in_its_time_is_named() {
        let plan =
            FaultWindow { name: "f".into(), at_ms: 1_000, for_ms: 1_000, kind: FaultKind::Freeze, restart: false };
        let mut backend = BackendSeries::default();
        (0..300).for_each(|i| backend.received.add(i * 10_000));
        let lacks = |exposed: u64| {
            let times = (Some(1_000_500), Some(2_000_500));
            let record = FaultRecord {
                started_us: times.0,
                ended_us: times.1,
                exposed,
                affected: exposed,
                ..FaultRecord::default()
            };
            FaultEvidence::new(&plan, std::iter::once(&record), &backend).shortcoming()
        };
        for exposed in [80, 100, 120] {
            assert_eq!(lacks(exposed), None);
        }
        for exposed in [79, 121, 200] {
            let expected =
                format!("{exposed} requests met the fault f by its record, and others were received in its time");
            assert_eq!(lacks(exposed), Some(expected));
        }
    }

    /// 30 requests wait when all connections are cut, and 100 more arrive: they all are met, and 100 end as they arrive.
    #[test]
    fn a_reset_may_also_strike_those_that_are_here_already() {
        let kind = FaultKind::Reset { permille: 1_000 };
        let plan = FaultWindow { name: "f".into(), at_ms: 1_000, for_ms: 1_000, kind, restart: false };
        let mut backend = BackendSeries::default();
        (0..200).for_each(|i| backend.received.add(i * 10_000));
        (0..70).for_each(|i| backend.completed.add(i * 10_000));
        let times = (Some(1_000_500), Some(2_000_500));
        let record = FaultRecord {
            started_us: times.0,
            ended_us: times.1,
            exposed: 130,
            affected: 130,
            ..FaultRecord::default()
        };
        let fault = FaultEvidence::new(&plan, std::iter::once(&record), &backend);
        assert_eq!(fault.shortcoming(), None);
        // Up to 110 received, of which 70 had ended by then: 40 at most were here.
        assert_eq!(fault.injected, (90, 130));
    }
}
