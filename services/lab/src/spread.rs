//! What many repetitions say: means with Student's 95 % interval, fractions with Wilson's.

use std::collections::BTreeMap;

use retrylab_core::stats::{Figures, Ratio, Sample, wilson};
use retrylab_report::Source;
use serde::Serialize;

use crate::{
    experiment::Experiment,
    output::{NOTHING, source_in_words, table},
    simulate::Repetition,
};

/// The repetitions of an experiment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    experiment: String,
    source: Source,
    seeds: usize,
    /// How many of the repetitions have which verdict.
    verdicts: BTreeMap<&'static str, usize>,
    arms: Vec<Arm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<Criterion>,
    /// Repetitions in which every criterion holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_criteria: Option<Fraction>,
}

#[derive(Debug, Serialize)]
struct Arm {
    name: String,
    windows: Vec<Window>,
    /// Of the repetitions in which it can be told: those in which service came back after the last fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<Fraction>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Window {
    name: String,
    amplification: Option<Mean>,
    wire_amplification: Option<Mean>,
    peak_amplification: Option<Mean>,
    success_rate: Option<Mean>,
}

#[derive(Debug, Serialize)]
struct Criterion {
    name: String,
    arm: String,
    #[serde(flatten)]
    holds: Fraction,
}

/// A mean, and half the width of its 95 % interval; decimals.
#[derive(Debug, Serialize)]
struct Mean {
    mean: String,
    within: String,
}

/// So many of so many, and the 95 % interval of the fraction; decimals.
#[derive(Debug, Serialize)]
struct Fraction {
    hits: usize,
    of: usize,
    low: String,
    high: String,
}

impl Report {
    /// The report of repetitions: at least one.
    pub fn of(experiment: &Experiment, repetitions: &[Repetition]) -> Self {
        let criterion = |number: usize| {
            let holds = || repetitions.iter().map(|repetition| &repetition.criteria()[number]);
            let first = holds().next()?;
            let holds = Fraction::of(holds().filter_map(|criterion| criterion.holds))?;
            Some(Criterion { name: first.name.clone(), arm: first.arm.clone(), holds })
        };
        let checks = repetitions.first().map_or(0, |first| first.criteria().len());
        let all_hold = |repetition: &Repetition| repetition.criteria().iter().all(|check| check.holds == Some(true));
        Self {
            experiment: experiment.name.clone(),
            source: Source::Simulation,
            seeds: repetitions.len(),
            verdicts: verdicts(repetitions),
            arms: (0..experiment.spec.arms.len()).map(|arm| Arm::of(repetitions, arm)).collect(),
            criteria: (0..checks).filter_map(criterion).collect(),
            all_criteria: Fraction::of(repetitions.iter().map(all_hold)).filter(|_| checks > 0),
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let header = ["ARM", "WINDOW", "AMP", "WIRE", "PEAK", "SUCCESS"];
        let row = |arm: &Arm, window: &Window| {
            vec![
                arm.name.clone(),
                window.name.clone(),
                shown(window.amplification.as_ref()),
                shown(window.wire_amplification.as_ref()),
                shown(window.peak_amplification.as_ref()),
                shown(window.success_rate.as_ref()),
            ]
        };
        let rows: Vec<_> =
            self.arms.iter().flat_map(|arm| arm.windows.iter().map(move |window| row(arm, window))).collect();
        let mut text = table(&header, &rows);
        let recovered = self.arms.iter().filter_map(|arm| Some(arm.recovered.as_ref()?.row("recovered", &arm.name)));
        let criteria = self.criteria.iter().map(|criterion| criterion.holds.row(&criterion.name, &criterion.arm));
        let all = self.all_criteria.iter().map(|all| all.row("all criteria", NOTHING));
        let fractions: Vec<_> = recovered.chain(criteria).chain(all).collect();
        if !fractions.is_empty() {
            text.push('\n');
            text.push_str(&table(&["OF THE RUNS", "ARM", "HITS", "OF", "LOW", "HIGH"], &fractions));
        }
        let verdicts: Vec<String> =
            self.verdicts.iter().map(|(verdict, runs)| format!("{verdict} in {runs}")).collect();
        let source = source_in_words(self.source);
        text + &format!("\n{}, {source}: of {} runs {}\n", self.experiment, self.seeds, verdicts.join(", "))
    }
}

fn verdicts(repetitions: &[Repetition]) -> BTreeMap<&'static str, usize> {
    let mut verdicts = BTreeMap::new();
    for repetition in repetitions {
        *verdicts.entry(repetition.verdict().as_str()).or_default() += 1;
    }
    verdicts
}

impl Arm {
    fn of(repetitions: &[Repetition], arm: usize) -> Self {
        let windows = repetitions.first().map_or(&[][..], |first| &first.arms[arm].windows);
        let window = |(number, name): (usize, &String)| {
            let mean = |of: fn(&Figures) -> Option<Ratio>| {
                // A figure that not every repetition has has no mean.
                let values = repetitions.iter().map(|repetition| of(&repetition.figures[arm][number]));
                Mean::of(&values.map(|value| value.map(Ratio::to_f64)).collect::<Option<Vec<f64>>>()?)
            };
            Window {
                name: name.clone(),
                amplification: mean(|f| f.amplification),
                wire_amplification: mean(|f| f.wire_amplification),
                peak_amplification: mean(|f| f.peak_amplification),
                success_rate: mean(|f| f.success_rate),
            }
        };
        Self {
            name: repetitions.first().map_or_else(String::new, |first| first.arms[arm].name.clone()),
            windows: windows.iter().map(|window| &window.name).enumerate().map(window).collect(),
            recovered: Fraction::of(repetitions.iter().filter_map(|repetition| repetition.recovered[arm])),
        }
    }
}

impl Mean {
    fn of(values: &[f64]) -> Option<Self> {
        let sample = Sample::of(values)?;
        Some(Self { mean: format!("{:.3}", sample.mean), within: format!("{:.3}", sample.mean_within()?) })
    }
}

impl Fraction {
    fn of(values: impl Iterator<Item = bool>) -> Option<Self> {
        let values: Vec<bool> = values.collect();
        let (hits, of) = (values.iter().filter(|hit| **hit).count(), values.len());
        let (low, high) = wilson(hits, of)?;
        Some(Self { hits, of, low: format!("{low:.3}"), high: format!("{high:.3}") })
    }

    fn row(&self, what: &str, arm: &str) -> Vec<String> {
        let Self { hits, of, low, high } = self;
        vec![what.to_owned(), arm.to_owned(), hits.to_string(), of.to_string(), low.clone(), high.clone()]
    }
}

fn shown(mean: Option<&Mean>) -> String {
    mean.map_or_else(|| NOTHING.to_owned(), |Mean { mean, within }| format!("{mean} ± {within}"))
}
