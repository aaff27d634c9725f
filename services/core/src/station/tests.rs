//! The model by hand and by law, on times that are only numbers.

use proptest::prelude::*;

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A station with a service time of 10 ms, and what has left it.
struct Bench {
    station: Station<u32>,
    left: Vec<Departure<u32>>,
}

impl Bench {
    fn new(concurrency: u32, queue: u32) -> Self {
        Self { station: Station::new(Capacity { concurrency, queue }, ms(10)), left: Vec::new() }
    }

    fn take(&mut self, at_ms: u64, request: u32) {
        self.station.take(ms(at_ms), Duration::ZERO, request, &mut self.left);
    }

    fn delay(&mut self, at_ms: u64, by_ms: u64, request: u32) {
        self.station.take(ms(at_ms), ms(by_ms), request, &mut self.left);
    }

    fn freeze(&mut self, at_ms: u64, frozen: bool) {
        self.station.set_frozen(ms(at_ms), frozen, &mut self.left);
    }

    /// Who has left by `at_ms` and not before: the number of a served request with when its service began, and
    /// `(number, None)` for a rejected one.
    fn left_by(&mut self, at_ms: u64) -> Vec<(u32, Option<u64>)> {
        self.station.advance(ms(at_ms), &mut self.left);
        self.left
            .drain(..)
            .map(|departure| match departure {
                Departure::Served { request, began } => (request, Some(began.as_millis() as u64)),
                Departure::Rejected(request) => (request, None),
            })
            .collect()
    }
}

#[test]
fn a_late_timer_takes_nothing_from_the_capacity() {
    let mut bench = Bench::new(1, 10);
    (0..4).for_each(|request| bench.take(0, request));
    // One look, long after all of it was due: each service began when the one before was over.
    assert_eq!(bench.left_by(1_000), [(0, Some(0)), (1, Some(10)), (2, Some(20)), (3, Some(30))]);
}

#[test]
fn a_freeze_holds_what_is_in_service_and_lets_it_go_on_where_it_was() {
    let mut bench = Bench::new(1, 10);
    bench.take(0, 0);
    bench.freeze(6, true);
    assert_eq!((bench.left_by(500), bench.station.next_event()), (vec![], None));
    bench.freeze(500, false);
    assert_eq!(bench.station.next_event(), Some(ms(504)));
    assert_eq!(bench.left_by(503), []);
    assert_eq!(bench.left_by(504), [(0, Some(0))]);
}

#[test]
fn in_a_freeze_workers_and_queue_fill_up_and_nobody_leaves_but_the_rejected() {
    let mut bench = Bench::new(1, 1);
    bench.freeze(0, true);
    (0..3).for_each(|request| bench.take(5, request));
    assert_eq!((bench.station.in_service(), bench.station.queued()), (1, 1));
    assert_eq!(bench.left_by(90), [(2, None)]);
    bench.freeze(100, false);
    assert_eq!(bench.left_by(200), [(0, Some(5)), (1, Some(110))]);
}

#[test]
fn a_delayed_request_takes_no_capacity_before_it_arrives() {
    let mut bench = Bench::new(1, 0);
    bench.delay(0, 50, 0);
    bench.take(20, 1);
    assert_eq!(bench.left_by(45), [(1, Some(20))]);
    assert_eq!(bench.station.next_event(), Some(ms(50)));
    assert_eq!(bench.left_by(60), [(0, Some(50))]);
}

#[test]
fn delays_run_through_a_freeze() {
    let mut bench = Bench::new(1, 0);
    bench.delay(0, 50, 0);
    bench.freeze(10, true);
    assert_eq!(bench.station.next_event(), Some(ms(50)));
    bench.freeze(70, false);
    assert_eq!(bench.left_by(80), [(0, Some(50))]);
}

#[test]
fn with_no_service_time_a_request_is_served_as_it_arrives() {
    let mut station = Station::new(Capacity { concurrency: 1, queue: 0 }, Duration::ZERO);
    let mut left = Vec::new();
    station.take(ms(3), Duration::ZERO, 'a', &mut left);
    assert_eq!(left, [Departure::Served { request: 'a', began: ms(3) }]);
}

proptest! {
    /// Whatever arrives when, and however work is frozen: everybody leaves once, in the order of arrival, after at
    /// least the service time, and no more than `concurrency` are served in any stretch of that length.
    #[test]
    fn everybody_leaves_once_in_order_and_no_faster_than_the_capacity(
        concurrency in 1u32..4, queue in 0u32..4, steps in prop::collection::vec((0u64..15, 0u8..4), 1..80),
    ) {
        let mut bench = Bench::new(concurrency, queue);
        let (mut now_ms, mut arrived, mut left) = (0, 0, Vec::new());
        for (gap_ms, what) in steps {
            now_ms += gap_ms;
            match what {
                0 => bench.freeze(now_ms, true),
                1 => bench.freeze(now_ms, false),
                _ => { bench.take(now_ms, arrived); arrived += 1; }
            }
            left.extend(bench.left_by(now_ms));
            prop_assert!(bench.station.in_service() <= concurrency && bench.station.queued() <= queue as usize);
        }
        bench.freeze(now_ms, false);
        left.extend(bench.left_by(now_ms + 10_000));
        prop_assert_eq!(left.len(), arrived as usize);
        let served: Vec<_> = left.iter().filter_map(|&(request, began)| Some((request, began?))).collect();
        prop_assert!(served.is_sorted());
        for (early, late) in served.iter().zip(served.iter().skip(concurrency as usize)) {
            prop_assert!(late.1 >= early.1 + 10, "{:?}", served);
        }
    }
}
