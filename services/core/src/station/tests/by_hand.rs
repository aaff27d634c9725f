//! Small cases, worked out by hand.

use super::*;

#[test]
fn a_late_timer_takes_nothing_from_the_capacity() {
    let mut bench = Bench::plain(1, 10);
    (0..3).for_each(|_| bench.take(0));
    // One look, long after all of it was due: each service began when the one before was over.
    assert_eq!(bench.left_by(1_000), [(0, "served", 10), (1, "served", 20), (2, "served", 30)]);
}

#[test]
fn workers_fill_first_then_the_queue_then_requests_are_rejected() {
    let mut bench = Bench::plain(1, 1);
    (0..3).for_each(|_| bench.take(0));
    assert_eq!((bench.station.in_service(), bench.station.queued()), (1, 1));
    assert_eq!(bench.left_by(0), [(2, "rejected", 0)]);
    assert_eq!(bench.left_by(20), [(0, "served", 10), (1, "served", 20)]);
}

#[test]
fn a_freeze_holds_what_is_in_service_and_lets_it_go_on_where_it_was() {
    let mut bench = Bench::plain(1, 10);
    bench.take(0);
    bench.freeze(6);
    assert_eq!((bench.left_by(500), bench.station.next_event()), (vec![], None));
    bench.fault(500, None);
    assert_eq!(bench.station.next_event(), Some(ms(504)));
    assert_eq!(bench.left_by(504), [(0, "served", 504)]);
}

#[test]
fn in_a_freeze_workers_and_queue_fill_up_and_nobody_leaves_but_the_rejected() {
    let mut bench = Bench::plain(1, 1);
    bench.freeze(0);
    (0..3).for_each(|_| bench.take(5));
    assert_eq!(bench.left_by(90), [(2, "rejected", 5)]);
    bench.fault(100, None);
    assert_eq!(bench.left_by(200), [(0, "served", 110), (1, "served", 120)]);
}

#[test]
fn a_delayed_request_takes_no_capacity_before_it_arrives() {
    let mut bench = Bench::plain(1, 0);
    bench.delay(0, 50);
    bench.take(20);
    assert_eq!(bench.left_by(45), [(1, "served", 30)]);
    assert_eq!(bench.station.next_event(), Some(ms(50)));
    assert_eq!(bench.left_by(60), [(0, "served", 60)]);
}

#[test]
fn delays_run_through_a_freeze() {
    let mut bench = Bench::plain(1, 0);
    bench.delay(0, 50);
    bench.freeze(10);
    assert_eq!(bench.station.next_event(), Some(ms(50)));
    bench.fault(70, None);
    assert_eq!(bench.left_by(80), [(0, "served", 80)]);
}

#[test]
fn with_no_service_time_a_request_is_served_as_it_arrives() {
    let mut bench = Bench::new(BackendModel::plain(1, 0, 0));
    bench.take(3);
    assert_eq!(bench.left_by(3), [(0, "served", 3)]);
}

#[test]
fn last_in_first_out_serves_the_newest_and_still_turns_newcomers_away() {
    let mut bench = Bench::new(BackendModel { discipline: Discipline::Lifo, ..BackendModel::plain(1, 2, 10_000) });
    (0..4).for_each(|at| bench.take(at));
    assert_eq!(bench.left_by(100), [(3, "rejected", 3), (0, "served", 10), (2, "served", 20), (1, "served", 30)]);
}

/// Service of 10 ms and one worker: whoever finds n before it has waited 10·n ms. CoDel looks when a request is taken
/// out of the queue, each 10 ms; the first wait of 20 ms is seen at 20 ms, and an interval later it drops.
#[test]
fn codel_drops_at_the_head_after_an_interval_of_long_waits() {
    let discipline = Discipline::Codel { target_us: 15_000, interval_us: 50_000 };
    let mut bench = Bench::new(BackendModel { discipline, ..BackendModel::plain(1, 100, 10_000) });
    (0..20).for_each(|_| bench.take(0));
    let left = bench.left_by(1_000);
    let dropped: Vec<_> = left.iter().filter(|l| l.1 == "dropped").map(|l| (l.0, l.2)).collect();
    // At 20, 30 … 60 ms it looks on; at 70 the seventh is dropped and the eighth served; then 50/√1 later, at 120 ms.
    assert_eq!(dropped[..2], [(7, 70), (13, 120)]);
    assert_eq!(left.iter().filter(|l| l.1 == "served").count() + dropped.len(), 20);
}

#[test]
fn a_request_whose_deadline_has_passed_when_it_would_be_served_is_not() {
    let mut bench = Bench::new(BackendModel { drop_expired: true, ..BackendModel::plain(1, 10, 10_000) });
    bench.take(0);
    bench.take_until(0, 10);
    bench.take_until(0, 11);
    bench.take_until(0, 15);
    // The second one's deadline passes as its turn comes; the third is served beyond it; the fourth is late by then.
    assert_eq!(bench.left_by(100), [(0, "served", 10), (1, "expired", 10), (2, "served", 20), (3, "expired", 20)]);
    bench.take_until(200, 150);
    assert_eq!(bench.left_by(200), [(4, "expired", 200)], "a free worker does not take it either");
}

#[test]
fn without_the_option_deadlines_and_disconnects_change_nothing() {
    let mut bench = Bench::plain(1, 10);
    (0..3).for_each(|_| bench.take_until(0, 1));
    bench.disconnect(5, 0);
    bench.disconnect(5, 2);
    assert_eq!(bench.left_by(100), [(0, "served", 10), (1, "served", 20), (2, "served", 30)]);
}

#[test]
fn a_disconnect_frees_the_place_in_the_queue_and_the_worker() {
    let mut bench = Bench::new(BackendModel { cancel_on_disconnect: true, ..BackendModel::plain(1, 2, 10_000) });
    (0..3).for_each(|_| bench.take(0));
    bench.disconnect(2, 1);
    bench.take(3);
    assert_eq!(bench.left_by(3), [(1, "cancelled", 2)], "its place was taken by the fourth");
    bench.disconnect(4, 0);
    assert_eq!(bench.left_by(14), [(0, "cancelled", 4), (2, "served", 14)], "its worker took up the third at once");
    assert_eq!(bench.left_by(24), [(3, "served", 24)]);
    bench.disconnect(30, 3);
    assert_eq!(bench.left_by(30), [], "who has left can't leave again");
}

#[test]
fn a_delayed_request_whose_client_has_gone_does_not_arrive() {
    let mut bench = Bench::new(BackendModel { cancel_on_disconnect: true, ..BackendModel::plain(1, 2, 10_000) });
    bench.delay(0, 50);
    bench.disconnect(10, 0);
    assert_eq!(bench.left_by(100), [(0, "cancelled", 50)]);
}

#[test]
fn a_capacity_fault_lets_those_in_service_finish_and_its_end_starts_those_that_wait() {
    let mut bench = Bench::plain(4, 10);
    (0..8).for_each(|_| bench.take(0));
    bench.fault(5, Some(&FaultKind::Capacity { left_permille: 500 }));
    assert_eq!(bench.station.in_service(), 4);
    let served = |numbers: [u32; 4], at| numbers.map(|number| (number, "served", at)).to_vec();
    assert_eq!(bench.left_by(10), served([0, 1, 2, 3], 10));
    assert_eq!(bench.station.in_service(), 2);
    bench.fault(15, None);
    assert_eq!(bench.station.in_service(), 4);
    assert_eq!(bench.left_by(30), [(4, "served", 20), (5, "served", 20), (6, "served", 25), (7, "served", 25)]);
}

#[test]
fn the_station_tells_whether_it_follows_a_fault() {
    let mut bench = Bench::plain(4, 10);
    let (half, third) = (FaultKind::Capacity { left_permille: 500 }, FaultKind::Capacity { left_permille: 333 });
    let error = FaultKind::Error { status: 503, permille: 1, retry_after_s: None };
    let follows = |bench: &Bench| [&half, &third, &FaultKind::Freeze, &error].map(|kind| bench.station.follows(kind));
    assert_eq!(follows(&bench), [false, false, false, true]);
    bench.fault(1, Some(&half));
    assert_eq!(follows(&bench), [true, false, false, false]);
    bench.freeze(2);
    assert_eq!(follows(&bench), [false, false, true, false]);
}

#[test]
fn workers_that_warm_up_take_those_that_wait_as_they_come() {
    let warm_up = Some(WarmUp { for_ms: 40, from_permille: 0 });
    let mut bench = Bench::new(BackendModel { warm_up, ..BackendModel::plain(4, 10, 100_000) });
    (0..4).for_each(|_| bench.take(0));
    let served: Vec<_> = bench.left_by(1_000).iter().map(|left| left.2).collect();
    assert_eq!(served, [100, 120, 130, 140], "one at once, the others at 20, 30 and 40 ms");
    bench.station.restart(ms(2_000), &mut bench.left);
    (0..2).for_each(|_| bench.take(2_000));
    assert_eq!(bench.left_by(3_000), [(4, "served", 2_100), (5, "served", 2_120)], "a restart begins it anew");
}

#[test]
fn requests_in_service_slow_down_the_one_that_starts() {
    let service = ServiceTime { contention_us: 1_000, ..ServiceTime::constant(10_000) };
    let mut bench = Bench::new(BackendModel { service, ..BackendModel::plain(3, 10, 0) });
    (0..3).for_each(|_| bench.take(0));
    bench.take(1);
    // 10, 11 and 12 ms; the fourth starts at 10 beside two others.
    assert_eq!(bench.left_by(100), [(0, "served", 10), (1, "served", 11), (2, "served", 12), (3, "served", 22)]);
}

#[test]
fn a_miss_takes_longer_and_only_a_success_fills_the_cache() {
    let cache = Some(CacheModel { hit_permille: 1_000, entries: 1, miss_us: 40_000 });
    let mut bench = Bench::new(BackendModel { cache, ..BackendModel::plain(1, 10, 10_000) });
    bench.take(0);
    bench.disconnect(1, 0);
    assert_eq!(bench.left_by(99), [(0, "served", 50)], "served for nobody");
    bench.take(100);
    assert_eq!(bench.left_by(199), [(1, "served", 150)], "so the next one missed as well");
    bench.take(200);
    assert_eq!(bench.left_by(299), [(2, "served", 210)], "and the one after that hit");
    bench.station.restart(ms(300), &mut bench.left);
    bench.take(300);
    assert_eq!(bench.left_by(400), [(3, "served", 350)], "after a restart the cache is cold again");
}

#[test]
fn a_rejection_takes_time_of_the_worker_that_would_be_done_first() {
    let mut bench = Bench::new(BackendModel { rejection_us: 3_000, ..BackendModel::plain(2, 0, 10_000) });
    bench.take(0);
    bench.take(4);
    bench.take(5);
    bench.take(6);
    assert_eq!(bench.left_by(6), [(2, "rejected", 5), (3, "rejected", 6)]);
    // 10 ms became 13 and then 16; the other one keeps its 14.
    assert_eq!(bench.left_by(100), [(1, "served", 14), (0, "served", 16)]);
}
