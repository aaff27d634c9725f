//! The hysteresis loop of the load.

use retrylab_api::{Arm, RetryExperimentSpec, Span};
use retrylab_core::{
    sim::{JUDGED_MS, LoopPoint, loop_point},
    stats::Ratio,
};
use serde::Serialize;

use super::{
    Options,
    state::{LONGEST_MS, OBSERVED_MS, too_short},
};
use crate::{
    parameter::{Parameter, Range},
    repeat,
};

/// Loads of the loop.
const POINTS: u32 = 10;
/// One load of the loop: answers of success ÷ arrivals, as decimals.
#[derive(Debug, Serialize)]
pub struct Point {
    pub rate: u32,
    pub up: Option<String>,
    pub down: Option<String>,
    pub state: State,
}

/// What the two branches say of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Service is up wherever it comes from.
    Stable,
    /// It is up from rest, and stays down after a collapse.
    Vulnerable,
    /// It is down from rest as well, or on its way there: as much arrives as can be served, or more.
    Overloaded,
    /// It is down after a collapse, and the backlog may last longer than the longest schedule.
    Undecided,
}

impl State {
    /// The state in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Vulnerable => "vulnerable",
            Self::Overloaded => "overloaded",
            Self::Undecided => "undecided",
        }
    }
}

/// The loop, over the range of a sweep of the load; otherwise from a tenth of the load to one and a half of it. It is walked
/// whatever the sweep finds, since its push is another one: what the experiment's own push leaves up, a longer one may not.
///
/// # Errors
/// When a run is too large, or `--observe` is too short to tell.
pub fn walk(options: &Options, spec: &RetryExperimentSpec, arm: &Arm) -> anyhow::Result<Vec<Point>> {
    let Some(rate) = spec.load.rate.filter(|&rate| rate > 0) else { return Ok(vec![]) };
    let (low, high) = match &options.param {
        Range { parameter: Parameter::LoadRate, low, high } => (*low as u32, *high as u32),
        _ => ((rate / 10).max(1), rate + rate / 2),
    };
    let mut rates: Vec<u32> = (0..POINTS).map(|i| low + (high - low) * i / (POINTS - 1)).collect();
    rates.dedup();
    let setup = options.subject.setup(spec, arm).1;
    let point = |i: u32| -> anyhow::Result<Point> {
        let at = |settle_ms| loop_point(&setup, rates[i as usize], settle_ms, options.subject.max_events);
        let settle_ms = options.observe.map_or(OBSERVED_MS, Span::as_millis);
        let first = at(settle_ms)?;
        let needed_ms = first.due_ms.map_or(0, |due_ms| due_ms.saturating_add(JUDGED_MS));
        if !is_down(first.down) || is_down(first.up) || needed_ms <= settle_ms {
            return Ok(shown(&first, false));
        }
        if let (Some(observe), Some(due_ms)) = (options.observe, first.due_ms) {
            too_short(observe, &format!("{}/s on the way down", first.rate), due_ms)?;
        }
        Ok(shown(&at(needed_ms.min(LONGEST_MS))?, needed_ms > LONGEST_MS))
    };
    repeat::each(rates.len() as u32, point)
}

fn is_down(share: Option<Ratio>) -> bool {
    share.is_some_and(|share| share.to_f64() < 0.5)
}

fn shown(point: &LoopPoint, may_still_drain: bool) -> Point {
    let state = match (is_down(point.up) || point.due_ms.is_none(), is_down(point.down)) {
        (true, _) => State::Overloaded,
        (false, false) => State::Stable,
        (false, true) if may_still_drain => State::Undecided,
        (false, true) => State::Vulnerable,
    };
    let decimal = |share: Option<Ratio>| share.map(|share| share.to_string());
    Point { rate: point.rate, up: decimal(point.up), down: decimal(point.down), state }
}
