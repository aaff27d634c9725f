//! `retrylab sweep`: where does a system tip when one number of its experiment grows, and how far must the load fall before
//! it comes back?

mod state;
mod walk;

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Args, ValueEnum};
use retrylab_api::{Arm, RetryExperimentSpec, Span};
use retrylab_core::sim::{JUDGED_MS, TippingPoint, tipping_point};
use serde::Serialize;

use self::{
    state::{State, state},
    walk::{Point, walk},
};
use crate::{
    exit::Answer,
    experiment::Experiment,
    output::{Form, NOTHING, table},
    parameter::{PARAMETERS, Parameter, Range},
    subject::Subject,
};

/// Varies one number of an experiment: finds by bisection where the system tips, and walks the hysteresis loop of its load
#[derive(Debug, Args)]
#[command(after_help = format!("Parameters: {PARAMETERS}"))]
pub struct Options {
    #[command(flatten)]
    subject: Subject,
    /// What is varied, and between which values: load.rate=50..400, faults[outage].for=1s..20s
    #[arg(long)]
    param: Range,
    /// What is looked for
    #[arg(long, value_enum)]
    find: Find,
    /// The arm; every arm when it isn't given
    #[arg(long)]
    arm: Option<String>,
    /// Repetitions with other random draws, on all cores: a value tips when most of them stay down
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    /// How long the load goes on after the last fault or burst, if the experiment's schedule is shorter. A time that is over while
    /// service is down and the backlog may last is refused. When it isn't given: 5 minutes, and longer where the backlog may last
    #[arg(long)]
    observe: Option<Span>,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// What a sweep can look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Find {
    /// Where the system stays down after what pushed it is gone
    TippingPoint,
}

#[derive(Debug, Serialize)]
struct Report {
    experiment: String,
    parameter: String,
    find: Find,
    low: String,
    high: String,
    seeds: u32,
    /// What "stays down" means, in words.
    judged: String,
    arms: Vec<Swept>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    name: String,
    #[serde(flatten)]
    found: Found,
    /// Every value that was looked at, in order.
    looked_at: Vec<Looked>,
    /// The hysteresis loop of the load; empty where the experiment's load has no rate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hysteresis: Vec<Point>,
}

/// Where it tips; neither where it never does, or always.
#[derive(Debug, Serialize)]
struct Found {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stays: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tips: Option<String>,
}

/// A value, and what becomes of the system there.
#[derive(Debug, Serialize)]
struct Looked {
    value: String,
    state: State,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the file can't be used, has no such number or arm, a value is not allowed, or a run is too large.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let experiment = options.subject.read()?;
    options.output.show(&report(options, &experiment)?, Report::table).map(Answer::told)
}

fn report(options: &Options, experiment: &Experiment) -> anyhow::Result<Report> {
    let (spec, Range { parameter, low, high }) = (&experiment.spec, &options.param);
    if let Some(observe) = options.observe.filter(|observe| observe.as_millis() < JUDGED_MS) {
        bail!("--observe: {observe} is not allowed; allowed: {} or more", Span::from_millis(JUDGED_MS));
    }
    let is_asked_for = |arm: &&Arm| options.arm.as_ref().is_none_or(|name| *name == arm.name);
    let arms: Vec<&Arm> = spec.arms.iter().filter(is_asked_for).collect();
    if arms.is_empty() {
        let names: Vec<&str> = spec.arms.iter().map(|arm| arm.name.as_str()).collect();
        bail!("--arm: there is no such arm; there are: {}", names.join(", "));
    }
    Ok(Report {
        experiment: experiment.name.clone(),
        parameter: parameter.to_string(),
        find: options.find,
        low: parameter.show(*low),
        high: parameter.show(*high),
        seeds: options.seeds,
        judged: format!(
            "down: fewer answers of success than half of the arrivals in the last {}, at least {} after the last fault or burst",
            Span::from_millis(JUDGED_MS),
            options.observe.unwrap_or(Span::from_millis(state::OBSERVED_MS)),
        ),
        arms: arms.into_iter().map(|arm| swept(options, spec, arm)).collect::<anyhow::Result<_>>()?,
    })
}

fn swept(options: &Options, spec: &RetryExperimentSpec, arm: &Arm) -> anyhow::Result<Swept> {
    let Range { parameter, low, high } = &options.param;
    let mut states = BTreeMap::new();
    let point = tipping_point(*low, *high, parameter.grain(), |value| {
        let state = state(options, spec, arm, value)?;
        states.insert(value, state);
        anyhow::Ok(state != State::ComesBack)
    })?;
    let looked = |(&value, &state): (&u64, &State)| Looked { value: parameter.show(value), state };
    Ok(Swept {
        name: arm.name.clone(),
        found: Found::of(point, &states, parameter),
        looked_at: states.iter().map(looked).collect(),
        hysteresis: walk(options, spec, arm)?,
    })
}

impl Found {
    /// Only what stays down although it would be up by itself has tipped.
    fn of(point: TippingPoint, states: &BTreeMap<u64, State>, parameter: &Parameter) -> Self {
        let nowhere = |result| Self { result, stays: None, tips: None };
        let (stays, tips, results) = match point {
            TippingPoint::Above { stays, tips } => (stays, tips, ["tipsAbove", "overloadedAbove", "undecidedAbove"]),
            TippingPoint::Below { stays, tips } => (stays, tips, ["tipsBelow", "overloadedBelow", "undecidedBelow"]),
            TippingPoint::Never => return nowhere("neverTips"),
            TippingPoint::Always => {
                let all = |state| states.values().all(|other| *other == state);
                return nowhere(match () {
                    () if all(State::StaysDown) => "alwaysTips",
                    () if all(State::Overloaded) => "alwaysOverloaded",
                    () => "neverComesBack",
                });
            }
        };
        let result = match states.get(&tips) {
            Some(State::Overloaded) => results[1],
            Some(State::Undecided) => results[2],
            _ => results[0],
        };
        Self { result, stays: Some(parameter.show(stays)), tips: Some(parameter.show(tips)) }
    }

    /// The result in the table, of a sweep over this range.
    fn in_words(&self, range: &str) -> String {
        match self.result {
            "tipsAbove" => "above".into(),
            "tipsBelow" => "below".into(),
            "overloadedAbove" => "never: overloaded above".into(),
            "overloadedBelow" => "never: overloaded below".into(),
            "undecidedAbove" => "undecided above".into(),
            "undecidedBelow" => "undecided below".into(),
            "neverTips" => format!("never, {range}"),
            "alwaysTips" => format!("always, {range}"),
            "alwaysOverloaded" => format!("never: overloaded, {range}"),
            _ => format!("down, {range}"),
        }
    }
}

impl Swept {
    /// Every value that was looked at, in a line.
    fn looked_at(&self) -> String {
        let runs = self.looked_at.chunk_by(|a, b| a.state == b.state);
        let run = |run: &[Looked]| {
            let values: Vec<&str> = run.iter().map(|looked| looked.value.as_str()).collect();
            format!("{} at {}", run[0].state.as_str(), values.join(", "))
        };
        format!("{}: {}\n", self.name, runs.map(run).collect::<Vec<_>>().join("; "))
    }

    fn walked(&self) -> String {
        let or_nothing = |text: Option<&String>| text.map_or_else(|| NOTHING.to_owned(), Clone::clone);
        let row = |point: &Point| {
            let shares = [or_nothing(point.up.as_ref()), or_nothing(point.down.as_ref())];
            [&[point.rate.to_string()], &shares[..], &[point.state.as_str().to_owned()]].concat()
        };
        let rows = table(&["RATE", "UP", "DOWN", "STATE"], &self.hysteresis.iter().map(row).collect::<Vec<_>>());
        format!(
            "\n{}: share of the arrivals that is served, on the way up from rest and on the way down from a collapse\n{rows}",
            self.name
        )
    }
}

impl Report {
    fn table(&self) -> String {
        let or_nothing = |text: Option<&String>| text.map_or_else(|| NOTHING.to_owned(), Clone::clone);
        let range = format!("{} to {}", self.low, self.high);
        let row = |arm: &Swept| {
            let Found { stays, tips, .. } = &arm.found;
            vec![arm.name.clone(), arm.found.in_words(&range), or_nothing(stays.as_ref()), or_nothing(tips.as_ref())]
        };
        let rows: Vec<_> = self.arms.iter().map(row).collect();
        let seeds = if self.seeds == 1 { "1 seed".to_owned() } else { format!("{} seeds", self.seeds) };
        let mut text = format!("{}, {seeds}; {}\n\n", self.parameter, self.judged);
        text.push_str(&table(&["ARM", "TIPS", "COMES BACK AT", "STAYS DOWN AT"], &rows));
        text.push_str("\nlooked at\n");
        text.extend(self.arms.iter().map(Swept::looked_at));
        text.extend(self.arms.iter().filter(|arm| !arm.hysteresis.is_empty()).map(Swept::walked));
        text
    }
}
