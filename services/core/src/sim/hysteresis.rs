//! The hysteresis loop: the load goes up in steps and down again, in one run. A system that has no memory serves the same
//! at the same load both times; one that can be metastable stays down on the way back, until the load has fallen far enough.

use super::{Setup, TooLarge, served_share, simulate};
use crate::{
    load::{ArrivalLaw, Burst, BurstSize, LoadShape},
    stats::Ratio,
};

/// What was served at one load on the way up and on the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopPoint {
    /// Requests per second.
    pub rate: u32,
    /// Answers of success ÷ arrivals, over the latter half of the step, on the way up …
    pub up: Option<Ratio>,
    /// … and on the way down.
    pub down: Option<Ratio>,
}

/// Walks the loop: for `step_ms` each of the rates in turn, and back from the last to the first, with no fault. What else the
/// setup's load is does not count.
///
/// # Errors
/// When it would take more than `budget` events.
pub fn hysteresis(setup: &Setup, rates: &[u32], step_ms: u64, budget: u64) -> Result<Vec<LoopPoint>, TooLarge> {
    let steps: Vec<u32> = rates.iter().chain(rates.iter().rev()).copied().collect();
    let outcome = simulate(&staircase(setup, &steps, step_ms), budget)?;
    let served = |step: usize| {
        let begins_ms = step as u64 * step_ms;
        served_share(&outcome, begins_ms + step_ms / 2, begins_ms + step_ms)
    };
    let point = |(i, &rate)| LoopPoint { rate, up: served(i), down: served(steps.len() - 1 - i) };
    Ok(rates.iter().enumerate().map(point).collect())
}

/// The setup with a load that takes these rates in turn.
fn staircase(setup: &Setup, rates: &[u32], step_ms: u64) -> Setup {
    let mut stairs = setup.clone();
    let duration_ms = step_ms * rates.len() as u64;
    let arrivals = match setup.load.shape {
        LoadShape::Open { arrivals, .. } => arrivals,
        LoadShape::Closed { .. } => ArrivalLaw::Poisson,
    };
    stairs.load.shape = LoadShape::Open { rate: 0, arrivals };
    stairs.load.bursts = (0..)
        .zip(rates)
        .map(|(i, &rate)| Burst { at_ms: i * step_ms, size: BurstSize::Rate { rate, for_ms: step_ms } })
        .collect();
    stairs.backend.faults.clear();
    stairs.load.duration_ms = duration_ms;
    stairs.client.duration_ms = duration_ms;
    stairs.backend.duration_ms = duration_ms;
    stairs
}
