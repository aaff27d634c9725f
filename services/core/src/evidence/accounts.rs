//! Double entry: the counts that must agree, since another party or another column has counted the same.

use super::load::LATENESS_MAX_US;
use crate::{
    load::{LoadPlan, LoadShape},
    policy::Fate,
    stats::{ArmCounts, ClientSeries, Counts, SparseHistogram},
};

/// Completions that the client neither took as a success nor was gone for, as a share of all: whoever is given up is hung up
/// on at once, so that the answer must have been on its way in that moment, which doesn't happen this often.
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
pub fn disagreements(counts: &ArmCounts, plan: &LoadPlan) -> Vec<Disagreement> {
    let mut gaps = load_gaps(counts).to_vec();
    gaps.extend(users_gaps(counts, plan));
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
fn load_gaps(counts: &ArmCounts) -> [Disagreement; 10] {
    let ArmCounts { load, client, latency_us, lateness_us, .. } = counts;
    let successes = [client.fate(Fate::Ok), client.fate(Fate::OkAfterRetry)];
    let answers = load.ok.total() + load.failed.total();
    let latencies: u64 = latency_us.iter().map(SparseHistogram::count).sum();
    let in_second = |(second, of_it): (u64, &SparseHistogram)| {
        let successes = load.goodput.sum(second * 1_000, Some((second + 1) * 1_000));
        successes.saturating_sub(of_it.count())
    };
    let (fewest_late, most_late) = lateness_us.above(LATENESS_MAX_US);
    let late = load.late.total();
    [
        of("requests planned, and sent or dropped", gap(&[&load.planned], &[&load.sent, &load.dropped])),
        of("requests sent and answered", gap(&[&load.sent], &[&load.ok, &load.failed])),
        of("successes of load generator and clients", gap(&[&load.ok], &successes)),
        of("successes by cohort and by answer", load.ok.total().abs_diff(load.goodput.total())),
        of("successes before their requests", load.goodput.lead_over(&load.ok)),
        of("answers and their latencies", answers.abs_diff(latencies)),
        of("successes and latencies of each second", (0..).zip(latency_us).map(in_second).sum()),
        of("requests sent and their lateness", load.sent.total().abs_diff(lateness_us.count())),
        of("late requests among those sent", load.late.excess_over(&load.sent)),
        of("late requests and their lateness", late.abs_diff(late.clamp(fewest_late, most_late))),
    ]
}

/// With closed-loop users all requests beyond the bursts are theirs, and they waited no longer than all requests together took;
/// in an open loop there are none.
fn users_gaps(counts: &ArmCounts, plan: &LoadPlan) -> [Disagreement; 2] {
    let (users, planned) = (counts.users, counts.load.planned.total());
    let (of_users, longest_us, waited_us) = match plan.shape {
        LoadShape::Open { .. } => (0, 0, users.waited_us.saturating_add(users.waited_in_vain_us)),
        LoadShape::Closed { .. } => {
            let took = counts.latency_us.iter().map(SparseHistogram::sum_us).fold(0, u64::saturating_add);
            (planned.saturating_sub(plan.arrivals().count() as u64), took, users.waited_us)
        }
    };
    [
        of(
            "requests of users, and planned beside the bursts",
            users.ended.saturating_add(users.dropped).abs_diff(of_users),
        ),
        of("microseconds that users waited and requests took", waited_us.saturating_sub(longest_us)),
    ]
}

/// Of one client of the chain; `sent` is what was sent to it.
fn client_gaps(client: &ClientSeries, sent: &Counts) -> [Disagreement; 8] {
    let fates = Fate::ALL.map(|fate| client.fate(fate));
    // Attempts are first ones and retries. A budget, a breaker or a deadline may have denied a request its first attempt.
    let at_most = Counts::sum_of(&[&client.requests, &client.retries]);
    let denied = [Fate::BudgetDenied, Fate::BreakerOpen, Fate::Deadline].map(|fate| client.fate(fate));
    let with_denied = Counts::sum_of(&[&client.attempts, denied[0], denied[1], denied[2]]);
    [
        of("requests sent to clients and received", gap(&[sent], &[&client.requests])),
        of("requests and their fates", gap(&[&client.requests], &fates)),
        of("attempts, and more than requests with their retries", client.attempts.excess_over(&at_most)),
        of("attempts, and fewer than requests with their retries", at_most.excess_over(&with_denied)),
        of("attempts by cohort and on the wire", client.attempts.total().abs_diff(client.wire_attempts.total())),
        of("retries by cohort and on the wire", client.retries.total().abs_diff(client.wire_retries.total())),
        of("retries on the wire among attempts", client.wire_retries.excess_over(&client.wire_attempts)),
        of("retries before their requests", client.wire_retries.lead_over(&client.retries)),
    ]
}

/// What was completed and not wasted was waited for: all successes are among it, and little else.
fn backend_gaps(counts: &ArmCounts) -> [Disagreement; 5] {
    let (client, backend) = (counts.last_client(), &counts.backend);
    let (completed, wasted, ended) = (backend.completed.total(), backend.wasted.total(), backend.ends());
    let explained = wasted + client.fate(Fate::Ok).total() + client.fate(Fate::OkAfterRetry).total();
    let unexplained = completed.saturating_sub(explained);
    [
        of("attempts made and received by backends", client.attempts.total().abs_diff(backend.received.total())),
        of("requests received and ended by backends", backend.received.total().abs_diff(ended.total())),
        of("ends before their requests", ended.lead_over(&backend.received)),
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
    Counts::sum_of(left).distance(&Counts::sum_of(right))
}
