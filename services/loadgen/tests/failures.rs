//! What goes wrong is counted, once, and as what it is.

#[cfg(test)]
mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{
    ANSWER, Nobody, Reaction, Target, burst, check_sums, closed, finish, loadgen, open, plan, run, totals, wait_for,
};
use retrylab_runtime::{Run, RunClock, Workload};

fn check(react: impl Fn(&common::Arrival) -> Reaction + Clone + Send + 'static, ok: u64, failed: u64) {
    let target = Target::new(react);
    let n = ok + failed;
    assert_eq!(totals(&run(open(0, 100, vec![burst(0, 5), burst(50, 5)]), &target)), [n, n, 0, ok, failed]);
    assert_eq!(target.arrivals.len() as u64, n, "each request arrives once");
}

#[test]
fn an_answer_that_is_not_2xx_is_a_failure() {
    check(|a| Reaction::Answer(if a.tag.serial < 4 { 502 } else { 204 + 95 }), 6, 4);
    check(|_| Reaction::Answer(302), 0, 10);
}

#[test]
fn a_connection_that_breaks_is_a_failure_and_the_request_is_not_sent_twice() {
    check(|a| if a.tag.serial % 2 == 0 { Reaction::HangUp } else { Reaction::Answer(200) }, 5, 5);
}

#[test]
fn an_answer_that_is_cut_off_or_is_none_is_a_failure() {
    check(|_| Reaction::Say("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nhello"), 0, 10);
    check(|_| Reaction::Say("220 smtp ready\r\n"), 0, 10);
}

#[test]
fn an_answer_that_ends_with_its_connection_is_whole() {
    check(|_| Reaction::Say("HTTP/1.0 200 x\r\n\r\nhello"), 10, 0);
    check(|_| Reaction::Say("HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"), 10, 0);
}

#[test]
fn a_server_that_hangs_up_costs_no_request_whether_it_does_so_with_the_answer_or_afterwards() {
    check(|_| Reaction::Say(ANSWER), 10, 0);
    let target = Target::new(|_| Reaction::HangUpAfterwards);
    assert_eq!(totals(&run(open(0, 500, vec![burst(0, 20), burst(400, 20)]), &target)), [40, 40, 0, 40, 0]);
}

#[test]
fn a_request_without_an_answer_in_time_is_a_failure_and_its_connection_is_not_used_again() {
    let target = Target::new(|a| if a.tag.serial < 3 { Reaction::Ignore } else { Reaction::Answer(200) });
    let clock = RunClock::starting_in(20);
    let running =
        loadgen().begin("a1-0", &plan(open(0, 700, vec![burst(0, 5), burst(600, 5)]), target.address, 400), clock);
    let results = finish(&running);
    assert_eq!(totals(&results), [10, 10, 0, 7, 3]);
    let slowest = results.latency_us.iter().filter_map(|second| second.quantile_us(1_000)).max();
    assert!(slowest >= Some(400_000), "{slowest:?} µs");
}

#[test]
fn what_cannot_be_sent_is_dropped_not_failed() {
    let (nobody, load) = (Nobody::new(), open(100, 100, vec![]));
    let running = loadgen().begin("a1-0", &plan(load, nobody.address(), 5_000), RunClock::starting_in(20));
    assert_eq!(totals(&finish(&running)), [10, 0, 10, 0, 0]);
    let unknown = plan(open(100, 100, vec![]), "[no host]:1", 5_000);
    assert_eq!(totals(&finish(&loadgen().begin("a1-0", &unknown, RunClock::starting_in(20)))), [10, 0, 10, 0, 0]);
}

#[test]
fn what_is_due_when_no_connection_may_be_opened_any_more_is_dropped() {
    let target = Target::new(|_| Reaction::After(Duration::from_millis(30)));
    let few = loadgen().with_max_connections(4);
    let load = open(0, 600, vec![burst(0, 10), burst(500, 3)]);
    let running = few.begin("a1-0", &plan(load, target.address, 5_000), RunClock::starting_in(20));
    assert_eq!(totals(&finish(&running)), [13, 7, 6, 7, 0]);
}

#[test]
fn a_stopped_run_sends_nothing_more_and_gives_up_what_is_under_way() {
    let target = Target::new(|_| Reaction::Ignore);
    let load = open(0, 60_000, vec![burst(0, 5), burst(30_000, 5)]);
    let running = loadgen().begin("a1-0", &plan(load, target.address, 5_000), RunClock::starting_in(20));
    wait_for("the burst", || running.results().in_flight == 5 && target.arrivals.len() == 5);
    check_sums(&running.results());
    assert!(!running.is_idle());
    running.stop();
    assert_eq!(totals(&running.results()), [5, 5, 0, 0, 5]);
    assert_eq!((running.results().in_flight, target.arrivals.len()), (0, 5));
}

#[test]
fn a_run_can_be_stopped_before_it_starts() {
    let target = Target::good();
    let running =
        loadgen().begin("a1-0", &plan(closed(3, 0, 1_000), target.address, 5_000), RunClock::starting_in(60_000));
    running.stop();
    assert_eq!(totals(&running.results()), [0; 5]);
    running.stop();
}

#[test]
fn the_sums_hold_whatever_happens_and_whenever_one_looks() {
    let count = Arc::new(AtomicU64::new(0));
    let target = Target::new(move |_| match count.fetch_add(1, Ordering::SeqCst) % 5 {
        0 => Reaction::HangUp,
        1 => Reaction::Answer(500),
        2 => Reaction::Ignore,
        3 => Reaction::Say(ANSWER),
        _ => Reaction::Answer(200),
    });
    let running =
        loadgen().begin("a1-0", &plan(open(1_000, 300, vec![]), target.address, 50), RunClock::starting_in(20));
    wait_for("the run's end", || {
        check_sums(&running.results());
        running.is_idle()
    });
    assert_eq!(finish(&running).series.planned.total(), 300);
    let sent = running.results().series.sent.total();
    wait_for("the last arrivals", || target.arrivals.len() as u64 >= sent);
    assert_eq!(target.arrivals.len() as u64, sent, "every request that was sent arrives, once");
}
