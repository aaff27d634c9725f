//! What is sent, and when: open-loop arrivals with bursts, or closed-loop users.

mod agenda;
mod arrivals;
mod shed;
mod thinking;
mod users;

pub use agenda::{Agenda, Due};
pub use arrivals::Arrivals;
pub use shed::Shed;
pub use thinking::Pauses;
pub use users::Stage;

use serde::{Deserialize, Serialize};

use crate::{
    timeline::MAX_DURATION_MS,
    wire::{FieldError, within},
};

/// Nanoseconds after a run's start; negative before it.
pub type Nanos = i64;

/// One millisecond.
pub const MILLISECOND: Nanos = 1_000_000;

/// Highest rate of arrivals or of a burst, in requests/s.
pub const MAX_RATE: u32 = 100_000;
/// Most requests of one burst.
pub const MAX_BURST_REQUESTS: u32 = 100_000;
/// Most bursts of a load.
pub const MAX_BURSTS: usize = 20;
/// Most stretches in which the load is shed.
pub const MAX_SHED: usize = 3;
/// Most closed-loop users.
pub const MAX_USERS: u32 = 10_000;
/// Most stages of a closed loop.
pub const MAX_STAGES: usize = 20;

/// A load, whole: with its seed it says exactly which requests are sent when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadPlan {
    /// Seeds the arrivals.
    pub seed: u64,
    /// Nothing is sent from here on, in milliseconds after the start.
    pub duration_ms: u64,
    /// The steady part.
    pub shape: LoadShape,
    /// What comes on top of it; always open loop.
    #[serde(default)]
    pub bursts: Vec<Burst>,
    /// When the steady part is thinned; only of an open loop. In order of time, none overlapping another.
    #[serde(default)]
    pub shed: Vec<Shed>,
}

/// The steady part of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "loop", rename_all = "lowercase", deny_unknown_fields)]
pub enum LoadShape {
    /// Arrivals that don't wait for answers, as those of the open internet.
    Open {
        /// Requests per second; 0: bursts only.
        rate: u32,
        /// How arrivals are spread.
        arrivals: ArrivalLaw,
    },
    /// Users who each wait for the answer, think, and go on.
    Closed {
        /// Ramps, one after the other, from 0 users on.
        stages: Vec<Stage>,
        /// The pause between an answer and the same user's next request, in milliseconds.
        think_ms: u64,
    },
}

/// How open-loop arrivals are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArrivalLaw {
    /// Equal gaps of 1/rate.
    Uniform,
    /// Independent exponential gaps with mean 1/rate.
    Poisson,
}

/// Requests on top of the steady load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// When it begins: milliseconds after the start.
    pub at_ms: u64,
    /// How much it is.
    pub size: BurstSize,
}

/// The size of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum BurstSize {
    /// So many requests at one instant.
    Requests(u32),
    /// A rate for a while, with the load's arrival law (uniform where the load is closed loop).
    Rate {
        /// Requests per second.
        rate: u32,
        /// For so long, in milliseconds.
        for_ms: u64,
    },
}

impl LoadPlan {
    /// The open-loop arrivals, the bursts included, in order of time.
    pub fn arrivals(&self) -> Arrivals {
        Arrivals::new(self)
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds.
    pub fn validate(&self) -> Result<(), FieldError> {
        within("duration_ms", self.duration_ms, 1, MAX_DURATION_MS)?;
        match &self.shape {
            LoadShape::Open { rate, .. } => within("shape.rate", u64::from(*rate), 0, u64::from(MAX_RATE))?,
            LoadShape::Closed { stages, think_ms } => {
                within("shape.think_ms", *think_ms, 0, MAX_DURATION_MS)?;
                users::validate(stages).map_err(|e| e.within("shape"))?;
            }
        }
        within("bursts (their number)", self.bursts.len() as u64, 0, MAX_BURSTS as u64)?;
        for (i, burst) in self.bursts.iter().enumerate() {
            burst.validate(self.duration_ms).map_err(|e| e.within(&format!("bursts[{i}]")))?;
        }
        within("shed (their number)", self.shed.len() as u64, 0, MAX_SHED as u64)?;
        if !self.shed.is_empty() && matches!(self.shape, LoadShape::Closed { .. }) {
            return Err(FieldError::new("shed", "a closed loop", "only with an open loop"));
        }
        shed::validate(&self.shed, self.duration_ms)
    }
}

impl Burst {
    /// How many of its requests are due in [from, to), in milliseconds after the start; of a rate, in the mean.
    pub fn requests(&self, from_ms: u64, to_ms: u64) -> u64 {
        match self.size {
            BurstSize::Requests(n) if (from_ms..to_ms).contains(&self.at_ms) => u64::from(n),
            BurstSize::Requests(_) => 0,
            BurstSize::Rate { rate, for_ms } => {
                let both_ms = to_ms.min(self.at_ms + for_ms).saturating_sub(from_ms.max(self.at_ms));
                (u64::from(rate) * both_ms).div_ceil(1_000)
            }
        }
    }

    fn validate(&self, duration_ms: u64) -> Result<(), FieldError> {
        within("at_ms", self.at_ms, 0, duration_ms.saturating_sub(1))?;
        match self.size {
            BurstSize::Requests(n) => within("size.requests", u64::from(n), 1, u64::from(MAX_BURST_REQUESTS)),
            BurstSize::Rate { rate, for_ms } => {
                within("size.rate", u64::from(rate), 1, u64::from(MAX_RATE))?;
                within("size.for_ms", for_ms, 1, duration_ms - self.at_ms)
            }
        }
    }
}
