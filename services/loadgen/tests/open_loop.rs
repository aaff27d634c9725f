//! The open loop: what is planned is sent, when it is planned, whatever becomes of the rest.

#[cfg(test)]
mod common;

use std::sync::{Arc, Barrier};

use common::{Reaction, Target, burst, finish, loadgen, open, plan, run, totals};
use retrylab_core::load::ArrivalLaw;
use retrylab_core::load::LoadShape;
use retrylab_runtime::{RunClock, Workload};

#[test]
fn every_arrival_is_sent_once_with_its_intended_start_and_its_number() {
    let target = Target::good();
    let mut load = open(500, 300, vec![]);
    load.shape = LoadShape::Open { rate: 500, arrivals: ArrivalLaw::Poisson };
    let planned: Vec<_> = load.arrivals().map(|offset| offset.as_micros() as u64).zip(0u64..).collect();
    let n = planned.len() as u64;
    assert_eq!(totals(&run(load, &target)), [n, n, 0, n, 0]);
    let mut seen: Vec<_> = target.arrivals.all().into_iter().map(|a| (a.tag.offset_us, a.tag.serial)).collect();
    seen.sort_unstable();
    assert_eq!(seen, planned);
    let head = &target.arrivals.all()[0].head;
    assert!(head.starts_with("GET /process HTTP/1.1\r\n") && head.contains(&format!("host: {}\r\n", target.address)));
}

#[test]
fn a_burst_is_exactly_as_many_requests_all_under_way_at_once() {
    // Nobody is answered before the last has arrived: they are all under way together or the test never ends.
    let all = Arc::new(Barrier::new(300));
    let target = Target::new(move |_| {
        all.wait();
        Reaction::Answer(200)
    });
    assert_eq!(totals(&run(open(0, 100, vec![burst(50, 300)]), &target)), [300, 300, 0, 300, 0]);
    assert!(target.arrivals.all().iter().all(|a| a.tag.offset_us == 50_000));
}

#[test]
fn a_server_that_does_not_answer_delays_no_later_request() {
    // Nobody is answered before the last has arrived, 200 ms after the first.
    let all = Arc::new(Barrier::new(40));
    let target = Target::new(move |_| {
        all.wait();
        Reaction::Answer(200)
    });
    assert_eq!(totals(&run(open(200, 200, vec![]), &target)), [40, 40, 0, 40, 0]);
}

#[test]
fn what_was_due_before_a_late_hand_over_is_left_out_and_the_rest_keeps_its_numbers() {
    let target = Target::good();
    let clock = RunClock::starting_in(-1_000);
    let running = loadgen().begin("a1-0", &plan(open(100, 1_200, vec![burst(500, 50)]), target.address, 5_000), clock);
    let results = finish(&running);
    assert_eq!(totals(&results), [20, 20, 0, 20, 0]);
    assert_eq!(results.series.planned.sum(0, Some(1_000)), 0);
    let mut serials: Vec<_> = target.arrivals.all().iter().map(|a| a.tag.serial).collect();
    serials.sort_unstable();
    assert_eq!(serials, (150..170).collect::<Vec<_>>());
}

/// In most places `localhost` is an address of each family, and this target serves one.
#[test]
fn a_name_with_an_address_that_nobody_serves_costs_no_request() {
    let target = Target::good();
    let plan = plan(open(100, 100, vec![burst(50, 10)]), format!("localhost:{}", target.address.port()), 5_000);
    let running = loadgen().begin("a1-0", &plan, RunClock::starting_in(20));
    assert_eq!(totals(&finish(&running)), [20, 20, 0, 20, 0]);
}

#[test]
fn a_load_of_nothing_is_over_at_once() {
    assert_eq!(totals(&run(open(0, 1_000, vec![]), &Target::good())), [0; 5]);
}
