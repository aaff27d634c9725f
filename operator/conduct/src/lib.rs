//! What every world of an experiment does in the same way, be it a cluster or a process of one's own: asks the pods for
//! the run that is under way, tells them what was decided, and predicts an arm when it is over.
//!
//! No decision is made here (`retrylab-plan`), and nothing here knows where pods come from: a world says which there are
//! and where they are reached, and holds the token that they want to see.

mod ask;
mod perform;
mod pods;
mod predictions;
mod token;

pub use ask::running;
pub use perform::{Outcome, Said, Told};
pub use token::new_token;

use pods::Pods;
use predictions::Predictions;

/// Speaks to the pods of experiments.
#[derive(Clone, Debug)]
pub struct Conductor {
    pods: Pods,
    predictions: Predictions,
}

impl Conductor {
    /// One that has asked nobody and predicted nothing.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new() -> reqwest::Result<Self> {
        Ok(Self { pods: Pods::new()?, predictions: Predictions::default() })
    }
}
