//! The closed loop: users who wait for their answer.

#[cfg(test)]
mod common;

use std::time::Duration;

use common::{Nobody, Reaction, Target, burst, closed, finish, loadgen, plan, run, totals};
use retrylab_core::{
    evidence::Evidence,
    load::LoadPlan,
    stats::{ArmCounts, SparseHistogram},
    wire::LoadgenResults,
};
use retrylab_runtime::{RunClock, Workload};

#[test]
fn a_user_sends_again_when_it_has_its_answer_and_has_thought() {
    let target = Target::new(|_| Reaction::After(Duration::from_millis(20)));
    let results = run(closed(1, 30, 400), &target);
    let planned = results.series.planned.total();
    assert_eq!(totals(&results), [planned, planned, 0, planned, 0]);
    let due_us: Vec<_> = target.arrivals.all().iter().map(|a| a.tag.offset_us).collect();
    assert!(due_us.len() > 1 && due_us.is_sorted(), "{due_us:?}");
    let shortest = due_us.windows(2).map(|w| w[1] - w[0]).min();
    assert!(shortest >= Some(50_000), "20 ms of service and 30 ms of thought: {due_us:?}");
}

#[test]
fn no_more_requests_are_under_way_than_there_are_users() {
    let target = Target::new(|_| Reaction::After(Duration::from_millis(15)));
    let running = loadgen().begin("a1-0", &plan(closed(4, 0, 300), target.address, 5_000), RunClock::starting_in(20));
    let mut most = 0;
    common::wait_for("the run's end", || {
        use retrylab_runtime::Run;
        most = most.max(running.results().in_flight);
        running.is_idle()
    });
    assert_eq!(most, 4);
    finish(&running);
}

#[test]
fn a_users_request_is_due_when_it_has_thought_so_its_latency_is_the_servers() {
    let target = Target::new(|_| Reaction::After(Duration::from_millis(20)));
    let results = run(closed(1, 100, 400), &target);
    let fastest = merged(&results.latency_us).quantile_us(1).unwrap();
    assert!((20_000..100_000).contains(&fastest), "{fastest} µs");
}

#[test]
fn bursts_come_on_top_of_the_users() {
    let target = Target::new(|_| Reaction::After(Duration::from_millis(10)));
    let mut load = closed(1, 0, 200);
    load.bursts = vec![burst(100, 30)];
    let results = run(load, &target);
    let of_the_burst = target.arrivals.all().iter().filter(|a| a.tag.offset_us == 100_000 && a.tag.serial < 30).count();
    assert_eq!((of_the_burst, results.series.dropped.total()), (30, 0));
}

#[test]
fn users_who_cannot_send_are_counted_and_try_again_after_a_pause() {
    let nobody = Nobody::new();
    let load = plan(closed(2, 0, 250), nobody.address(), 5_000);
    let running = loadgen().begin("a1-0", &load, RunClock::starting_in(20));
    let results = finish(&running);
    let planned = results.series.planned.total();
    assert!((2..=6).contains(&planned), "{planned} requests");
    assert_eq!(totals(&results), [planned, 0, planned, 0, 0]);
}

/// However slow the machine is, what users wait and pause is their time; and where they can't send, too.
#[test]
fn users_account_for_the_time_that_they_were_to_be_there() {
    let target = Target::new(|arrival| Reaction::After(Duration::from_millis(arrival.tag.serial % 7 * 5)));
    let mut load = closed(6, 10, 400);
    load.bursts = vec![burst(100, 30)];
    check_users(&load, &run(load.clone(), &target));
    let (nobody, load) = (Nobody::new(), closed(2, 0, 250));
    let running = loadgen().begin("a1-0", &plan(load.clone(), nobody.address(), 5_000), RunClock::starting_in(20));
    check_users(&load, &finish(&running));
}

fn check_users(load: &LoadPlan, results: &LoadgenResults) {
    let LoadgenResults { series, users, latency_us, lateness_us, .. } = results.clone();
    let counts = ArmCounts { load: series, users, latency_us, lateness_us, ..ArmCounts::default() };
    let lacks = Evidence::new(&counts, load, &[], vec![], vec![]).shortcomings();
    assert!(!lacks.iter().any(|lack| lack.contains("users")), "{lacks:?} of {users:?}");
    assert!(users.ended + users.dropped > 0, "{users:?}");
}

fn merged(seconds: &[SparseHistogram]) -> SparseHistogram {
    let mut all = SparseHistogram::default();
    for second in seconds {
        all.merge(second);
    }
    all
}
