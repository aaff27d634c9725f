use super::*;
use crate::{
    load::{ArrivalLaw, LoadShape, Stage},
    stats::{LatencyRecorder, UserTime},
    timeline::Window,
};

fn open() -> LoadPlan {
    let shape = LoadShape::Open { rate: 50, arrivals: ArrivalLaw::Uniform };
    LoadPlan { seed: 1, duration_ms: 3_600_000, shape, bursts: vec![], shed: vec![] }
}

/// An outage of 30 s in an hour.
fn windows() -> Vec<Window> {
    let window = |name: &str, from_ms, to_ms| Window { name: name.into(), from_ms, to_ms };
    vec![
        window("baseline", 0, Some(1_800_000)),
        window("outage", 1_800_000, Some(1_830_000)),
        window("recovery", 1_830_000, Some(3_600_000)),
        window(TOTAL, 0, None),
    ]
}

/// 50 requests a second for an hour, of which in the outage so many were dropped and so many late.
fn counts(dropped: u64, late: u64) -> ArmCounts {
    let (mut counts, mut lateness) = (ArmCounts::default(), LatencyRecorder::default());
    for k in 0..180_000 {
        let due_us = k * 20_000;
        let of_outage = u64::checked_sub(k, 90_000).filter(|&k| k < 1_500);
        counts.load.planned.add(due_us);
        if of_outage.is_some_and(|k| k < dropped) {
            counts.load.dropped.add(due_us);
            continue;
        }
        counts.load.sent.add(due_us);
        let is_late = of_outage.is_some_and(|k| k >= 1_500 - late);
        lateness.record(if is_late { 400_000 } else { 100 });
        if is_late {
            counts.load.late.add(due_us);
        }
    }
    counts.lateness_us = lateness.take();
    counts
}

fn lacks(counts: &ArmCounts) -> Vec<String> {
    let load = LoadEvidence::new(counts, &open(), &windows());
    load.shortcoming().into_iter().chain(load.users_shortcoming()).chain(load.lateness()).collect()
}

/// Nine in ten requests of the outage are 0.75 % of the run's.
#[test]
fn a_load_that_was_dropped_in_one_window_was_not_achieved_however_much_was_sent_in_all() {
    assert_eq!(lacks(&counts(0, 0)), Vec::<String>::new());
    assert_eq!(lacks(&counts(15, 0)), Vec::<String>::new(), "99 % were sent");
    let part = |sent: u64| format!("of the planned load only a part was sent: {sent} of 1500 requests in outage");
    assert_eq!(lacks(&counts(16, 0)), [part(1_484)]);
    assert_eq!(lacks(&counts(1_350, 0)), [part(150)]);
}

/// A stall of 0.5 s: those that were due in its first 0.4 s left more than 100 ms late.
#[test]
fn a_stall_of_the_generator_counts_in_the_window_that_it_fell_into() {
    assert_eq!(lacks(&counts(0, 15)), Vec::<String>::new(), "1 % were late");
    let late = |n: u64| format!("the load generator was late: {n} of 1500 requests in outage by more than 100 ms");
    assert_eq!(lacks(&counts(0, 16)), [late(16)]);
    assert_eq!(lacks(&counts(0, 20)), [late(20)]);
}

/// How 20 requests of one second are judged.
fn check_small(dropped: u64, late: u64, expected: &[&str]) {
    let mut counts = counts(0, 0);
    let second = vec![Window { name: "blip".into(), from_ms: 1_000, to_ms: Some(1_400) }];
    (0..dropped).for_each(|_| counts.load.planned.add(1_000_000));
    (0..late).for_each(|_| counts.load.late.add(1_000_000));
    let load = LoadEvidence::new(&counts, &open(), &second);
    let lacks: Vec<_> = load.shortcoming().into_iter().chain(load.lateness()).collect();
    assert_eq!(lacks, expected);
}

#[test]
fn in_a_window_of_few_requests_one_late_request_decides_nothing_and_one_dropped_does() {
    check_small(0, 1, &[]);
    check_small(0, 2, &["the load generator was late: 2 of 20 requests in blip by more than 100 ms"]);
    check_small(1, 0, &["of the planned load only a part was sent: 20 of 21 requests in blip"]);
}

#[test]
fn of_many_windows_the_first_are_named_and_the_others_counted() {
    let texts = |n: usize| named((0..n).map(|i| i.to_string()));
    assert_eq!(texts(0), None);
    assert_eq!(texts(3).as_deref(), Some("0, 1, 2"));
    assert_eq!(texts(5).as_deref(), Some("0, 1, 2 and in 2 more windows"));
}

/// Ten users for 60 s who think 100 ms and wait 50 ms: 400 requests each.
fn users(ended: u64, waited_us: u64) -> LoadEvidence {
    let shape = LoadShape::Closed { stages: vec![Stage { for_ms: 0, users: 10 }], think_ms: 100 };
    let plan = LoadPlan { duration_ms: 60_000, shape, ..open() };
    let (mut counts, mut latency) = (ArmCounts::default(), LatencyRecorder::default());
    (0..ended).for_each(|_| {
        counts.load.planned.add(0);
        counts.load.sent.add(0);
        latency.record(50_000);
    });
    counts.latency_us = vec![latency.take()];
    counts.users = UserTime { ended, waited_us, ..UserTime::default() };
    LoadEvidence::new(&counts, &plan, &[])
}

#[test]
fn users_whose_requests_and_pauses_fill_their_time_were_there() {
    let whole = users(4_000, 4_000 * 50_000);
    assert_eq!((whole.users_shortcoming(), whole.achieved), (None, Ratio::new(1, 1)));
    // Each user's last request and pause may go beyond its time.
    assert_eq!(users(4_010, 4_010 * 50_000).users_shortcoming(), None);
}

#[test]
fn users_who_were_lost_or_too_many_are_a_shortcoming() {
    let for_s = |s: &str| {
        Some(format!("requests and pauses of the users account for {s} s of the 600.0 s that they were to be there"))
    };
    let lost = users(1_000, 1_000 * 50_000);
    assert_eq!((lost.users_shortcoming(), lost.achieved), (for_s("150.0"), Ratio::new(1, 4)));
    assert_eq!(lost.shortcoming(), None, "all that it planned was sent");
    assert_eq!(users(8_000, 8_000 * 50_000).users_shortcoming(), for_s("1200.0"));
}
