//! `retrylab sweep`: where does a system tip when one number of its experiment grows, and how far must the load fall before
//! it comes back?

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use retrylab_api::{Arm, Burst, Caps, Fault, RetryExperimentSpec, Span, validate};
use retrylab_core::{
    sim::{JUDGED_MS, LoopPoint, TippingPoint, is_down, loop_point, simulate, tipping_point},
    stats::Ratio,
};
use serde::Serialize;

use crate::{
    exit::Answer,
    experiment::Experiment,
    output::{Form, NOTHING, table},
    parameter::{PARAMETERS, Range},
    repeat,
    subject::Subject,
};

/// Loads of the loop.
const LOOP_POINTS: u32 = 10;

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
    /// How long the load goes on after the last fault or burst, if the experiment's schedule is shorter: longer than the backlog
    /// takes to drain
    #[arg(long, default_value_t = Span::from_millis(300_000))]
    observe: Span,
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
struct Swept {
    name: String,
    #[serde(flatten)]
    found: Found,
    /// The hysteresis loop of the load; empty where the experiment's load has no rate, or where nothing tips.
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

/// One load of the loop: answers of success ÷ arrivals, as decimals.
#[derive(Debug, Serialize)]
struct Point {
    rate: u32,
    up: Option<String>,
    down: Option<String>,
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
    if options.observe.as_millis() < JUDGED_MS {
        bail!("--observe: {} is not allowed; allowed: {} or more", options.observe, Span::from_millis(JUDGED_MS));
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
            options.observe,
        ),
        arms: arms.into_iter().map(|arm| swept(options, spec, arm)).collect::<anyhow::Result<_>>()?,
    })
}

fn swept(options: &Options, spec: &RetryExperimentSpec, arm: &Arm) -> anyhow::Result<Swept> {
    let Range { parameter, low, high } = &options.param;
    let point = tipping_point(*low, *high, parameter.grain(), |value| tips(options, spec, arm, value))?;
    let found = |result, stays: Option<u64>, tips: Option<u64>| {
        let shown = |value: Option<u64>| value.map(|value| parameter.show(value));
        Found { result, stays: shown(stays), tips: shown(tips) }
    };
    let found = match point {
        TippingPoint::Above { stays, tips } => found("tipsAbove", Some(stays), Some(tips)),
        TippingPoint::Below { stays, tips } => found("tipsBelow", Some(stays), Some(tips)),
        TippingPoint::Never => found("neverTips", None, None),
        TippingPoint::Always => found("alwaysTips", None, None),
    };
    // What never tips serves the same both ways.
    let hysteresis = if point == TippingPoint::Never { vec![] } else { walked(options, spec, arm)? };
    Ok(Swept { name: arm.name.clone(), found, hysteresis })
}

/// Whether the system stays down with this value, in most of the repetitions. Load that the experiment sheds would help it
/// up, so nothing is shed; criteria, which may name such a stretch, play no part.
fn tips(options: &Options, spec: &RetryExperimentSpec, arm: &Arm, value: u64) -> anyhow::Result<bool> {
    let parameter = &options.param.parameter;
    let mut spec = spec.clone();
    parameter.put(&mut spec, value)?;
    spec.load.shed.clear();
    spec.criteria.clear();
    let until = last_push_ms(&spec) + options.observe.as_millis();
    spec.duration = Span::from_millis(spec.duration.as_millis().max(until));
    validate(&spec, Caps::default()).with_context(|| format!("{parameter} = {}", parameter.show(value)))?;
    let (_, setup) = options.subject.setup(&spec, arm);
    let is_down = |number| -> anyhow::Result<bool> {
        let outcome = simulate(&setup.repetition(number), options.subject.max_events)?;
        is_down(&outcome, setup.load.duration_ms).context("nothing arrives at the end of the run: there is no telling")
    };
    let down = repeat::each(options.seeds, is_down)?;
    Ok(2 * down.iter().filter(|down| **down).count() > down.len())
}

/// When the last fault or burst is over.
fn last_push_ms(spec: &RetryExperimentSpec) -> u64 {
    let fault = |fault: &Fault| fault.at.as_millis() + fault.for_.as_millis();
    let burst = |burst: &Burst| burst.at.as_millis() + burst.for_.map_or(0, Span::as_millis);
    spec.faults.iter().map(fault).chain(spec.load.bursts.iter().map(burst)).max().unwrap_or(0)
}

/// The hysteresis loop: over the range of a sweep of the load; otherwise from a tenth of the load to one and a half of it.
fn walked(options: &Options, spec: &RetryExperimentSpec, arm: &Arm) -> anyhow::Result<Vec<Point>> {
    let Some(rate) = spec.load.rate else { return Ok(vec![]) };
    let (low, high) = match &options.param {
        Range { parameter: crate::parameter::Parameter::LoadRate, low, high } => (*low as u32, *high as u32),
        _ => ((rate / 10).max(1), rate + rate / 2),
    };
    let mut rates: Vec<u32> = (0..LOOP_POINTS).map(|i| low + (high - low) * i / (LOOP_POINTS - 1)).collect();
    rates.dedup();
    let (_, setup) = options.subject.setup(spec, arm);
    let (settle_ms, budget) = (options.observe.as_millis(), options.subject.max_events);
    let points = repeat::each(rates.len() as u32, |i| loop_point(&setup, rates[i as usize], settle_ms, budget))?;
    let shown = |share: Option<Ratio>| share.map(|share| share.to_string());
    let point = |LoopPoint { rate, up, down }| Point { rate, up: shown(up), down: shown(down) };
    Ok(points.into_iter().map(point).collect())
}

impl Report {
    fn table(&self) -> String {
        let or_nothing = |text: Option<&String>| text.map_or_else(|| NOTHING.to_owned(), Clone::clone);
        let row = |arm: &Swept| {
            let result = match arm.found.result {
                "neverTips" => format!("never, {} to {}", self.low, self.high),
                "alwaysTips" => format!("always, {} to {}", self.low, self.high),
                "tipsBelow" => "below".to_owned(),
                _ => "above".to_owned(),
            };
            vec![arm.name.clone(), result, or_nothing(arm.found.stays.as_ref()), or_nothing(arm.found.tips.as_ref())]
        };
        let rows: Vec<_> = self.arms.iter().map(row).collect();
        let seeds = if self.seeds == 1 { "1 seed".to_owned() } else { format!("{} seeds", self.seeds) };
        let mut text = format!("{}, {seeds}; {}\n\n", self.parameter, self.judged);
        text.push_str(&table(&["ARM", "TIPS", "COMES BACK AT", "STAYS DOWN AT"], &rows));
        let walked = |arm: &Swept| {
            let row = |point: &Point| {
                vec![point.rate.to_string(), or_nothing(point.up.as_ref()), or_nothing(point.down.as_ref())]
            };
            let rows = table(&["RATE", "UP", "DOWN"], &arm.hysteresis.iter().map(row).collect::<Vec<_>>());
            format!(
                "\n{}: share of the arrivals that is served, on the way up from rest and on the way down from a collapse\n{rows}",
                arm.name
            )
        };
        text + &self.arms.iter().filter(|arm| !arm.hysteresis.is_empty()).map(walked).collect::<String>()
    }
}
