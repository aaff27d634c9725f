//! Chance: what is a run's comes from the run's seed, anything else can't be foreseen.

use rand::RngExt;
use retrylab_core::{
    rng,
    station::{BackendModel, Chance, Lot},
};
use retrylab_runtime::Unforeseen;

/// Decides what is left to chance.
#[derive(Debug, Default)]
pub struct Dice {
    unforeseen: Unforeseen,
}

impl Dice {
    /// Whether a fault that strikes so many of a thousand requests strikes this one.
    pub fn strikes(&self, permille: u16, chance: Option<Chance>) -> bool {
        let draw = || match chance {
            Some(chance) => chance.fault(),
            None => self.unforeseen.draw(|rng| rng.random_range(0..1_000)),
        };
        permille >= 1_000 || draw() < permille
    }

    /// A request's lot in the station.
    pub fn lot(&self, model: &BackendModel, chance: Option<Chance>) -> Lot {
        model.lot(|| match chance {
            Some(chance) => chance.service(),
            None => self.unforeseen.draw(|draw| rng(draw.random(), draw.random())),
        })
    }

    /// A new trace's id.
    pub fn trace_id(&self) -> u128 {
        self.unforeseen.trace_id()
    }
}
