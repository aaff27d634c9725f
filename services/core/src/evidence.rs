//! Whether a run's numbers may carry a verdict: was the fault delivered, the load achieved, was everything counted, and
//! counted twice with the same result? A run that lacks evidence is Inconclusive, never Passed.

use crate::{
    fault::FaultWindow,
    policy::Fate,
    stats::{ArmCounts, Ratio, SparseHistogram},
    wire::FaultRecord,
};

/// Least share of the planned requests that must have been sent, in thousandths.
const LOAD_MIN_PERMILLE: u64 = 990;
/// Most that the generator's p99 may be late: one bucket of the series.
const LATENESS_MAX_US: u64 = 100_000;
/// Most that a window's start or end may be off.
const WINDOW_MAX_US: u64 = 50_000;
/// With a wider band than this, a fault that strikes half of what it should could not be told from one that works.
const TOLERANCE_MAX: f64 = 0.5;

/// What is known about how a run went.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// For each fault window: the share of the requests it should have struck that it did strike.
    pub faults: Vec<FaultEvidence>,
    /// Requests sent ÷ requests planned.
    pub load_achieved: Option<Ratio>,
    /// The sum of all differences between counts that must agree; 0 on a lossless run.
    pub accounting_gap: u64,
    /// The load generator's lateness, p99, in microseconds.
    pub lateness_p99_us: Option<u64>,
    /// What else makes the counts partial or foreign, in words.
    pub notes: Vec<String>,
}

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
    /// The most by which `delivered` may differ from 1: three standard errors of the share that it strikes.
    tolerance: f64,
}

impl FaultEvidence {
    /// Compares a window's record with its plan. `records` are those of all backends.
    pub fn new<'a>(plan: &FaultWindow, records: impl Iterator<Item = &'a FaultRecord> + Clone) -> Self {
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
            off_us: records.map(off).reduce(|a, b| Some(a?.max(b?))).flatten(),
            tolerance: 3.0 * ((1.0 - p) / (p * exposed.max(1) as f64)).sqrt(),
        }
    }

    fn shortcoming(&self) -> Option<String> {
        let name = &self.name;
        match (self.delivered, self.off_us) {
            (_, None) => Some(format!("the fault {name} did not run from its start to its end")),
            (_, Some(us)) if us > WINDOW_MAX_US => {
                Some(format!("the fault {name} was {} ms off its schedule", us / 1_000))
            }
            (None, _) => Some(format!("no request met the fault {name}")),
            (Some(_), _) if self.affected == 0 => Some(format!("the fault {name} struck no request")),
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

/// The sum of all differences between counts that must agree: requests sent and received, attempts made and received,
/// successes as the client and as the load generator saw them, fates and requests, requests received and their ends.
pub fn accounting_gap(counts: &ArmCounts) -> u64 {
    let ArmCounts { load, client, inner, backend } = counts;
    let mut pairs = vec![
        (load.planned.total(), load.sent.total() + load.dropped.total()),
        (load.sent.total(), load.ok.total() + load.failed.total()),
        (load.ok.total(), client.ok.total() + client.ok_after_retry.total()),
        (backend.received.total(), backend.ended()),
    ];
    let mut sent = load.sent.total();
    for client in std::iter::once(client).chain(inner) {
        let ended: u64 = Fate::ALL.iter().map(|&fate| client.fate(fate).total()).sum();
        pairs.extend([(sent, client.requests.total()), (client.requests.total(), ended)]);
        sent = client.attempts.total();
    }
    pairs.push((sent, backend.received.total()));
    pairs.iter().map(|(a, b)| a.abs_diff(*b)).sum()
}

impl Evidence {
    /// The evidence of an arm.
    pub fn new(
        counts: &ArmCounts,
        lateness_us: &SparseHistogram,
        faults: Vec<FaultEvidence>,
        notes: Vec<String>,
    ) -> Self {
        Self {
            faults,
            load_achieved: Ratio::new(counts.load.sent.total(), counts.load.planned.total()),
            accounting_gap: accounting_gap(counts),
            lateness_p99_us: lateness_us.quantile_us(990),
            notes,
        }
    }

    /// The least of the fault windows' delivered shares; `None` when there are no windows or one of them met no request.
    pub fn fault_delivered(&self) -> Option<Ratio> {
        self.faults.iter().map(|f| f.delivered).collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// What the evidence lacks, in words; empty when it carries a verdict.
    pub fn shortcomings(&self) -> Vec<String> {
        let mut lacks = self.notes.clone();
        lacks.extend(self.faults.iter().filter_map(FaultEvidence::shortcoming));
        match self.load_achieved {
            None => lacks.push("no request was planned".into()),
            Some(share) if share < Ratio::new(LOAD_MIN_PERMILLE, 1_000).unwrap_or(share) => {
                lacks.push(format!("only {share} of the planned load was sent"));
            }
            Some(_) => {}
        }
        if self.accounting_gap > 0 {
            lacks.push(format!("the counts of client, backend and load generator differ by {}", self.accounting_gap));
        }
        match self.lateness_p99_us {
            None => lacks.push("the load generator sent nothing".into()),
            Some(us) if us > LATENESS_MAX_US => {
                lacks.push(format!("the load generator was {} ms late (p99)", us / 1_000));
            }
            Some(_) => {}
        }
        lacks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fault::FaultKind, station::End};

    /// What a window of 5 s lacks that should strike `permille` of the requests, met `exposed` and struck `affected`.
    fn check(permille: u16, exposed: u64, affected: u64, expected: Option<&str>) {
        let kind = FaultKind::Error { status: 503, permille };
        let plan = FaultWindow { name: "f".into(), at_ms: 1_000, for_ms: 5_000, kind, restart: false };
        let (started_us, ended_us) = (Some(1_000_500), Some(6_000_500));
        let record =
            FaultRecord { name: "f".into(), started_us, ended_us, exposed, affected, ..FaultRecord::default() };
        let lacks = FaultEvidence::new(&plan, std::iter::once(&record)).shortcoming();
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
    fn a_request_that_the_backend_received_and_that_had_no_end_is_a_gap() {
        let mut counts = ArmCounts::default();
        counts.client.attempts.add(0);
        counts.backend.received.add(0);
        assert_eq!(accounting_gap(&counts), 1);
        counts.backend.left(5, End::Dropped, false);
        assert_eq!(accounting_gap(&counts), 0);
        counts.backend.left(5, End::Expired, false);
        assert_eq!(accounting_gap(&counts), 1, "two ends are one too many");
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
}
