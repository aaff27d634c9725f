//! The engine turn by turn, where a run as a whole would depend on the moment.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use prometheus::Registry;
use retrylab_core::load::{ArrivalLaw, Burst};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use super::*;
use crate::books::SharedLedger;

/// An engine that sends ten requests at one instant.
fn engine(at_ms: u64, target: SocketAddr) -> (Engine, SharedLedger) {
    let bursts = vec![Burst { at_ms, size: BurstSize::Requests(10) }];
    let shape = LoadShape::Open { rate: 0, arrivals: ArrivalLaw::Uniform };
    let load = LoadPlan { seed: 1, duration_ms: 60_000, shape, bursts, shed: vec![] };
    let plan = LoadgenPlan { load, target: target.to_string(), timeout_ms: 30_000 };
    let (metrics, ledger) = (Metrics::new(&Registry::new()).unwrap(), SharedLedger::default());
    let journal = Journal::new(ledger.clone(), metrics.of_run("a1-0"));
    (Engine::new("a1-0", &plan, RunClock::starting_in(0), 100, journal, metrics).unwrap(), ledger)
}

fn turn_until(engine: &mut Engine, condition: impl Fn(&Engine) -> bool) {
    let begun = Instant::now();
    while !condition(engine) {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited too long: {engine:?}");
        engine.turn().unwrap();
    }
}

/// A socket that refuses connections until it listens.
fn refusing() -> (OwnedFd, SocketAddr) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = getsockname(&socket).unwrap().try_into().unwrap();
    (socket, address)
}

#[test]
fn requests_whose_connections_are_refused_are_sent_once_the_target_is_there() {
    let (socket, address) = refusing();
    let (mut engine, ledger) = engine(100, address);
    turn_until(&mut engine, |e| e.waiting.len() == 10 && e.pool.len() == 0 && !e.resolver.is_sure());
    listen(&socket, 16).unwrap();
    turn_until(&mut engine, |e| e.pool.busy() == 10);
    engine.journal.settle();
    assert_eq!((ledger.results().in_flight, ledger.results().series.dropped.total()), (10, 0));
}

#[test]
fn requests_whose_connections_are_refused_again_after_dns_was_asked_are_dropped() {
    let (_socket, address) = refusing();
    let (mut engine, ledger) = engine(100, address);
    turn_until(&mut engine, |e| e.waiting.len() == 10);
    let asked = engine.reports;
    turn_until(&mut engine, Engine::is_over);
    engine.journal.settle();
    assert_eq!((ledger.results().series.planned.total(), ledger.results().series.dropped.total()), (10, 10));
    assert!(engine.reports > asked, "DNS was asked again");
    assert!(engine.clock.now() < MAX_WAIT, "and that was that");
}

#[test]
fn a_request_waits_for_a_connection_no_longer_than_two_seconds() {
    let (_socket, address) = refusing();
    let (mut engine, ledger) = engine(0, address);
    let now = engine.clock.now();
    let due = engine.agenda.take_due(now).unwrap();
    engine.waiting.push_back(Waiting { due, until: now + MAX_WAIT, reports: 0 });
    engine.expire(now + MAX_WAIT - 1);
    assert_eq!(engine.waiting.len(), 1);
    engine.expire(now + MAX_WAIT);
    engine.journal.settle();
    assert_eq!((engine.waiting.len(), ledger.results().series.dropped.total()), (0, 1));
}

#[test]
fn a_reader_who_was_in_the_way_sees_what_happened_though_nothing_else_is_due() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut engine, ledger) = engine(0, listener.local_addr().unwrap());
    let reader = ledger.lock();
    turn_until(&mut engine, |e| e.pool.busy() == 10 && e.journal.is_behind());
    drop(reader);
    // Its next turn would otherwise end with the requests' timeout, half a minute from now.
    let brake = engine.brake();
    let running = thread::spawn(move || engine.run());
    let begun = Instant::now();
    while ledger.results().in_flight != 10 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the journal is not posted");
    }
    brake.pull();
    running.join().unwrap().unwrap();
    assert_eq!((ledger.results().in_flight, ledger.results().series.failed.total()), (0, 10));
}
