//! One arm in virtual time: what would the policy do, without waiting for it and without a machine's noise in it?
//!
//! Nothing of the product is written a second time here. What is sent and when is [`load::Agenda`](crate::load::Agenda), what
//! happens between two attempts is [`policy`](crate::policy), whom a fault strikes is [`fault`](crate::fault), what a
//! backend does is [`station`](crate::station), and what is counted are the series of [`stats`](crate::stats): the load
//! generator, the client and the backend drive these very things in real time. The simulator only moves messages between
//! them, and the time on.
//!
//! What it leaves out is what a network and a node add: a message takes [`Setup::network`] and is never lost, a client that
//! hangs up is gone at once, nobody is ever late, and no load generator runs out of connections.

mod backends;
mod bounds;
mod calendar;
mod clients;
mod due;
mod engine;
mod hysteresis;
mod outcome;
mod predict;
mod setup;
mod slab;
mod spread;
mod timers;
mod tipping;

pub use hysteresis::{LoopPoint, loop_point};
pub use outcome::{Outcome, TooLarge};
pub use predict::{
    Band, EDGE_MS, PREDICTION_BUDGET, PREDICTION_RUNS, Prediction, RecoveryPrediction, WindowPrediction, disturbed,
    predict,
};
pub use setup::{DEFAULT_NETWORK, MAX_BACKENDS, MAX_CLIENTS, MAX_LAYERS, Setup};
pub use tipping::{JUDGED_MS, TippingPoint, is_down, served_share, tipping_point};

/// Nanoseconds after the run's start.
type Nanos = u64;

/// Simulates a run to its end, the drain included, in at most `budget` events.
///
/// # Errors
/// When it would take more.
pub fn simulate(setup: &Setup, budget: u64) -> Result<Outcome, TooLarge> {
    engine::Engine::new(setup).run(budget)
}
