//! Double entry: the counts that must agree, since another party or another column has counted the same.

use crate::{
    policy::Fate,
    stats::{ArmCounts, Counts, SparseHistogram},
};

/// Completions that the client neither took as a success nor was gone for, as a share of all: it may have given up in the
/// moment in which the answer came, but not this often.
const UNEXPLAINED_MAX_PERCENT: u64 = 5;

/// Counts that should agree and don't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What is counted.
    pub what: &'static str,
    /// By how much; summed up over the buckets where both count by cohort.
    pub gap: u64,
}

/// What doesn't agree; nothing on a lossless run.
pub fn disagreements(counts: &ArmCounts) -> Vec<Disagreement> {
    let all = by_cohort(counts).into_iter().chain(in_all(counts)).chain(completions(counts));
    all.filter(|&(_, gap)| gap > 0).map(|(what, gap)| Disagreement { what, gap }).collect()
}

/// Every request carries its intended start, so these agree in each bucket.
fn by_cohort(counts: &ArmCounts) -> [(&'static str, u64); 5] {
    let ArmCounts { load, client, .. } = counts;
    let fates = Fate::ALL.map(|fate| client.fate(fate));
    let successes = [client.fate(Fate::Ok), client.fate(Fate::OkAfterRetry)];
    [
        ("requests planned, and sent or dropped", gap(&[&load.planned], &[&load.sent, &load.dropped])),
        ("requests sent and received by clients", gap(&[&load.sent], &[&client.requests])),
        ("requests sent and answered", gap(&[&load.sent], &[&load.ok, &load.failed])),
        ("requests and their fates", gap(&[&client.requests], &fates)),
        ("successes of load generator and clients", gap(&[&load.ok], &successes)),
    ]
}

/// Columns by another time, or with no time at all, agree in their totals.
fn in_all(counts: &ArmCounts) -> [(&'static str, u64); 7] {
    let ArmCounts { load, client, backend, latency_us, lateness_us } = counts;
    let (attempts, received) = (client.attempts.total(), backend.received.total());
    let (retries, answers) = (client.wire_retries.total(), load.ok.total() + load.failed.total());
    let ends = backend.injected.total() + backend.rejected.total() + backend.completed.total();
    let latencies: u64 = latency_us.iter().map(SparseHistogram::count).sum();
    [
        ("attempts by cohort and on the wire", attempts.abs_diff(client.wire_attempts.total())),
        ("attempts, and requests with their retries", attempts.abs_diff(client.requests.total() + retries)),
        ("attempts made and received by backends", attempts.abs_diff(received)),
        ("requests received and ended by backends", received.abs_diff(ends)),
        ("successes by cohort and by answer", load.ok.total().abs_diff(load.goodput.total())),
        ("answers and their latencies", answers.abs_diff(latencies)),
        ("requests sent and their lateness", load.sent.total().abs_diff(lateness_us.count())),
    ]
}

/// What was completed and not wasted was waited for: all successes are among it, and little else.
fn completions(counts: &ArmCounts) -> [(&'static str, u64); 2] {
    let ArmCounts { client, backend, .. } = counts;
    let (completed, wasted) = (backend.completed.total(), backend.wasted.total());
    let successes = client.fate(Fate::Ok).total() + client.fate(Fate::OkAfterRetry).total();
    let unexplained = completed.saturating_sub(wasted + successes);
    [
        ("completions, and successes with wasted work", (wasted + successes).saturating_sub(completed)),
        (
            "completions, and successes with wasted work",
            unexplained.saturating_sub(completed * UNEXPLAINED_MAX_PERCENT / 100),
        ),
    ]
}

/// The sum of the differences of all buckets.
fn gap(left: &[&Counts], right: &[&Counts]) -> u64 {
    let sum = |columns: &[&Counts]| {
        let mut sum = Counts::default();
        for column in columns {
            sum.merge(column);
        }
        sum
    };
    sum(left).distance(&sum(right))
}
