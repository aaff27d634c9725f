//! Double entry: the counts that must agree, since another party or another column has counted the same.

use crate::{
    policy::Fate,
    stats::{ArmCounts, ClientSeries, Counts, SparseHistogram},
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
    let mut gaps = load_gaps(counts).to_vec();
    let mut sent = &counts.load.sent;
    for client in counts.layers() {
        gaps.extend(client_gaps(client, sent));
        sent = &client.attempts;
    }
    gaps.extend(backend_gaps(counts));
    gaps.retain(|disagreement| disagreement.gap > 0);
    gaps
}

/// Every request carries its intended start, so columns by cohort agree in each bucket; others in their totals.
fn load_gaps(counts: &ArmCounts) -> [Disagreement; 6] {
    let ArmCounts { load, client, latency_us, lateness_us, .. } = counts;
    let successes = [client.fate(Fate::Ok), client.fate(Fate::OkAfterRetry)];
    let answers = load.ok.total() + load.failed.total();
    let latencies: u64 = latency_us.iter().map(SparseHistogram::count).sum();
    [
        of("requests planned, and sent or dropped", gap(&[&load.planned], &[&load.sent, &load.dropped])),
        of("requests sent and answered", gap(&[&load.sent], &[&load.ok, &load.failed])),
        of("successes of load generator and clients", gap(&[&load.ok], &successes)),
        of("successes by cohort and by answer", load.ok.total().abs_diff(load.goodput.total())),
        of("answers and their latencies", answers.abs_diff(latencies)),
        of("requests sent and their lateness", load.sent.total().abs_diff(lateness_us.count())),
    ]
}

/// Of one client of the chain; `sent` is what was sent to it.
fn client_gaps(client: &ClientSeries, sent: &Counts) -> [Disagreement; 5] {
    let fates = Fate::ALL.map(|fate| client.fate(fate));
    let (requests, attempts, retries) = (client.requests.total(), client.attempts.total(), client.wire_retries.total());
    // A budget, a breaker or a deadline may have denied a request even its first attempt.
    let denied = [Fate::BudgetDenied, Fate::BreakerOpen, Fate::Deadline].map(|fate| client.fate(fate).total());
    let allowed = requests.saturating_sub(denied.iter().sum()) + retries..=requests + retries;
    [
        of("requests sent to clients and received", gap(&[sent], &[&client.requests])),
        of("requests and their fates", gap(&[&client.requests], &fates)),
        of("attempts by cohort and on the wire", attempts.abs_diff(client.wire_attempts.total())),
        of("retries by cohort and on the wire", client.retries.total().abs_diff(retries)),
        of(
            "attempts, and requests with their retries",
            attempts.abs_diff(attempts.clamp(*allowed.start(), *allowed.end())),
        ),
    ]
}

/// What was completed and not wasted was waited for: all successes are among it, and little else.
fn backend_gaps(counts: &ArmCounts) -> [Disagreement; 4] {
    let (client, backend) = (counts.last_client(), &counts.backend);
    let (received, completed, wasted) = (backend.received.total(), backend.completed.total(), backend.wasted.total());
    let explained = wasted + client.fate(Fate::Ok).total() + client.fate(Fate::OkAfterRetry).total();
    let unexplained = completed.saturating_sub(explained);
    [
        of("attempts made and received by backends", client.attempts.total().abs_diff(received)),
        of("requests received and ended by backends", received.abs_diff(backend.ended())),
        of("successes and wasted work, and completions", explained.saturating_sub(completed)),
        of(
            "completions, and successes and wasted work",
            unexplained.saturating_sub(completed * UNEXPLAINED_MAX_PERCENT / 100),
        ),
    ]
}

const fn of(what: &'static str, gap: u64) -> Disagreement {
    Disagreement { what, gap }
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
