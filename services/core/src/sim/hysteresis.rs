//! The hysteresis loop: what is served at a load depends on where the system comes from. One that can't be metastable serves
//! the same both ways; one that can stays down on the way back, until the load has fallen below its hidden capacity.
//!
//! Both branches are taken at rest: each load for itself, for as long as it takes to settle. A load that went up and down in
//! one run would drag the backlog of every step into the next.

use super::{JUDGED_MS, Setup, TooLarge, served_share, simulate};
use crate::{
    fault::{FaultKind, FaultWindow},
    load::{ArrivalLaw, LoadShape},
    stats::Ratio,
};

/// How long a load runs before it is pushed, in milliseconds.
const REST_MS: u64 = 5_000;
/// The least length of a push, in milliseconds.
const PUSH_MIN_MS: u64 = 10_000;

/// What is served at one load, answers of success ÷ arrivals over the last [`JUDGED_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopPoint {
    /// Requests per second.
    pub rate: u32,
    /// On the way up: from a system at rest.
    pub up: Option<Ratio>,
    /// On the way down: from a system that is down, since its work stood still for at least 10 s and for more than two
    /// timeouts.
    pub down: Option<Ratio>,
    /// How long after its push the second system may be busy with the backlog alone, in milliseconds: what is down sooner may
    /// still come back. `None`: the load alone is beyond the capacity.
    pub due_ms: Option<u64>,
}

/// One point of the loop, each branch after `settle_ms`. What else the setup's load is, and its faults, do not count.
///
/// # Errors
/// When one of the two runs would take more than `budget` events.
pub fn loop_point(setup: &Setup, rate: u32, settle_ms: u64, budget: u64) -> Result<LoopPoint, TooLarge> {
    let served = |steady: &Setup| {
        let end_ms = steady.load.duration_ms;
        Ok(served_share(&simulate(steady, budget)?, end_ms.saturating_sub(JUDGED_MS), end_ms))
    };
    let pushed = steady(setup, rate, settle_ms, true);
    let due_ms = pushed.due_ms(u64::from(rate) * 1_000);
    Ok(LoopPoint { rate, up: served(&steady(setup, rate, settle_ms, false))?, down: served(&pushed)?, due_ms })
}

/// How long the push lasts.
fn push_ms(setup: &Setup) -> u64 {
    PUSH_MIN_MS.max(PUSH_MIN_MS / 2 + 2 * setup.client.timeout_ms)
}

/// The setup under a steady load, pushed at the beginning or not.
fn steady(setup: &Setup, rate: u32, settle_ms: u64, is_pushed: bool) -> Setup {
    let mut steady = setup.clone();
    let arrivals = match setup.load.shape {
        LoadShape::Open { arrivals, .. } => arrivals,
        LoadShape::Closed { .. } => ArrivalLaw::Poisson,
    };
    steady.load.shape = LoadShape::Open { rate, arrivals };
    steady.load.bursts.clear();
    steady.load.shed.clear();
    let for_ms = push_ms(setup);
    let push = FaultWindow { name: "push".into(), at_ms: REST_MS, for_ms, kind: FaultKind::Freeze, restart: false };
    steady.backend.faults = if is_pushed { vec![push] } else { vec![] };
    steady.last_until(REST_MS + for_ms + settle_ms);
    steady
}
