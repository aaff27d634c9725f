//! What closed-loop users did with their time: each waits for its answer, or pauses until its next request.

use serde::{Deserialize, Serialize};

/// What all users of a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTime {
    /// Users' requests that were sent and have ended.
    pub ended: u64,
    /// Users' requests that could not be sent.
    pub dropped: u64,
    /// What the ended ones took, from their intended start, in microseconds.
    pub waited_us: u64,
    /// For how long the others were waited with, from their intended start until they were dropped, in microseconds.
    pub waited_in_vain_us: u64,
}

impl UserTime {
    /// Adds what the users of another load generator did.
    pub const fn merge(&mut self, other: &Self) {
        self.ended += other.ended;
        self.dropped += other.dropped;
        self.waited_us += other.waited_us;
        self.waited_in_vain_us += other.waited_in_vain_us;
    }
}
