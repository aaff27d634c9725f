//! What holds of every station, and waiting times held against closed forms.

use proptest::prelude::*;
use rand::RngExt;

use super::*;

fn disciplines() -> impl Strategy<Value = Discipline> {
    prop::sample::select(vec![
        Discipline::Fifo,
        Discipline::Lifo,
        Discipline::Codel { target_us: 3_000, interval_us: 10_000 },
    ])
}

fn laws() -> impl Strategy<Value = ServiceLaw> {
    let lognormal = ServiceLaw::Lognormal { sigma_permille: 900 };
    prop::sample::select(vec![ServiceLaw::Constant, ServiceLaw::Exponential, lognormal])
}

fn models() -> impl Strategy<Value = BackendModel> {
    let sizes = (1u32..4, 0u32..5, 0u64..4, 0u64..5_000);
    let parts = (disciplines(), laws(), any::<[bool; 4]>());
    (sizes, parts).prop_map(|((concurrency, queue, contention_ms, rejection_us), (discipline, law, [a, b, c, d]))| {
        let service = ServiceTime { mean_us: 10_000, law, contention_us: contention_ms * 1_000 };
        BackendModel {
            concurrency,
            queue,
            discipline,
            drop_expired: a,
            cancel_on_disconnect: b,
            service,
            cache: c.then_some(CacheModel { hit_permille: 900, entries: 3, miss_us: 20_000 }),
            warm_up: d.then_some(WarmUp { for_ms: 100, from_permille: 300 }),
            rejection_us,
        }
    })
}

/// Does at random what can be done to a station; gives how many requests were taken.
fn meddle(bench: &mut Bench, steps: &[(u64, u8)], mut seen: impl FnMut(&Bench)) -> u64 {
    let mut now_ms = 0;
    for &(gap_ms, what) in steps {
        now_ms += gap_ms;
        let arrived = bench.visits.len();
        match what {
            0 => bench.freeze(now_ms),
            1 => bench.fault(now_ms, None),
            2 => bench.fault(now_ms, Some(&FaultKind::Capacity { left_permille: 400 })),
            3 => bench.station.restart(ms(now_ms), &mut bench.left),
            4 if arrived > 0 => bench.disconnect(now_ms, now_ms as usize % arrived),
            5 => bench.delay(now_ms, 7),
            6 => bench.take_until(now_ms, now_ms + 12),
            _ => bench.take(now_ms),
        }
        seen(bench);
    }
    bench.fault(now_ms, None);
    now_ms
}

proptest! {
    /// Whatever the backend is like and whatever happens to it: everybody leaves once, in the order of time, and nobody is
    /// lost; no more than there are workers are in service, no more wait than may.
    #[test]
    fn everybody_leaves_once_and_no_bound_is_passed(
        model in models(), steps in prop::collection::vec((0u64..15, 0u8..12), 1..80),
    ) {
        let mut bench = Bench::new(model.clone());
        let mut over = false;
        let now_ms = meddle(&mut bench, &steps, |bench| {
            over |= bench.station.in_service() > model.concurrency || bench.station.queued() > model.queue as usize;
        });
        prop_assert!(!over);
        bench.station.advance(ms(now_ms + 1_000_000), &mut bench.left);
        prop_assert!(bench.left.is_sorted_by_key(|departure| departure.at));
        let mut left: Vec<_> = bench.left.iter().map(|departure| departure.request.number).collect();
        left.sort_unstable();
        let all: Vec<u32> = (0..bench.visits.len() as u32).collect();
        prop_assert_eq!(left, all);
        prop_assert_eq!((bench.station.in_service(), bench.station.queued(), bench.station.next_event()), (0, 0, None));
    }

    /// When it is looked at changes nothing: a station that is driven by a coarse timer does what one does that is driven
    /// from event to event.
    #[test]
    fn a_coarse_timer_and_an_exact_one_make_the_same_of_it(
        model in models(), steps in prop::collection::vec((0u64..15, 0u8..12), 1..60),
    ) {
        // Not the disconnects: what a success fills depends on who still waits when it is seen.
        let steps: Vec<_> = steps.into_iter().filter(|step| step.1 != 4).collect();
        let run = |exact: bool| {
            let mut bench = Bench::new(model.clone());
            let mut done = Vec::new();
            for &(gap_ms, what) in &steps {
                let to = done.last().map_or(0, |&(at, _)| at) + gap_ms;
                while let Some(next) = bench.station.next_event().filter(|next| exact && *next <= ms(to)) {
                    bench.station.advance(next, &mut bench.left);
                }
                done.push((to, what));
                match what {
                    0 => bench.freeze(to),
                    1 => bench.fault(to, None),
                    2 => bench.fault(to, Some(&FaultKind::Capacity { left_permille: 400 })),
                    5 => bench.delay(to, 7),
                    _ => bench.take_until(to, to + 12),
                }
            }
            bench.left_by(done.last().map_or(0, |&(at, _)| at))
        };
        prop_assert_eq!(run(true), run(false));
    }

    /// Constant service, first in, first out: in the order of arrival, after at least the service time, and no more than
    /// `concurrency` in any stretch of that length.
    #[test]
    fn a_plain_station_keeps_the_order_and_is_no_faster_than_its_capacity(
        concurrency in 1u32..4, queue in 0u32..4, steps in prop::collection::vec((0u64..15, 0u8..12), 1..80),
    ) {
        let mut bench = Bench::plain(concurrency, queue);
        let steps: Vec<_> = steps.into_iter().map(|(gap, what)| (gap, if what == 5 { 7 } else { what })).collect();
        let now_ms = meddle(&mut bench, &steps, |_| {});
        let left = bench.left_by(now_ms + 1_000_000);
        let served: Vec<_> = left.iter().filter(|l| l.1 == "served").map(|l| (l.0, l.2)).collect();
        prop_assert!(served.is_sorted());
        for (early, late) in served.iter().zip(served.iter().skip(concurrency as usize)) {
            prop_assert!(late.1 >= early.1 + 10, "{:?}", served);
        }
    }
}

/// The mean wait in the queue of Poisson arrivals at `load` of a worker's capacity, in service times, over
/// `batches` of `per_batch` requests: its mean and the standard error of that, from the means of the batches.
fn mean_wait(model: &BackendModel, load: f64, batches: u32, per_batch: u32) -> (f64, f64) {
    let service_s = model.service.mean_us as f64 / 1e6;
    let (mut station, mut rng, mut left) = (Station::new(model), crate::rng(1, 0), Vec::new());
    let (mut now, mut waits) = (0.0, Vec::new());
    for serial in 0..batches * per_batch {
        now += -(1.0 - rng.random::<f64>()).ln() * service_s / (load * f64::from(model.concurrency));
        let (at, chance) = (Duration::from_secs_f64(now), Chance { seed: 2, serial: u64::from(serial), attempt: 1 });
        let arrival = Arrival { delay: Duration::ZERO, expires: None, lot: model.lot(|| chance.service()) };
        station.take(at, arrival, Came(at), &mut left);
        for Departure { request: Came(at), end, .. } in left.drain(..) {
            let End::Served { began } = end else { panic!("{end:?}") };
            waits.push(began.saturating_sub(at).as_secs_f64() / service_s);
        }
    }
    let means: Vec<f64> =
        waits.chunks_exact(per_batch as usize).map(|b| b.iter().sum::<f64>() / b.len() as f64).collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// When a request came.
struct Came(Duration);

impl Awaited for Came {
    fn is_awaited(&self) -> bool {
        true
    }
}

/// A mean wait against a closed form, in service times, within four standard errors.
fn check_wait(what: &str, model: &BackendModel, load: f64, expected: f64) {
    let (mean, error) = mean_wait(model, load, 40, 4_000);
    assert!(error < expected / 15.0, "{what}: {error} is too coarse to tell");
    assert!((mean - expected).abs() <= 4.0 * error, "{what}: {mean}, expected {expected} ± {}", 4.0 * error);
}

fn station_of(concurrency: u32, law: ServiceLaw) -> BackendModel {
    let service = ServiceTime { mean_us: 10_000, law, contention_us: 0 };
    BackendModel { service, ..BackendModel::plain(concurrency, 100_000, 0) }
}

/// Pollaczek and Khinchine: W = ρ/(1 − ρ) · (1 + cv²)/2 service times, cv² being 0, 1 and e^(σ²) − 1.
#[test]
fn one_worker_lets_poisson_arrivals_wait_as_pollaczek_and_khinchine_say() {
    for load in [0.4, 0.7] {
        let m_d_1 = load / (1.0 - load) / 2.0;
        check_wait("M/D/1", &station_of(1, ServiceLaw::Constant), load, m_d_1);
        check_wait("M/M/1", &station_of(1, ServiceLaw::Exponential), load, 2.0 * m_d_1);
        let lognormal = ServiceLaw::Lognormal { sigma_permille: 700 };
        check_wait("M/G/1", &station_of(1, lognormal), load, (0.49f64).exp() * m_d_1);
    }
}

/// Erlang C: with a = c·ρ and C the chance to wait, W = C/(c·(1 − ρ)) service times.
#[test]
fn several_workers_let_poisson_arrivals_wait_as_erlang_c_says() {
    let (workers, load) = (4, 0.8);
    let a: f64 = 4.0 * load;
    let below: f64 = 1.0 + a + a * a / 2.0 + a.powi(3) / 6.0;
    let all_busy = a.powi(4) / 24.0 / (1.0 - load);
    let waits = all_busy / (below + all_busy);
    check_wait("M/M/4", &station_of(workers, ServiceLaw::Exponential), load, waits / (4.0 * (1.0 - load)));
}

/// The mean wait does not depend on the order as long as the order does not look at service times (Kleinrock's
/// conservation law); only who waits does.
#[test]
fn the_mean_wait_is_the_same_last_in_first_out() {
    let lifo = BackendModel { discipline: Discipline::Lifo, ..station_of(1, ServiceLaw::Exponential) };
    check_wait("M/M/1 LIFO", &lifo, 0.5, 1.0);
}

/// c ÷ (b + s·(c − 1)) requests a second.
#[test]
fn in_contention_a_saturated_station_serves_what_the_closed_form_says() {
    let service = ServiceTime { contention_us: 1_000, ..ServiceTime::constant(10_000) };
    let mut bench = Bench::new(BackendModel { service, ..BackendModel::plain(8, 10_000, 0) });
    (0..10_000).for_each(|_| bench.take(0));
    let served = bench.left_by(10_000).len() as f64 / 10.0;
    let expected = 8.0 / (0.010 + 0.001 * 7.0);
    assert!((served / expected - 1.0).abs() < 0.01, "{served} a second, expected {expected}");
}
