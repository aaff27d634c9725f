//! `retrylab assert`: bounds on figures of a report, judged exactly as an experiment's own criteria are.

use anyhow::bail;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use retrylab_api::{Criterion, CriterionStatus, Metric, RecoveryVerdict, Verdict};
use retrylab_core::stats::Ratio;
use retrylab_plan::criteria;
use retrylab_report::{Report, Source};
use serde::Serialize;

use crate::{
    exit::{Answer, Ending},
    kubectl::Kubectl,
    output::{Form, criteria_table, source_in_words},
    reported::{REPORTED, Reported, known_arm},
};

/// Holds a report's figures against bounds: ends with 0 if all hold, 1 if one does not, 2 if a figure is missing or the run carries
/// no verdict
#[derive(Debug, Args)]
pub struct Options {
    #[arg(help = REPORTED)]
    report: Reported,
    #[command(flatten)]
    kubectl: Kubectl,
    /// The arm; every arm when it isn't given
    #[arg(long)]
    arm: Option<String>,
    /// The window: baseline, a fault's name, recovery, a shed's name, after- with a shed's name, or total
    #[arg(long, default_value = "total")]
    window: String,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    bounds: Bounds,
}

/// What is asserted: of each metric the most and the least.
#[derive(Debug)]
struct Bounds(Vec<(Metric, Bound)>);

#[derive(Clone, Debug)]
enum Bound {
    Max(String),
    Min(String),
    In(Vec<RecoveryVerdict>),
}

/// The metrics that are numbers, with the name that options have and the help that they show.
const NUMBERS: [(Metric, &str, &str); 15] = [
    (Metric::Amplification, "amplification", "attempts of the window's requests ÷ these requests"),
    (Metric::WireAmplification, "wire-amplification", "attempts sent in the window ÷ its requests"),
    (
        Metric::BackendAmplification,
        "backend-amplification",
        "attempts that the backend received in the window ÷ its requests",
    ),
    (Metric::PeakAmplification, "peak-amplification", "the highest wire amplification of a second"),
    (Metric::RetryShare, "retry-share", "retries ÷ attempts"),
    (Metric::SuccessRate, "success-rate", "requests that succeeded ÷ requests"),
    (Metric::Goodput, "goodput", "successful answers a second"),
    (Metric::DroppedShare, "dropped-share", "requests that could not be sent ÷ requests"),
    (Metric::WastedWork, "wasted-work", "work that nobody waited for any more ÷ work"),
    (Metric::SyncIndex, "sync-index", "peak ÷ mean of the retries in 100 ms"),
    (Metric::LatencyP50Ms, "latency-p50-ms", "median latency in milliseconds"),
    (Metric::LatencyP99Ms, "latency-p99-ms", "p99 of the latency in milliseconds"),
    (Metric::LatencyP999Ms, "latency-p999-ms", "p99.9 of the latency in milliseconds"),
    (Metric::LatenessP99Ms, "lateness-p99-ms", "how late the load generator was, p99 in milliseconds"),
    (Metric::TimeToRecoveryMs, "time-to-recovery-ms", "from the last fault's end to stable service, in milliseconds"),
];

const VERDICTS: &str = "recovery-verdict";

#[derive(Serialize)]
struct Asserted<'r> {
    experiment: &'r str,
    source: Source,
    verdict: Option<Verdict>,
    checks: Vec<CriterionStatus>,
    result: &'static str,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When nothing is asserted, or the report has no such arm or window.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let Bounds(bounds) = &options.bounds;
    if bounds.is_empty() {
        bail!("nothing is asserted: give one bound at least, such as --max-amplification 1.5");
    }
    let report = options.report.read(&options.kubectl)?;
    names(options, &report)?;
    let asserted: Vec<Criterion> = bounds.iter().map(|(metric, bound)| options.criterion(*metric, bound)).collect();
    let checks = criteria(&asserted, &report.status.arms);
    let ending = ending(report.status.verdict, &checks);
    let result = match ending {
        Ending::Passed => "holds",
        Ending::Failed => "does not hold",
        _ => "not known",
    };
    let (experiment, source, verdict) = (&report.metadata.name, report.source, report.status.verdict);
    let asserted = Asserted { experiment, source, verdict, checks, result };
    Ok(Answer { text: options.output.show(&asserted, text)?, ending })
}

/// A run without a verdict of its own carries no figure that could be judged; and what is missing never holds.
fn ending(verdict: Option<Verdict>, checks: &[CriterionStatus]) -> Ending {
    let carries = matches!(verdict, Some(Verdict::Passed | Verdict::Failed));
    if !carries || checks.is_empty() {
        Ending::Inconclusive
    } else if checks.iter().any(|check| check.holds == Some(false)) {
        Ending::Failed
    } else if checks.iter().all(|check| check.holds == Some(true)) {
        Ending::Passed
    } else {
        Ending::Inconclusive
    }
}

/// A misspelt name is wrong usage; an arm that has not begun is a missing figure.
fn names(options: &Options, report: &Report) -> anyhow::Result<()> {
    if let Some(arm) = &options.arm {
        known_arm(report, arm)?;
    }
    let mut windows: Vec<&str> =
        report.status.arms.iter().flat_map(|arm| arm.windows.iter().map(|window| window.name.as_str())).collect();
    if !windows.is_empty() && !windows.contains(&options.window.as_str()) {
        windows.sort_unstable();
        windows.dedup();
        bail!("--window: {} is not allowed; there are: {}", options.window, windows.join(", "));
    }
    Ok(())
}

fn text(asserted: &Asserted<'_>) -> String {
    let verdict = asserted.verdict.map_or("none yet", Verdict::as_str);
    format!(
        "{}\n{}, {}: {}; the run's own verdict: {verdict}\n",
        criteria_table(&asserted.checks),
        asserted.experiment,
        source_in_words(asserted.source),
        asserted.result
    )
}

impl Options {
    fn criterion(&self, metric: Metric, bound: &Bound) -> Criterion {
        let of = |bound: Option<&String>| bound.cloned();
        let (max, min, in_) = match bound {
            Bound::Max(max) => (Some(max), None, None),
            Bound::Min(min) => (None, Some(min), None),
            Bound::In(verdicts) => (None, None, Some(verdicts.clone())),
        };
        Criterion {
            name: option_of(metric, bound),
            metric,
            arm: self.arm.clone(),
            window: self.window.clone(),
            max: of(max),
            min: of(min),
            max_of: None,
            min_of: None,
            in_,
        }
    }
}

/// A bound by the name of its option.
fn option_of(metric: Metric, bound: &Bound) -> String {
    let name = NUMBERS.iter().find(|(number, ..)| *number == metric).map_or(VERDICTS, |(_, name, _)| name);
    match bound {
        Bound::Max(_) => format!("max-{name}"),
        Bound::Min(_) => format!("min-{name}"),
        Bound::In(_) => name.to_owned(),
    }
}

impl Args for Bounds {
    fn augment_args(command: Command) -> Command {
        let decimal = |text: &str| text.parse::<Ratio>().map(|_| text.to_owned());
        let option = |name: String, help: String| {
            let arg = clap::Arg::new(name.clone()).long(name).help(help).value_name("NUMBER").value_parser(decimal);
            arg.help_heading("Bounds")
        };
        let numbers = NUMBERS.iter().flat_map(|(_, name, help)| {
            [
                option(format!("max-{name}"), format!("The most: {help}")),
                option(format!("min-{name}"), "The least of it".into()),
            ]
        });
        let verdicts = clap::Arg::new(VERDICTS).long(VERDICTS).value_name("VERDICT").value_delimiter(',').num_args(1);
        let verdicts = verdicts.help("One of these: how service came back after the last fault").help_heading("Bounds");
        command.args(numbers).arg(verdicts.value_parser(recovery_verdict))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Bounds {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: String| matches.get_one::<String>(&name).cloned();
        let numbers = NUMBERS.iter().flat_map(|(metric, name, _)| {
            let max = given(format!("max-{name}")).map(|max| (*metric, Bound::Max(max)));
            let min = given(format!("min-{name}")).map(|min| (*metric, Bound::Min(min)));
            [max, min].into_iter().flatten()
        });
        let verdicts = matches.get_many::<RecoveryVerdict>(VERDICTS);
        let verdicts = verdicts.map(|verdicts| (Metric::RecoveryVerdict, Bound::In(verdicts.copied().collect())));
        Ok(Self(numbers.chain(verdicts).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn recovery_verdict(text: &str) -> Result<RecoveryVerdict, String> {
    let read = serde_json::from_value(text.into()).ok().filter(|verdict| *verdict != RecoveryVerdict::Undetermined);
    read.ok_or_else(|| {
        "allowed: NoEffect, Recovered, SlowRecovery, MetastableSuspected, MetastableConfirmed, Overloaded".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: Option<Verdict>, holds: &[Option<bool>], expected: Ending) {
        let check = |holds: &Option<bool>| CriterionStatus {
            name: "max-amplification".into(),
            arm: "a".into(),
            observed: None,
            bound: "<= 1".into(),
            holds: *holds,
        };
        assert_eq!(ending(verdict, &holds.iter().map(check).collect::<Vec<_>>()), expected, "{verdict:?} {holds:?}");
    }

    #[test]
    fn only_what_is_known_to_hold_in_a_run_with_a_verdict_passes() {
        let all = [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive, Verdict::Aborted, Verdict::Error];
        for verdict in all.map(Some).into_iter().chain([None]) {
            let carries = matches!(verdict, Some(Verdict::Passed | Verdict::Failed));
            let or_unknown = |ending| if carries { ending } else { Ending::Inconclusive };
            check(verdict, &[Some(true)], or_unknown(Ending::Passed));
            check(verdict, &[Some(true), Some(false), None], or_unknown(Ending::Failed));
            check(verdict, &[Some(true), None], Ending::Inconclusive);
            check(verdict, &[], Ending::Inconclusive);
        }
    }

    #[test]
    fn every_metric_can_be_asserted() {
        let command = Bounds::augment_args(Command::new("assert"));
        let long = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
        // One option for each metric of the definition, by its name there.
        let definition = serde_json::to_string(&retrylab_api::crd()).unwrap();
        for (metric, name, _) in NUMBERS {
            let spelt: String = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            assert_eq!(spelt, format!("{metric:?}"));
            assert!(definition.contains(&format!("\"{spelt}\"")));
            assert!(long(&format!("max-{name}")) && long(&format!("min-{name}")));
        }
        assert!(long(VERDICTS));
    }
}
