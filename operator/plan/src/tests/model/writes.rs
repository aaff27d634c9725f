//! How often the status is written: when something happened, and not otherwise.

use retrylab_api::{Phase, Verdict};
use serde_json::{Value, json};

use super::{Operator, SECOND, carry_out, operator::Hook, status, world::Script};

fn three_arms() -> Value {
    json!({
        "arms": [
            {"name": "naive", "strategy": {"type": "Naive"}},
            {"name": "fixed", "strategy": {"type": "Fixed"}},
            {"name": "backoff", "strategy": {"type": "Backoff"}},
        ],
        "faults": [
            {"name": "outage", "at": "10s", "for": "10s", "type": "Error"},
            {"name": "relapse", "at": "30s", "for": "2s", "type": "Error"},
        ],
        "criteria": [{"name": "amp", "metric": "Amplification", "max": "4"}],
        "duration": "1m",
    })
}

/// Deploying; settled; for each arm two windows that open and close; for each arm its end, with the next one's start.
#[test]
fn three_arms_with_two_windows_each_take_seventeen_writes() {
    let mut world = super::world(three_arms());
    carry_out(&mut world, &[]);
    assert_eq!(status(&world).verdict, Some(Verdict::Passed), "{:?}", status(&world).message);
    assert_eq!(world.writes.len(), 1 + 1 + 3 * 4 + 3);
}

/// Passes go on all the while: the operator looks again when it said it would.
#[test]
fn an_hour_after_the_end_or_in_a_pause_has_no_writes() {
    let mut world = super::world(three_arms());
    let mut operator = Operator::with(&[(40, Hook::Play(Script::Suspend(true)))]);
    operator.work(&mut world, 0, 200 * SECOND);
    let (paused, writes) = (status(&world).phase, world.writes.len());
    assert_eq!(paused, Some(Phase::Paused));
    operator.work(&mut world, 0, 3_800 * SECOND);
    assert_eq!(world.writes.len(), writes);

    world.play(Script::Suspend(false));
    operator.work(&mut world, 10 * SECOND, 7_000 * SECOND);
    assert!(status(&world).verdict.is_some());
    let writes = world.writes.len();
    // The workloads go after ttlSecondsAfterFinished, ten minutes: that is one write, and the only one.
    operator.hooks.clear();
    let until = world.now + 3_600 * SECOND;
    operator.work(&mut world, 3_600 * SECOND, until);
    assert_eq!(world.writes.len(), writes + 1);
    assert!(world.pods.iter().all(|pod| pod.is_gone));
}

/// Half a minute of a run between two edges of its schedule.
#[test]
fn a_run_between_two_edges_of_its_schedule_has_no_writes() {
    let mut world = super::world(three_arms());
    Operator::default().work(&mut world, 0, 36 * SECOND);
    let writes = world.writes.len();
    Operator::default().work(&mut world, 0, 60 * SECOND);
    assert_eq!(world.writes.len(), writes);
}
