//! The books alone, without an engine.

use prometheus::Registry;
use retrylab_core::stats::SparseHistogram;

use super::*;

fn journal() -> (Journal, SharedLedger) {
    let ledger = SharedLedger::default();
    (Journal::new(ledger.clone(), crate::Metrics::new(&Registry::new()).unwrap().of_run("a1-0")), ledger)
}

fn post(entries: &[Entry]) -> LoadgenResults {
    let (mut journal, ledger) = journal();
    for &entry in entries {
        journal.note(entry);
    }
    journal.post();
    ledger.results()
}

fn sent(due_us: u64) -> Entry {
    Entry::Sent { due_us, at_us: due_us + 40 }
}

fn ended(due_us: u64, at_us: u64, outcome: Outcome) -> Entry {
    Entry::Ended { due_us, at_us, outcome, by_user: false }
}

#[test]
fn a_request_counts_by_its_intended_start_and_its_success_by_the_answer_too() {
    let results = post(&[sent(150_000), ended(150_000, 350_000, Outcome::Ok)]);
    for counts in [&results.series.planned, &results.series.sent, &results.series.ok] {
        assert_eq!((counts.sum(100, Some(200)), counts.total()), (1, 1));
    }
    assert_eq!((results.series.goodput.sum(300, Some(400)), results.series.goodput.total()), (1, 1));
    assert_eq!((results.series.failed.total(), results.series.dropped.total(), results.in_flight), (0, 0, 0));
    assert_eq!(results.lateness_us.quantile_us(500), Some(40));
}

#[test]
fn every_outcome_but_ok_is_a_failure_and_no_goodput() {
    for outcome in Outcome::ALL.into_iter().filter(|&o| o != Outcome::Ok) {
        let results = post(&[sent(0), ended(0, 10, outcome)]);
        assert_eq!((results.series.failed.total(), results.series.ok.total()), (1, 0), "{outcome:?}");
        assert_eq!((results.series.goodput.total(), results.latency_us[0].count()), (0, 1), "{outcome:?}");
    }
}

#[test]
fn a_dropped_request_was_planned_and_has_neither_latency_nor_lateness() {
    let results = post(&[Entry::Dropped { due_us: 0, at_us: 0, by_user: false }]);
    assert_eq!((results.series.planned.total(), results.series.dropped.total()), (1, 1));
    assert_eq!((results.latency_us.len(), results.lateness_us.count()), (0, 0));
}

#[test]
fn only_2xx_is_ok() {
    assert_eq!(
        [199, 200, 299, 300, 502].map(|s| Outcome::of_status(s) == Outcome::Ok),
        [false, true, true, false, false]
    );
}

#[test]
fn latencies_lie_in_the_second_of_the_answer_and_seconds_without_answers_are_empty() {
    let answers = [(0, 500_000), (0, 999_999), (0, 1_000_000), (3_000_000, 3_200_000)];
    let entries: Vec<_> = answers.iter().flat_map(|&(due, at)| [sent(due), ended(due, at, Outcome::Ok)]).collect();
    let counts: Vec<_> = post(&entries).latency_us.iter().map(SparseHistogram::count).collect();
    assert_eq!(counts, [2, 1, 0, 1]);
}

#[test]
fn a_request_that_is_sent_and_not_answered_is_in_flight() {
    let results = post(&[sent(0), sent(0), ended(0, 10, Outcome::Ok)]);
    assert_eq!((results.in_flight, results.latency_us.len()), (1, 1));
}

#[test]
fn the_engine_does_not_wait_for_a_reader_and_loses_nothing() {
    let (mut journal, ledger) = journal();
    let reader = ledger.lock();
    journal.note(sent(0));
    journal.post();
    assert!(journal.is_behind());
    drop(reader);
    journal.post();
    assert_eq!((journal.is_behind(), ledger.results().series.sent.total()), (false, 1));
}
