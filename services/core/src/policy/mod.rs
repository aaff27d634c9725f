//! A retry policy: how many attempts a request may have, and how long to wait before each retry.

mod delay;
mod name;
mod retrier;

pub use delay::{DelayLaw, Jitter};
pub use name::StrategyName;
pub use retrier::{Decision, Fate, Outcome, Retrier};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wire::FieldError;

/// Most attempts that a policy may give to one request.
pub const MAX_ATTEMPTS: u32 = 20;

/// A retry policy, complete: what [`Retrier`] follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Attempts that a request may have, the first included: 1 to [`MAX_ATTEMPTS`].
    pub max_attempts: u32,
    /// The wait before each retry.
    pub delay: DelayLaw,
}

impl Policy {
    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds, with its value and what is allowed.
    pub fn validate(&self) -> Result<(), FieldError> {
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            return Err(FieldError::new("max_attempts", self.max_attempts, format!("1 to {MAX_ATTEMPTS}")));
        }
        self.delay.validate()
    }

    /// The longest that a request can take under this policy, with attempts that take `timeout` each.
    pub fn longest_request(&self, timeout: Duration) -> Duration {
        let waits: Duration = (0..self.max_attempts.saturating_sub(1)).map(|i| self.delay.longest(i)).sum();
        timeout * self.max_attempts + waits
    }
}
