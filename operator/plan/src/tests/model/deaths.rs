//! Operators that die, stand still, are slow, or can't reach a pod for a while: nothing of it shows in the findings.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    DEATHS, Findings, HORIZON, MS, Operator, SECOND, Us, carry_out, findings, for_all, operator::Hook, same,
    world::Script,
};
use crate::tests::given::ROLES;

/// What the experiment finds when nothing happens, and the steps that the operator takes.
fn undisturbed(changes: &Value) -> (Findings, usize) {
    let mut world = super::world(changes.clone());
    let steps = carry_out(&mut world, &[]);
    (findings(&world), steps)
}

/// Whatever happens at these steps, the experiment finds the same.
fn check(changes: &Value, cases: impl Fn(usize) -> Vec<Vec<(usize, Hook)>>) {
    let (expected, steps) = undisturbed(changes);
    for_all(&cases(steps), |hooks| {
        let mut world = super::world(changes.clone());
        carry_out(&mut world, hooks);
        same(&world, &expected)
    });
}

fn at_every_step(steps: usize, hooks: &[Hook]) -> Vec<Vec<(usize, Hook)>> {
    (1..=steps).flat_map(|step| hooks.iter().map(move |hook| vec![(step, *hook)])).collect()
}

#[test]
fn an_operator_that_dies_at_any_step_changes_nothing() {
    check(&json!({}), |steps| at_every_step(steps, &DEATHS.map(Hook::Die)));
}

#[test]
fn an_operator_that_dies_at_any_step_changes_nothing_with_several_pods_of_a_role() {
    let changes = json!({"backend": {"replicas": 2}, "client": {"replicas": 3}});
    check(&changes, |steps| at_every_step(steps, &DEATHS.map(Hook::Die)));
}

/// The second death comes within what the first one made the next operator do: settle again, stop, hand over.
#[test]
fn an_operator_whose_successor_dies_too_changes_nothing() {
    const DEATH: [Us; 2] = [0, 1_100 * MS];
    check(&json!({}), |steps| {
        let pairs = DEATH.into_iter().flat_map(|first| DEATH.map(|second| (first, second)));
        let soon = (1..=steps).flat_map(|step| (1..=9).map(move |later| (step, step + later)));
        soon.flat_map(|(step, then)| {
            pairs.clone().map(move |(first, second)| vec![(step, Hook::Die(first)), (then, Hook::Die(second))])
        })
        .collect()
    });
}

/// The other one takes over; the first then goes on with what it had decided before, and both work to the end.
#[test]
fn two_operators_at_once_one_of_them_stale_send_nothing_twice() {
    check(&json!({}), |steps| at_every_step(steps, &DEATHS.map(Hook::StandStill)));
}

#[test]
fn pods_that_cannot_be_reached_for_a_while_change_nothing() {
    let cut = |role| [300 * MS, 1_100 * MS, 5 * SECOND].map(|length| Hook::Play(Script::Cut(role, length)));
    let cuts = ROLES.map(cut).concat();
    check(&json!({}), |steps| at_every_step(steps, &cuts));
}

/// A start whose hand-over takes too long is settled again, further ahead.
#[test]
fn a_slow_operator_changes_nothing() {
    let expected = undisturbed(&json!({})).0;
    for_all(&[2, 10, 50, 150, 200, 250, 300, 500, 1_000], |&ms| {
        let mut world = super::world(json!({}));
        Operator { step: ms * MS, ..Operator::default() }.work(&mut world, SECOND, HORIZON);
        same(&world, &expected)
    });
}

fn mishaps() -> impl Strategy<Value = Vec<(usize, Hook)>> {
    let length = (0i64..12_000).prop_map(|ms| ms * MS);
    let hook = prop_oneof![
        length.clone().prop_map(Hook::Die),
        length.clone().prop_map(Hook::StandStill),
        (0usize..3, length).prop_map(|(role, length)| Hook::Play(Script::Cut(ROLES[role], length))),
    ];
    proptest::collection::vec((1usize..70, hook), 1..=3).prop_map(|mut hooks| {
        hooks.sort_by_key(|(step, _)| *step);
        hooks
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_three_mishaps_change_nothing(hooks in mishaps(), step_ms in 1i64..20) {
        let expected = undisturbed(&json!({})).0;
        let mut world = super::world(json!({}));
        Operator { step: step_ms * MS, ..Operator::with(&hooks) }.work(&mut world, SECOND, HORIZON);
        prop_assert_eq!(same(&world, &expected), Ok(()));
    }
}
