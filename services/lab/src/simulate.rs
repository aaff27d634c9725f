//! `retrylab simulate`: every arm of an experiment in virtual time, reported as a measured run is.

use anyhow::bail;
use clap::Args;
use retrylab_api::{
    ArmPhase, ArmStatus, CriterionStatus, Phase, RetryExperimentSpec, RetryExperimentStatus, RunRecord, Verdict,
};
use retrylab_core::{
    sim::{Outcome, TooLarge, simulate},
    stats::{ArmSeries, Figures},
    timeline::windows,
};
use retrylab_plan::{ArmFigures, Judged, judge};
use retrylab_report::{Report, Source};

use crate::{
    exit::{Answer, Ending},
    experiment::Experiment,
    output::ReportForm,
    repeat, spread,
    subject::Subject,
};

/// Simulates an experiment: every arm, under the same requests and faults, with the results and the verdict of a measured run
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    subject: Subject,
    /// Repetitions with other random draws, on all cores: means and fractions with their 95 % intervals. The verdict is the worst
    /// of all of them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: u32,
    /// The form of the output; with several seeds table, json or yaml
    #[arg(short, long, value_enum, default_value_t)]
    output: ReportForm,
}

/// One repetition of a whole experiment.
#[derive(Debug)]
pub struct Repetition {
    /// Its arms, as a status has them.
    pub arms: Vec<ArmStatus>,
    /// Their timelines, where it is the only one: nothing shows those of many.
    series: Vec<ArmSeries>,
    /// For each arm the figures of each window, in the order of the status.
    pub figures: Vec<Vec<Figures>>,
    /// For each arm whether service came back after the last fault, where that can be told.
    pub recovered: Vec<Option<bool>>,
    /// Its verdict, and what that is founded on.
    judged: Judged,
}

impl Repetition {
    /// Its criteria.
    pub fn criteria(&self) -> &[CriterionStatus] {
        &self.judged.criteria
    }

    /// Its verdict.
    pub const fn verdict(&self) -> Verdict {
        self.judged.verdict
    }
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the file can't be used, or a run is too large.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let plain = options.output.plain();
    if options.seeds > 1 && plain.is_none() {
        bail!("--output: markdown, junit and html are of one run; allowed with --seeds: table, json, yaml");
    }
    let experiment = options.subject.read()?;
    let repetitions = repeat::each(options.seeds, |number| repetition(options, &experiment.spec, number))?;
    let worst = repetitions.iter().map(|repetition| Ending::from(repetition.verdict())).max();
    let text = match (repetitions.as_slice(), plain) {
        ([_, _, ..], Some(form)) => form.show(&spread::Report::of(&experiment, &repetitions), spread::Report::table)?,
        ([one, ..], _) => options.output.show(&report(&experiment, one))?,
        ([], _) => String::new(),
    };
    Ok(Answer { text, ending: worst.unwrap_or(Ending::Inconclusive) })
}

/// Simulates every arm; repetition 0 has the experiment's own seed.
fn repetition(options: &Options, spec: &RetryExperimentSpec, number: u32) -> Result<Repetition, TooLarge> {
    let subject = &options.subject;
    let (mut arms, mut series, mut figures, mut recovered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for arm in &spec.arms {
        let (plan, setup) = subject.setup(spec, arm);
        let outcome: Outcome = simulate(&setup.repetition(number), subject.max_events)?;
        let (faults, shed, duration_ms) = (&plan.backend.faults, &plan.loadgen.load.shed, plan.client.duration_ms);
        let counts = outcome.counts();
        let evidence = outcome.evidence(&setup);
        let found = ArmFigures::new(&setup, &counts, &evidence, None);
        let begun = ArmStatus::begun(arm.name.clone(), RunRecord::none());
        arms.push(ArmStatus { phase: ArmPhase::Complete, ..found.into_status(&begun) });
        series.extend((options.seeds == 1).then(|| ArmSeries::new(&arm.name, &counts)));
        figures.push(windows(faults, shed, duration_ms).iter().map(|window| counts.figures(window)).collect());
        recovered.push(outcome.has_recovered(faults, &plan.loadgen.load));
    }
    let judged = judge(spec, &arms);
    Ok(Repetition { arms, series, figures, recovered, judged })
}

fn report(experiment: &Experiment, repetition: &Repetition) -> Report {
    let Judged { verdict, message, criteria } = repetition.judged.clone();
    let mut object = experiment.object.clone();
    object.metadata.name = Some(experiment.name.clone());
    object.status = Some(RetryExperimentStatus {
        phase: Some(Phase::Complete),
        verdict: Some(verdict),
        message: Some(message),
        arms: repetition.arms.clone(),
        criteria,
        ..RetryExperimentStatus::default()
    });
    Report::new(&object, repetition.series.clone(), Source::Simulation)
}
