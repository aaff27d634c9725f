//! `retrylab simulate`: every arm of an experiment in virtual time, shown as the status of a measured one.

use clap::Args;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use retrylab_api::{
    ArmStatus, CriterionStatus, EvidenceStatus, FatesStatus, LatencyStatus, RecoveryStatus, RetryExperimentSpec,
    RunRecord, WindowStatus,
};
use retrylab_core::{
    sim::{Outcome, TooLarge, simulate},
    stats::Figures,
    timeline::windows,
};
use retrylab_plan::{ArmFigures, criteria};
use serde::Serialize;

use crate::{
    exit::Answer,
    experiment::Experiment,
    output::{Form, NOTHING, shown, table},
    repeat, spread,
    subject::Subject,
};

/// Simulates an experiment: every arm, under the same requests and faults, with the results that its status would have
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    subject: Subject,
    /// Repetitions with other random draws, on all cores: means and fractions with their 95 % intervals
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: u32,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// One repetition of a whole experiment.
#[derive(Debug)]
pub struct Repetition {
    /// Its arms, as a status has them.
    pub arms: Vec<ArmStatus>,
    /// For each arm the figures of each window, in the order of the status.
    pub figures: Vec<Vec<Figures>>,
    /// For each arm whether service came back after the last fault, where that can be told.
    pub recovered: Vec<Option<bool>>,
    /// Its criteria.
    pub criteria: Vec<CriterionStatus>,
}

/// What is shown of one repetition.
#[derive(Debug, Serialize)]
struct Report<'r> {
    experiment: &'r str,
    arms: Vec<Arm<'r>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    criteria: &'r [CriterionStatus],
}

/// An arm as the status has it, without what only a measured one has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Arm<'r> {
    name: &'r str,
    windows: &'r [WindowStatus],
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<&'r RecoveryStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_case: Option<&'r String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<&'r LatencyStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'r EvidenceStatus>,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the file can't be used, or a run is too large.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let experiment = options.subject.read()?;
    let repetitions = repeat::each(options.seeds, |number| repetition(&options.subject, &experiment.spec, number))?;
    let text = match repetitions.as_slice() {
        [one] => options.output.show(&Report::of(&experiment, one), Report::table)?,
        many => options.output.show(&spread::Report::of(&experiment, many), spread::Report::table)?,
    };
    Ok(Answer::told(text))
}

/// Simulates every arm; repetition 0 has the experiment's own seed.
fn repetition(subject: &Subject, spec: &RetryExperimentSpec, number: u32) -> Result<Repetition, TooLarge> {
    let (mut arms, mut figures, mut recovered) = (Vec::new(), Vec::new(), Vec::new());
    for arm in &spec.arms {
        let (plan, setup) = subject.setup(spec, arm);
        let outcome: Outcome = simulate(&setup.repetition(number), subject.max_events)?;
        let (faults, shed, duration_ms) = (&plan.backend.faults, &plan.loadgen.load.shed, plan.client.duration_ms);
        let counts = outcome.counts();
        let evidence = outcome.evidence(faults);
        let found = ArmFigures::new(&setup, &counts, &evidence, None);
        arms.push(found.into_status(&ArmStatus::begun(arm.name.clone(), in_no_time())));
        figures.push(windows(faults, shed, duration_ms).iter().map(|window| counts.figures(window)).collect());
        recovered.push(outcome.has_recovered(faults, shed, duration_ms));
    }
    let criteria = criteria(&spec.criteria, &arms);
    Ok(Repetition { arms, figures, recovered, criteria })
}

/// A simulation has no time of day; none is shown.
fn in_no_time() -> RunRecord {
    let never = || MicroTime(Timestamp::UNIX_EPOCH);
    let (settled_at, starts_at) = (never(), never());
    RunRecord { id: String::new(), handover: 0, settled_at, starts_at, target: String::new() }
}

impl<'r> Report<'r> {
    fn of(experiment: &'r Experiment, repetition: &'r Repetition) -> Self {
        let arm = |arm: &'r ArmStatus| Arm {
            name: &arm.name,
            windows: &arm.windows,
            recovery: arm.recovery.as_ref(),
            worst_case: arm.worst_case.as_ref(),
            latency: arm.latency.as_ref(),
            evidence: arm.evidence.as_ref(),
        };
        Self {
            experiment: &experiment.name,
            arms: repetition.arms.iter().map(arm).collect(),
            criteria: &repetition.criteria,
        }
    }

    fn table(&self) -> String {
        let header = ["ARM", "WINDOW", "REQUESTS", "ATTEMPTS", "AMP", "WIRE", "PEAK", "SUCCESS", "GOODPUT", "FATES"];
        let row = |arm: &Arm<'_>, window: &WindowStatus| {
            vec![
                arm.name.to_owned(),
                window.name.clone(),
                window.requests.to_string(),
                window.attempts.to_string(),
                shown(window.amplification.as_ref()),
                shown(window.wire_amplification.as_ref()),
                shown(window.peak_amplification.as_ref()),
                shown(window.success_rate.as_ref()),
                shown(window.goodput.as_ref()),
                fates(&window.fates),
            ]
        };
        let rows: Vec<_> =
            self.arms.iter().flat_map(|arm| arm.windows.iter().map(move |window| row(arm, window))).collect();
        let mut text = table(&header, &rows);
        text.push('\n');
        text.push_str(&self.arms_table());
        if !self.criteria.is_empty() {
            text.push('\n');
            text.push_str(&self.criteria_table());
        }
        let lacking = |arm: &Arm<'_>| {
            let shortcomings = arm.evidence.map_or(&[][..], |evidence| &evidence.shortcomings);
            let lines = shortcomings.iter().map(|lack| format!("\nno verdict in {}: {lack}\n", arm.name));
            lines.collect::<Vec<_>>()
        };
        text + &self.arms.iter().flat_map(lacking).collect::<Vec<_>>().concat()
    }

    fn arms_table(&self) -> String {
        let row = |arm: &Arm<'_>| {
            let latency = |of: fn(&LatencyStatus) -> &String| shown(arm.latency.map(of));
            vec![
                arm.name.to_owned(),
                arm.recovery.map_or(NOTHING, |recovery| recovery.verdict.as_str()).to_owned(),
                shown(arm.recovery.and_then(|recovery| recovery.time_to_recovery.as_ref())),
                shown(arm.worst_case),
                latency(|l| &l.p50),
                latency(|l| &l.p99),
                latency(|l| &l.p999),
            ]
        };
        table(
            &["ARM", "VERDICT", "RECOVERY", "WORST CASE", "P50 MS", "P99 MS", "P99.9 MS"],
            &self.arms.iter().map(row).collect::<Vec<_>>(),
        )
    }

    fn criteria_table(&self) -> String {
        let row = |criterion: &CriterionStatus| {
            let holds = match criterion.holds {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            let CriterionStatus { name, arm, bound, .. } = criterion.clone();
            vec![name, arm, shown(criterion.observed.as_ref()), bound, holds.to_owned()]
        };
        table(&["CRITERION", "ARM", "OBSERVED", "BOUND", "HOLDS"], &self.criteria.iter().map(row).collect::<Vec<_>>())
    }
}

/// The fates that requests had, each with its number.
fn fates(fates: &FatesStatus) -> String {
    let FatesStatus { ok, ok_after_retry, exhausted, budget_denied, breaker_open, deadline, not_retryable, dropped } =
        *fates;
    let all = [
        ("ok", ok),
        ("okAfterRetry", ok_after_retry),
        ("exhausted", exhausted),
        ("budgetDenied", budget_denied),
        ("breakerOpen", breaker_open),
        ("deadline", deadline),
        ("notRetryable", not_retryable),
        ("dropped", dropped),
    ];
    let those = all.iter().filter(|(_, count)| *count > 0).map(|(fate, count)| format!("{fate} {count}"));
    those.collect::<Vec<_>>().join(", ")
}
