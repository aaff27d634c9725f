//! The operator's loop over the world in memory, with a step between any two things that it does: there it can die.

use std::time::Duration;

use retrylab_api::Caps;

use super::world::{MS, Script, Us, World, moment};
use crate::{Plan, plan};

/// What happens at a step.
#[derive(Clone, Copy, Debug)]
pub enum Hook {
    /// The operator dies; the next one is there after so long.
    Die(Us),
    /// Somebody interferes.
    Play(Script),
    /// The operator stands still for so long, and meanwhile another one has begun to work.
    StandStill(Us),
}

/// The operator has died: how long it is until the next one is there.
struct Dead(Us);

pub struct Operator {
    /// How long a step takes.
    pub step: Us,
    /// Steps taken, over all lives.
    pub steps: usize,
    /// What happens at which step, in order.
    pub hooks: Vec<(usize, Hook)>,
    /// One that works beside this one.
    pub other: Option<Box<Operator>>,
}

impl Default for Operator {
    fn default() -> Self {
        Self { step: MS, steps: 0, hooks: vec![], other: None }
    }
}

impl Operator {
    pub fn with(hooks: &[(usize, Hook)]) -> Self {
        Self { hooks: hooks.to_vec(), ..Self::default() }
    }

    /// Works until the experiment is over, and `longer` after that, but not beyond `until`.
    pub fn work(&mut self, world: &mut World, longer: Us, until: Us) {
        let mut end = until;
        while world.now < end {
            if end == until && world.experiment.status.as_ref().is_some_and(|status| status.verdict.is_some()) {
                end = end.min(world.now + longer);
            }
            let changes = world.changes;
            let passed = self.pass(world);
            if let Some(other) = &mut self.other {
                other.pass(world).ok();
            }
            match passed {
                Err(Dead(length)) => world.pass_time(length),
                Ok(_) if world.changes != changes => {}
                Ok(next) => world.wait(next.map_or(end, |next| world.now + next).min(world.next_ready()).min(end)),
            }
        }
    }

    /// One pass, as the operator in a cluster makes it.
    fn pass(&mut self, world: &mut World) -> Result<Option<Us>, Dead> {
        self.tick(world)?;
        let (experiment, version) = (world.experiment.clone(), world.version);
        self.tick(world)?;
        let observed = world.observe(&experiment);
        let Plan { status, series, workloads, acts, next, .. } =
            plan(&experiment, &observed, moment(world.now), Caps::default());
        if status.verdict.is_some() && world.judged.is_none() {
            world.judged = Some((experiment.clone(), observed));
        }
        if let Some(series) = series {
            self.tick(world)?;
            world.kept.insert(series.arm.clone(), series);
        }
        if experiment.status.as_ref() != Some(&status) {
            self.tick(world)?;
            if !world.write(version, &status) {
                return Ok(Some(100 * MS));
            }
            self.tick(world)?;
        }
        for act in acts {
            // The first act that fails is the last: the load generator is told when all others know their part.
            if world.perform(&act).is_err() {
                break;
            }
            self.tick(world)?;
        }
        world.ensure(workloads);
        Ok(next.map(|next: Duration| next.as_micros() as Us))
    }

    /// Between any two things that the operator does.
    fn tick(&mut self, world: &mut World) -> Result<(), Dead> {
        world.pass_time(self.step);
        self.steps += 1;
        while let Some(&(_, hook)) = self.hooks.first().filter(|(step, _)| *step == self.steps) {
            self.hooks.remove(0);
            match hook {
                Hook::Die(length) => return Err(Dead(length)),
                Hook::Play(script) => world.play(script),
                Hook::StandStill(length) => {
                    let mut other = Operator::default();
                    other.work(world, length, world.now + length);
                    self.other = Some(Box::new(other));
                }
            }
        }
        Ok(())
    }
}
