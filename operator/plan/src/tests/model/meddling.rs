//! What people and machines do to an experiment: pods that are replaced or never come, an abort, a pause.

use std::fmt::Debug;

use retrylab_api::{ArmStatus, Phase, Verdict};
use serde_json::{Value, json};

use super::{
    DEATHS, HORIZON, MS, Operator, SECOND, Us, World, carry_out, findings, for_all,
    operator::Hook,
    same, sent, status, violations,
    world::{Happening, Script, moment},
};
use crate::{Role, tests::given::ROLES};

/// Runs every case; whatever else comes of it, nothing may be that must never be.
fn check<C: Sync + Debug>(
    changes: &Value,
    cases: &[C],
    meddle: impl Fn(&C, &mut World) + Sync,
    expected: impl Fn(&C, &World) -> Result<(), String> + Sync,
) {
    for_all(cases, |case| {
        let mut world = super::world(changes.clone());
        meddle(case, &mut world);
        let wrong = violations(&world);
        if wrong.is_empty() { expected(case, &world) } else { Err(wrong.join("; ")) }
    });
}

/// Every 100 ms from the first to the last moment of an undisturbed experiment.
fn moments() -> Vec<Us> {
    let mut world = super::world(json!({}));
    carry_out(&mut world, &[]);
    (0..world.now / (100 * MS)).map(|i| i * 100 * MS).collect()
}

/// Whether a load was to be sent at that moment.
fn is_within_schedule(arm: &ArmStatus, when: Us) -> bool {
    let since = moment(when).duration_since(arm.run.starts_at.0).as_millis();
    (0..4_000).contains(&since)
}

/// A pod that is replaced while load is sent makes the experiment Inconclusive; at other times it may also be Passed,
/// and then with the figures of an undisturbed one. No request is sent twice in any case.
fn check_replacement(role: Role) {
    let mut undisturbed = super::world(json!({}));
    carry_out(&mut undisturbed, &[]);
    let whole = findings(&undisturbed);
    let replace = |&when: &Us, world: &mut World| {
        world.at(when, Happening::Script(Script::Replace(role)));
        carry_out(world, &[]);
    };
    check(&json!({}), &moments(), replace, |&when, world| {
        let hit = status(world).arms.iter().any(|arm| is_within_schedule(arm, when));
        match status(world).verdict {
            Some(Verdict::Inconclusive) => Ok(()),
            Some(Verdict::Passed) if !hit => same(world, &whole),
            other => Err(format!("{other:?}, {:?}", status(world).message)),
        }
    });
}

#[test]
fn a_backend_that_is_replaced_while_load_is_sent_makes_it_inconclusive() {
    check_replacement(Role::Backend);
}

#[test]
fn a_client_that_is_replaced_while_load_is_sent_makes_it_inconclusive() {
    check_replacement(Role::Client);
}

#[test]
fn a_load_generator_that_is_replaced_while_load_is_sent_makes_it_inconclusive_and_sends_no_burst_twice() {
    check_replacement(Role::Loadgen);
}

#[test]
fn a_load_generator_that_is_replaced_while_the_operator_is_dead_sends_nothing_twice() {
    let steps = carry_out(&mut super::world(json!({})), &[]);
    let cases: Vec<_> = (1..=steps).flat_map(|step| DEATHS.map(|length| (step, length))).collect();
    let replace = |&(step, length): &(usize, Us), world: &mut World| {
        let hooks = [(step, Hook::Play(Script::Replace(Role::Loadgen))), (step, Hook::Die(length))];
        carry_out(world, &hooks);
    };
    check(&json!({}), &cases, replace, |_, world| match status(world).verdict {
        Some(Verdict::Inconclusive) => Ok(()),
        // Replaced between the arms, or before the first load was sent: everything was sent, once.
        Some(Verdict::Passed) if sent(world).len() == 2 * 90 => Ok(()),
        other => Err(format!("{other:?}, {} requests", sent(world).len())),
    });
}

/// Arms that go on for a minute, and pods that stay: nothing ends by itself while one looks.
fn long_arms() -> Value {
    json!({"duration": "1m", "load": {"rate": 5, "bursts": [{"name": "spike", "at": "3s", "requests": 10}]}})
}

fn aborted_cleanly(world: &World) -> Result<(), String> {
    match status(world).verdict {
        Some(Verdict::Aborted) => Ok(()),
        Some(Verdict::Passed) if status(world).arms.len() == 2 => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn an_abort_at_any_step_leaves_no_run_under_way() {
    let steps = carry_out(&mut super::world(long_arms()), &[]);
    let abort = |&step: &usize, world: &mut World| {
        carry_out(world, &[(step, Hook::Play(Script::Abort))]);
    };
    let steps: Vec<_> = (1..=steps).collect();
    check(&long_arms(), &steps, abort, |_, world| aborted_cleanly(world));
}

#[test]
fn an_abort_leaves_no_run_under_way_when_the_operator_dies_over_it() {
    let steps = carry_out(&mut super::world(long_arms()), &[]);
    let soon = (1..=steps).flat_map(|step| (0..=9).map(move |later| (step, step + later)));
    let cases: Vec<_> = soon.flat_map(|(step, then)| [0, 1_100 * MS].map(|length| (step, then, length))).collect();
    let abort = |&(step, then, length): &(usize, usize, Us), world: &mut World| {
        carry_out(world, &[(step, Hook::Play(Script::Abort)), (then, Hook::Die(length))]);
    };
    check(&long_arms(), &cases, abort, |_, world| aborted_cleanly(world));
}

#[test]
fn an_abort_leaves_no_run_under_way_on_pods_that_cannot_be_reached_at_first() {
    let steps = carry_out(&mut super::world(long_arms()), &[]);
    let cases: Vec<_> = (1..=steps).flat_map(|step| ROLES.map(|role| (step, role))).collect();
    let abort = |&(step, role): &(usize, Role), world: &mut World| {
        let cut = Hook::Play(Script::Cut(role, 3 * SECOND));
        carry_out(world, &[(step, cut), (step, Hook::Play(Script::Abort))]);
    };
    check(&long_arms(), &cases, abort, |_, world| aborted_cleanly(world));
}

#[test]
fn pods_that_never_come_end_it_as_an_error_by_the_deadline() {
    let mut world = super::world(json!({}));
    world.is_barren = true;
    carry_out(&mut world, &[]);
    assert_eq!(status(&world).verdict, Some(Verdict::Error));
    let message = status(&world).message.clone().unwrap_or_default();
    assert!(message.starts_with("not ready within 30s: backend: 0 of 1 ready"), "{message}");
    let deadline = 30 * SECOND..33 * SECOND;
    assert!(world.writes.last().is_some_and(|(when, _)| deadline.contains(when)));
    assert!(world.sent.is_empty());
}

#[test]
fn a_pod_that_can_never_be_reached_ends_it_inconclusive_with_few_writes_and_no_load() {
    for_all(&ROLES, |&role| {
        let mut world = super::world(json!({}));
        world.at(2 * SECOND, Happening::Script(Script::Cut(role, HORIZON)));
        carry_out(&mut world, &[]);
        let found = (status(&world).verdict, world.sent.len(), world.writes.len() <= 20);
        if found == (Some(Verdict::Inconclusive), 0, true) { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[test]
fn a_pause_holds_the_next_arm_back_and_changes_nothing_else() {
    let mut undisturbed = super::world(json!({}));
    let steps = carry_out(&mut undisturbed, &[]);
    let whole = findings(&undisturbed);
    let pause = |&step: &usize, world: &mut World| {
        let mut operator = Operator::with(&[(step, Hook::Play(Script::Suspend(true)))]);
        operator.work(world, SECOND, 120 * SECOND);
        let until = world.now + HORIZON;
        world.at(world.now, Happening::Script(Script::Suspend(false)));
        operator.work(world, SECOND, until);
    };
    let steps: Vec<_> = (1..=steps).collect();
    check(&json!({}), &steps, pause, |_, world| {
        let paused = world.writes.iter().filter(|(_, s)| s.phase == Some(Phase::Paused)).count();
        if paused > 1 { Err(format!("{paused} writes while paused")) } else { same(world, &whole) }
    });
}
