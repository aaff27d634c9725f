//! The arithmetic of a metastable failure at the station: HotOS'21, "Metastable Failures in Distributed Systems", §2.1.
//! Capacity 300/s, a timeout of 1 s, no retries here: what arrives is what is sent, and the question is who still waits.

use super::*;

const TIMEOUT_MS: u64 = 1_000;

/// Sends `rate` requests a second for ten seconds to a station with 600 requests before them, which is two seconds of
/// work; clients go after the timeout. Gives the requests served in time, and those served for nobody, of the last five
/// seconds.
fn served(model: BackendModel, rate: u64) -> (usize, usize) {
    let mut bench = Bench::new(model);
    let mut agenda: Vec<(u64, bool, usize)> = Vec::new();
    let arrivals = (0..600).map(|_| 0).chain((1..rate * 10).map(|i| i * 1_000 / rate));
    for (number, at) in arrivals.enumerate() {
        agenda.push((at, false, number));
        agenda.push((at + TIMEOUT_MS, true, number));
    }
    agenda.sort_unstable();
    for (at, goes, number) in agenda {
        if goes {
            bench.disconnect(at, number);
        } else {
            bench.take_until(at, at + TIMEOUT_MS);
        }
    }
    let late = bench.left.iter().filter(|d| d.end.as_str() == "served" && (5_000..10_000).contains(&d.at.as_millis()));
    let arrived = |number: u32| if number < 600 { 0 } else { u128::from((u64::from(number) - 599) * 1_000 / rate) };
    let in_time = |d: &&Departure<Visit>| d.at.as_millis() < arrived(d.request.number) + u128::from(TIMEOUT_MS);
    let (good, wasted): (Vec<_>, Vec<_>) = late.partition(in_time);
    (good.len(), wasted.len())
}

fn model() -> BackendModel {
    // 3 workers of 10 ms: 300 requests a second.
    BackendModel::plain(3, 100_000, 10_000)
}

#[test]
fn a_wait_beyond_the_timeout_makes_goodput_zero_and_all_work_waste() {
    // Two seconds of work before everybody are worked off at 300 − 270 a second: after ten seconds one is left.
    assert_eq!(served(model(), 270), (0, 1_500));
}

#[test]
fn well_below_the_capacity_the_queue_is_worked_off_and_goodput_comes_back() {
    // Worked off at 300 − 150 a second: after four seconds.
    assert_eq!(served(model(), 150), (750, 0));
}

#[test]
fn dropping_the_expired_cancelling_and_a_short_queue_waste_nothing_and_bring_goodput_back() {
    for changed in [
        BackendModel { drop_expired: true, ..model() },
        BackendModel { cancel_on_disconnect: true, ..model() },
        BackendModel { queue: 200, ..model() },
    ] {
        let what = format!("{changed:?}");
        let (good, wasted) = served(changed, 270);
        assert_eq!(wasted, 0, "{what}");
        assert!((1_345..=1_500).contains(&good), "{what}: {good} of 1350 that arrive and what waited");
    }
}

/// At the capacity itself dropping the expired is no way out: who starts has waited for all but its whole timeout, and is
/// served for nobody.
#[test]
fn at_the_capacity_dropping_the_expired_serves_everybody_just_too_late() {
    let (good, wasted) = served(BackendModel { drop_expired: true, ..model() }, 300);
    assert_eq!((good, wasted), (0, 1_500));
}

#[test]
fn last_in_first_out_serves_the_newest_in_time_whatever_lies_below() {
    let (good, wasted) = served(BackendModel { discipline: Discipline::Lifo, ..model() }, 300);
    assert!(good >= 1_490 && wasted <= 10, "{good} in time, {wasted} wasted");
}

#[test]
fn codel_brings_waits_below_the_timeout() {
    let discipline = Discipline::Codel { target_us: 5_000, interval_us: 100_000 };
    let (good, wasted) = served(BackendModel { discipline, ..model() }, 300);
    assert!(good >= 1_200 && wasted == 0, "{good} in time, {wasted} wasted");
}
