//! The experiments as metrics, read from the store of the watch when somebody asks: what was deleted is gone with it.
//!
//! Of those that are over only the latest have series of their own, so that a scrape stays small in a cluster that keeps
//! thousands.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use kube::ResourceExt;
use prometheus::{
    GaugeVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use retrylab_api::{ArmPhase, ArmStatus, Phase, RetryExperiment, Span, Verdict};
use retrylab_plan::due;

/// Most experiments that are over and have series of their own, the latest ones.
const FINISHED_MAX: usize = 500;

/// Collects from whatever gives all experiments.
pub struct Experiments<F> {
    all: F,
    empty: Families,
}

impl<F: Fn() -> Vec<Arc<RetryExperiment>> + Send + Sync> Experiments<F> {
    /// # Errors
    /// Never: the names are good.
    pub fn new(all: F) -> prometheus::Result<Self> {
        Ok(Self { all, empty: Families::new()? })
    }
}

impl<F: Fn() -> Vec<Arc<RetryExperiment>> + Send + Sync> Collector for Experiments<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.empty.each().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // A fresh set each time, so that two who ask at once don't meet in one that is half full.
        let Ok(families) = Families::new() else { return vec![] };
        families.fill((self.all)());
        families.each().into_iter().flat_map(Collector::collect).collect()
    }
}

struct Families {
    count: IntGaugeVec,
    info: IntGaugeVec,
    due: GaugeVec,
    predicted: IntGaugeVec,
    amplification: GaugeVec,
    wire_amplification: GaugeVec,
    peak_amplification: GaugeVec,
    success: GaugeVec,
    recovery: GaugeVec,
}

impl Families {
    fn new() -> prometheus::Result<Self> {
        let ints = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let floats = |name: &str, help: &str, labels: &[&str]| GaugeVec::new(Opts::new(name, help), labels);
        let of_arm = |name, help| floats(name, help, &["namespace", "experiment", "arm"]);
        Ok(Self {
            count: ints("retrylab_experiments", "Experiments by phase and verdict", &["phase", "verdict"])?,
            info: ints(
                "retrylab_experiment_info",
                "1 for each experiment: all that are not over, and the 500 that were over last",
                &["namespace", "experiment", "phase", "verdict"],
            )?,
            due: floats(
                "retrylab_experiment_due_timestamp_seconds",
                "By when an experiment that is not over comes to its next stage by itself, in seconds since 1970",
                &["namespace", "experiment", "phase"],
            )?,
            predicted: ints(
                "retrylab_arms_predicted",
                "Arms that are over, by where the measurement lies: inside or outside the prediction, or there is none to be held against it",
                &["result"],
            )?,
            amplification: of_arm("retrylab_arm_amplification", "Attempts of an arm's requests / its requests")?,
            wire_amplification: of_arm(
                "retrylab_arm_wire_amplification",
                "Attempts that an arm's clients started / its requests, over its whole run",
            )?,
            peak_amplification: of_arm(
                "retrylab_arm_peak_amplification",
                "The highest wire amplification of a second of an arm's run",
            )?,
            success: of_arm("retrylab_arm_success_ratio", "Requests of an arm that succeeded / its requests")?,
            recovery: of_arm(
                "retrylab_arm_recovery_seconds",
                "From the end of an arm's last fault to stable service; none where that was not reached or not lost",
            )?,
        })
    }

    fn each(&self) -> [&dyn Collector; 9] {
        let Self { count, info, due, predicted, .. } = self;
        let Self { amplification, wire_amplification, peak_amplification, success, recovery, .. } = self;
        [count, info, due, predicted, amplification, wire_amplification, peak_amplification, success, recovery]
    }

    fn fill(&self, experiments: Vec<Arc<RetryExperiment>>) {
        self.count_all(&experiments);
        let (over, current): (Vec<_>, Vec<_>) = experiments.into_iter().partition(|e| verdict(e).is_some());
        let finished = |e: &Arc<RetryExperiment>| e.status.as_ref().and_then(|s| s.finished_at.as_ref()).map(|t| t.0);
        let mut over: Vec<_> = over.into_iter().map(|e| (Reverse(finished(&e)), e)).collect();
        over.sort_by_key(|(finished, _)| *finished);
        for experiment in current.iter().chain(over.iter().take(FINISHED_MAX).map(|(_, experiment)| experiment)) {
            self.show(experiment);
        }
    }

    fn count_all(&self, experiments: &[Arc<RetryExperiment>]) {
        let mut counts: BTreeMap<_, i64> = BTreeMap::new();
        for phase in [Phase::Deploying, Phase::Running, Phase::Paused] {
            counts.insert((phase.as_str(), ""), 0);
        }
        for verdict in Verdict::ALL {
            counts.insert((Phase::Complete.as_str(), verdict.as_str()), 0);
        }
        let mut predicted: BTreeMap<_, i64> = [("inside", 0), ("outside", 0), ("none", 0)].into();
        for experiment in experiments {
            *counts.entry((phase(experiment).as_str(), verdict_label(experiment))).or_default() += 1;
            for arm in experiment.status.iter().flat_map(|s| &s.arms).filter(|arm| arm.phase == ArmPhase::Complete) {
                *predicted.entry(prediction(arm)).or_default() += 1;
            }
        }
        for ((phase, verdict), n) in counts {
            self.count.with_label_values(&[phase, verdict]).set(n);
        }
        for (result, n) in predicted {
            self.predicted.with_label_values(&[result]).set(n);
        }
    }

    fn show(&self, experiment: &RetryExperiment) {
        let (namespace, name) = (experiment.namespace().unwrap_or_default(), experiment.name_any());
        let phase = phase(experiment).as_str();
        self.info.with_label_values(&[&namespace, &name, phase, verdict_label(experiment)]).set(1);
        if let Some(due) = due(experiment) {
            self.due.with_label_values(&[&namespace, &name, phase]).set(due.as_millisecond() as f64 / 1_000.0);
        }
        for arm in experiment.status.iter().flat_map(|status| &status.arms) {
            let Some(total) = arm.windows.iter().find(|window| window.name == retrylab_core::timeline::TOTAL) else {
                continue;
            };
            let time_to_recovery = arm.recovery.as_ref().and_then(|recovery| recovery.time_to_recovery.as_ref());
            let recovery = time_to_recovery.and_then(|text| text.parse::<Span>().ok());
            for (figure, value) in [
                (&self.amplification, decimal(total.amplification.as_deref())),
                (&self.wire_amplification, decimal(total.wire_amplification.as_deref())),
                (&self.peak_amplification, decimal(total.peak_amplification.as_deref())),
                (&self.success, decimal(total.success_rate.as_deref())),
                (&self.recovery, recovery.map(|span| span.as_millis() as f64 / 1_000.0)),
            ] {
                if let Some(value) = value {
                    figure.with_label_values(&[&namespace, &name, &arm.name]).set(value);
                }
            }
        }
    }
}

/// A figure as the status shows it.
fn decimal(shown: Option<&str>) -> Option<f64> {
    shown?.parse().ok()
}

/// An experiment that nobody has looked at yet is about to be deployed.
fn phase(experiment: &RetryExperiment) -> Phase {
    experiment.status.as_ref().and_then(|status| status.phase).unwrap_or(Phase::Deploying)
}

fn verdict(experiment: &RetryExperiment) -> Option<Verdict> {
    experiment.status.as_ref().and_then(|status| status.verdict)
}

fn verdict_label(experiment: &RetryExperiment) -> &'static str {
    verdict(experiment).map_or("", Verdict::as_str)
}

fn prediction(arm: &ArmStatus) -> &'static str {
    let is_predicted = arm.windows.iter().any(|window| window.predicted.is_some());
    let is_measured = arm.evidence.as_ref().is_some_and(|evidence| evidence.shortcomings.is_empty());
    if !arm.outside_prediction.is_empty() {
        "outside"
    } else if is_predicted && is_measured {
        "inside"
    } else {
        "none"
    }
}

#[cfg(test)]
mod tests;
