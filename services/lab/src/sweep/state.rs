//! What becomes of the system at one value of the parameter.

use anyhow::{Context, bail};
use retrylab_api::{Arm, Caps, RetryExperimentSpec, Span, validate};
use retrylab_core::{
    load::LoadShape,
    sim::{JUDGED_MS, Setup, is_down, simulate},
};
use serde::Serialize;

use super::Options;
use crate::repeat;

/// How long the load goes on after the last push, unless something else is said or needed.
pub const OBSERVED_MS: u64 = 300_000;
/// The longest schedule that an experiment can have.
pub const LONGEST_MS: u64 = 3_600_000;
/// What becomes of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Service is up at the end.
    ComesBack,
    /// It is down, for longer than the backlog explains, under a load that it serves when nothing pushes it.
    StaysDown,
    /// It is down without any fault or burst as well.
    Overloaded,
    /// It is down at the end of the longest schedule, and the backlog may take longer than that.
    Undecided,
}

impl State {
    /// The state in a list of values.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComesBack => "comes back",
            Self::StaysDown => "stays down",
            Self::Overloaded => "overloaded",
            Self::Undecided => "undecided",
        }
    }
}

/// What becomes of it with this value, in most of the repetitions. Load that the experiment sheds would help it up, so nothing
/// is shed; criteria, which may name such a stretch, play no part.
///
/// # Errors
/// When the value is not allowed, a run is too large, nothing arrives at its end, or `--observe` is too short to tell.
pub fn state(options: &Options, spec: &RetryExperimentSpec, arm: &Arm, value: u64) -> anyhow::Result<State> {
    let parameter = &options.param.parameter;
    let mut spec = spec.clone();
    parameter.put(&mut spec, value)?;
    spec.load.shed.clear();
    spec.criteria.clear();
    let last_push_ms = options.subject.setup(&spec, arm).1.last_push_ms();
    let observed_ms = options.observe.map_or(OBSERVED_MS, Span::as_millis);
    spec.duration = Span::from_millis(spec.duration.as_millis().max(last_push_ms + observed_ms));
    let place = || format!("{parameter} = {}", parameter.show(value));
    validate(&spec, Caps::default()).with_context(place)?;
    let setup = options.subject.setup(&spec, arm).1;
    if !stays_down(options, &setup)? {
        return Ok(State::ComesBack);
    }
    let calm = calm(&setup);
    let Some(due_ms) = setup.due_ms(load_per_ks(options, &calm)?) else { return Ok(State::Overloaded) };
    if stays_down(options, &calm)? {
        return Ok(State::Overloaded);
    }
    let needed_ms = last_push_ms.saturating_add(due_ms).saturating_add(JUDGED_MS);
    if needed_ms <= setup.load.duration_ms {
        return Ok(State::StaysDown);
    }
    if let Some(observe) = options.observe {
        too_short(observe, &place(), due_ms)?;
    }
    let mut longer = setup;
    longer.last_until(needed_ms.min(LONGEST_MS));
    Ok(match (stays_down(options, &longer)?, needed_ms <= LONGEST_MS) {
        (false, _) => State::ComesBack,
        (true, true) => State::StaysDown,
        (true, false) => State::Undecided,
    })
}

/// Refuses a time to observe that is over while the backlog may last.
///
/// # Errors
/// Always.
pub fn too_short(observe: Span, place: &str, due_ms: u64) -> anyhow::Result<()> {
    let seconds = |ms: u64| Span::from_millis(ms.div_ceil(1_000).saturating_mul(1_000));
    let (due, enough) = (seconds(due_ms), seconds(due_ms.saturating_add(JUDGED_MS)));
    bail!(
        "--observe: {observe} is too short at {place}: service is down then, and may be for {due} by the backlog alone; allowed: {enough} or more, or no --observe, which takes as long as it needs"
    )
}

/// The setup with nothing that pushes it.
fn calm(setup: &Setup) -> Setup {
    let mut calm = setup.clone();
    calm.load.bursts.clear();
    calm.backend.faults.clear();
    calm
}

/// Whether most of the repetitions are down at the end.
fn stays_down(options: &Options, setup: &Setup) -> anyhow::Result<bool> {
    let is_down = |number| -> anyhow::Result<bool> {
        let outcome = simulate(&setup.repetition(number), options.subject.max_events)?;
        is_down(&outcome, setup.load.duration_ms).context("nothing arrives at the end of the run: there is no telling")
    };
    let down = repeat::each(options.seeds, is_down)?;
    Ok(2 * down.iter().filter(|down| **down).count() > down.len())
}

/// The load without its bursts, in requests per 1,000 s: as it is planned, or as it is where nothing pushes it.
fn load_per_ks(options: &Options, calm: &Setup) -> anyhow::Result<u64> {
    Ok(match calm.load.shape {
        LoadShape::Open { rate, .. } => u64::from(rate) * 1_000,
        LoadShape::Closed { .. } => {
            let outcome = simulate(calm, options.subject.max_events)?;
            outcome.load.series.planned.total() * 1_000_000 / calm.load.duration_ms
        }
    })
}
