//! What a run will show, from a few repetitions of it in virtual time: for each figure a mean and a band.
//!
//! A measurement outside its band says that something else than the policy was measured: the network, the node, a defect.
//! The band is what the next repetition may differ by in 99.73 of 100 cases ([`Sample::next_within`]: t·sd·√(1 + 1/N), where t
//! is the 3 of three standard deviations but for the small N), and one request's share for the grain. In every repetition but the first the draws are others, and every edge of a window is up to
//! [`EDGE_MS`] off, as it may be in a run.

use super::{Outcome, Setup, TooLarge, simulate};
use crate::{
    fault::FaultWindow,
    rng,
    stats::{Figures, Ratio, Recovery, Sample},
    timeline::windows,
};

/// The repetitions that a prediction is made of, where nothing else is said.
pub const PREDICTION_RUNS: u32 = 12;
/// The events that a prediction may take, all repetitions together, where nothing else is said: some seconds of one core.
pub const PREDICTION_BUDGET: u64 = 20_000_000;
/// How far off its plan a window's edge may be, in milliseconds.
pub const EDGE_MS: u64 = 5;

/// The purpose of the draws here, among the streams of the load generator (its arrivals have the small numbers).
const STREAM: u64 = 1 << 61;
/// The grain of a ratio in a status.
const GRAIN: f64 = 0.001;
/// The grain of the search for a recovery.
const RECOVERY_GRAIN_MS: u64 = 1_000;

/// What a run will show.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The repetitions that it is made of.
    pub runs: u32,
    /// The windows, in the order of the results.
    pub windows: Vec<WindowPrediction>,
    /// How service will come back after the last fault; `None`: there is none, or too little time after it.
    pub recovery: Option<RecoveryPrediction>,
    /// The events that were simulated.
    pub events: u64,
}

/// The figures of one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowPrediction {
    /// The window's name.
    pub name: String,
    /// Attempts of the window's requests ÷ these requests.
    pub amplification: Option<Band>,
    /// Attempts in the window ÷ requests in the window.
    pub wire_amplification: Option<Band>,
    /// Requests that succeeded ÷ requests.
    pub success_rate: Option<Band>,
}

/// A figure to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its mean over the repetitions.
    pub mean: Ratio,
    /// The least that it should be.
    pub low: Ratio,
    /// The most that it should be.
    pub high: Ratio,
}

/// How service will come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPrediction {
    /// The repetitions in which it came back …
    pub recovered: u32,
    /// … of so many in which that could be told.
    pub of: u32,
    /// The shortest and the longest time that it took, less and plus the grain of a second, in milliseconds; `None`: it
    /// never came back.
    pub after_ms: Option<(u64, u64)>,
}

impl Band {
    /// Whether a figure is within the band.
    pub fn contains(&self, figure: Ratio) -> bool {
        self.low <= figure && figure <= self.high
    }

    /// The band of a share, which is at most 1.
    fn of_a_share(self) -> Self {
        Self { high: Ratio::new(1, 1).map_or(self.high, |all| self.high.min(all)), ..self }
    }

    /// The band of values of which one is `share` finer or coarser by a single request.
    fn of(values: &[Ratio], share: f64) -> Option<Self> {
        let values: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
        let sample = Sample::of(&values)?;
        let within = sample.next_within() + share + GRAIN;
        let thousandths = |value: f64| Ratio::new((value.max(0.0) * 1_000.0).round() as u64, 1_000);
        Some(Self {
            mean: thousandths(sample.mean)?,
            low: thousandths(sample.mean - within)?,
            high: thousandths(sample.mean + within)?,
        })
    }
}

/// Predicts what a run will show, from so many repetitions of it in at most `budget` events.
///
/// # Errors
/// When it would take more: then nothing is predicted, rather than something of a part.
pub fn predict(setup: &Setup, runs: u32, budget: u64) -> Result<Prediction, TooLarge> {
    let mut outcomes = Vec::with_capacity(runs as usize);
    let mut left = budget;
    for number in 0..runs.max(1) {
        let outcome = simulate(&disturbed(setup, number), left).map_err(|e| TooLarge { budget, ..e })?;
        left -= outcome.events;
        outcomes.push(outcome);
    }
    Ok(Prediction::new(setup, &outcomes))
}

/// A repetition as a run may be: with draws of its own, edges that are off, and a network that takes from half to ten times as
/// long: in a closed loop that decides how many requests come. The first is the plan itself.
pub fn disturbed(setup: &Setup, number: u32) -> Setup {
    use rand::RngExt;
    let mut setup = setup.repetition(number);
    if number == 0 {
        return setup;
    }
    let mut rng = rng(setup.load.seed, STREAM);
    setup.network = setup.network * rng.random_range(5..=100) / 10;
    let mut off = |ms: u64| (ms + rng.random_range(0..=2 * EDGE_MS)).saturating_sub(EDGE_MS);
    let mut free_from = 0;
    for FaultWindow { at_ms, for_ms, .. } in &mut setup.backend.faults {
        let (begins, ends) = (off(*at_ms).max(free_from), off(*at_ms + *for_ms));
        (*at_ms, *for_ms) = (begins, ends.saturating_sub(begins).max(1));
        free_from = *at_ms + *for_ms;
    }
    setup
}

impl Prediction {
    /// The prediction that these repetitions make. `setup` is the undisturbed one.
    pub fn new(setup: &Setup, outcomes: &[Outcome]) -> Self {
        let (faults, shed, duration_ms) = (&setup.backend.faults, &setup.load.shed, setup.load.duration_ms);
        let counts: Vec<_> = outcomes.iter().map(Outcome::counts).collect();
        let most = f64::from(setup.client.strategy.policy.max_attempts).powi(setup.inner.len() as i32 + 1);
        let window = |window| {
            let figures: Vec<Figures> = counts.iter().map(|counts| counts.figures(window)).collect();
            let requests = figures.iter().map(|f| f.requests).min().unwrap_or(0).max(1) as f64;
            let band = |of: fn(&Figures) -> Option<Ratio>, share: f64| {
                // A figure that not every repetition has is not foretold.
                let values: Option<Vec<Ratio>> = figures.iter().map(of).collect();
                Band::of(&values?, share)
            };
            WindowPrediction {
                name: window.name.clone(),
                amplification: band(|f| f.amplification, most / requests),
                wire_amplification: band(|f| f.wire_amplification, most / requests),
                success_rate: band(|f| f.success_rate, 1.0 / requests).map(Band::of_a_share),
            }
        };
        Self {
            runs: outcomes.len() as u32,
            windows: windows(faults, shed, duration_ms).iter().map(window).collect(),
            recovery: RecoveryPrediction::of(outcomes.iter().filter_map(|o| o.recovery(faults, &setup.load))),
            events: outcomes.iter().map(|outcome| outcome.events).sum(),
        }
    }
}

impl RecoveryPrediction {
    /// What these recoveries tell of the next.
    fn of(recoveries: impl Iterator<Item = Recovery>) -> Option<Self> {
        let (mut of, mut after) = (0, Vec::new());
        for recovery in recoveries {
            of += 1;
            if let Recovery::After(ms) = recovery {
                after.push(ms);
            }
        }
        let bounds = after.iter().min().zip(after.iter().max());
        (of > 0).then(|| Self {
            recovered: after.len() as u32,
            of,
            after_ms: bounds.map(|(low, high)| (low.saturating_sub(RECOVERY_GRAIN_MS), high + RECOVERY_GRAIN_MS)),
        })
    }
}
