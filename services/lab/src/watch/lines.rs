//! What is said of an experiment that is under way: the whole picture, and what is new since the last look.

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{ArmPhase, ArmStatus, ConditionType, RetryExperiment, RetryExperimentStatus, RunRecord, arm_plan};
use retrylab_core::timeline::windows;

use crate::output::{shown, table, windows_table};

/// The picture of this moment.
pub fn screen(experiment: &RetryExperiment, now: Timestamp) -> Vec<String> {
    let status = experiment.status.clone().unwrap_or_default();
    let name = experiment.metadata.name.as_deref().unwrap_or_default();
    let mut lines = vec![format!("{name}: {}", standing(experiment, &status)), String::new()];
    let row = |arm: &retrylab_api::Arm| {
        let begun = status.arms.iter().find(|status| status.name == arm.name);
        vec![arm.name.clone(), begun.map_or_else(|| "waits".to_owned(), |arm| doing(experiment, arm, now))]
    };
    let rows: Vec<_> = experiment.spec.arms.iter().map(row).collect();
    lines.extend(table(&["ARM", "NOW"], &rows).lines().map(str::to_owned));
    let over: Vec<ArmStatus> = status.arms.into_iter().filter(|arm| !arm.windows.is_empty()).collect();
    if !over.is_empty() {
        lines.push(String::new());
        lines.extend(windows_table(&over).lines().map(str::to_owned));
    }
    lines
}

/// What is new since the last look, a line each.
pub fn news(before: Option<&RetryExperiment>, after: &RetryExperiment) -> Vec<String> {
    let state = |experiment: &RetryExperiment| {
        let status = experiment.status.clone().unwrap_or_default();
        let arm =
            status.arms.last().filter(|arm| arm.phase == ArmPhase::Running).map(|arm| format!("arm {}", arm.name));
        let parts = [Some(standing(experiment, &status)), arm];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    let now = state(after);
    if before.map(state).as_ref() != Some(&now) {
        lines.push(now);
    }
    let finished = |experiment: &RetryExperiment| {
        let arms = experiment.status.as_ref().map_or(&[][..], |status| &status.arms);
        arms.iter().filter(|arm| !arm.windows.is_empty()).cloned().collect::<Vec<_>>()
    };
    let known = before.map(finished).unwrap_or_default();
    let new: Vec<ArmStatus> = finished(after).into_iter().skip(known.len()).collect();
    if !new.is_empty() {
        lines.extend(windows_table(&new).lines().map(str::to_owned));
    }
    lines
}

/// Phase, and what the conditions say beside it.
fn standing(experiment: &RetryExperiment, status: &RetryExperimentStatus) -> String {
    let phase = status.phase.map_or_else(|| "not seen by the operator yet".to_owned(), |phase| format!("{phase:?}"));
    let condition = |kind: ConditionType| status.conditions.iter().find(|condition| condition.type_ == kind.as_str());
    let is_true = |kind| condition(kind).filter(|condition| condition.status == "True");
    let fault = is_true(ConditionType::FaultActive).map(|fault| fault.message.clone());
    let paused = is_true(ConditionType::Paused).map(|_| "paused: spec.suspend holds the next arm back".to_owned());
    let workloads = condition(ConditionType::WorkloadsReady)
        .filter(|condition| condition.status != "True" && status.verdict.is_none())
        .map(|condition| format!("workloads: {}", condition.message));
    let aborting = (experiment.spec.abort && status.verdict.is_none()).then(|| "is being ended".to_owned());
    [Some(phase), fault, paused, workloads, aborting].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What an arm that has begun is doing.
fn doing(experiment: &RetryExperiment, arm: &ArmStatus, now: Timestamp) -> String {
    match arm.phase {
        ArmPhase::Running => where_in(experiment, &arm.name, &arm.run, now),
        ArmPhase::Stopped => "ended before its time".to_owned(),
        ArmPhase::Complete => {
            let total = arm.windows.iter().find(|window| window.name == retrylab_core::timeline::TOTAL);
            let figure = |of: Option<&String>| shown(of);
            let (amplification, success) = (
                figure(total.and_then(|total| total.amplification.as_ref())),
                figure(total.and_then(|total| total.success_rate.as_ref())),
            );
            let recovery = arm.recovery.as_ref().map_or("", |recovery| recovery.verdict.as_str());
            format!("over: amplification {amplification}, success {success} {recovery}").trim_end().to_owned()
        }
    }
}

/// The window of a run that is under way, and how long it and the run go on; by this machine's clock.
fn where_in(experiment: &RetryExperiment, arm: &str, run: &RunRecord, now: Timestamp) -> String {
    let Some(arm) = experiment.spec.arms.iter().find(|of_spec| of_spec.name == arm) else { return String::new() };
    let plan = arm_plan(&experiment.spec, arm, &run.target);
    let at_ms = now.duration_since(run.starts_at.0).as_millis();
    let seconds = |ms: i128| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
    if at_ms < 0 {
        return format!("begins in {}", seconds(-at_ms));
    }
    let duration_ms = plan.client.duration_ms;
    let Some(left_ms) = i128::from(duration_ms).checked_sub(at_ms).filter(|left| *left > 0) else {
        return "all is sent; the last requests are waited for".to_owned();
    };
    let windows = windows(&plan.backend.faults, &plan.loadgen.load.shed, duration_ms);
    let inside = windows.iter().find_map(|window| {
        let (from, to) = (i128::from(window.from_ms), i128::from(window.to_ms?));
        let text = || format!("{}, {} of {}", window.name, seconds(at_ms - from), seconds(to - from));
        (from..to).contains(&at_ms).then(text)
    });
    let left = format!("{} left", seconds(left_ms));
    inside.map_or_else(|| left.clone(), |inside| format!("{inside}; {left}"))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::SignedDuration};
    use retrylab_api::{Phase, WindowStatus};

    use super::*;
    use crate::experiment::tests::comparison;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn running() -> RetryExperiment {
        let run = RunRecord {
            id: "r".into(),
            handover: 1,
            settled_at: MicroTime(START),
            starts_at: MicroTime(START),
            target: "client:8000".into(),
        };
        let mut experiment = comparison().object;
        let arms = vec![ArmStatus::begun("naive".into(), run)];
        experiment.status =
            Some(RetryExperimentStatus { phase: Some(Phase::Running), arms, ..RetryExperimentStatus::default() });
        experiment
    }

    fn finished() -> RetryExperiment {
        let mut experiment = running();
        let arm = &mut experiment.status.as_mut().unwrap().arms[0];
        arm.phase = ArmPhase::Complete;
        arm.windows = vec![WindowStatus {
            name: "total".into(),
            requests: 10,
            attempts: 30,
            amplification: Some("3.000".into()),
            ..WindowStatus::default()
        }];
        experiment
    }

    /// The outage is from 5 s to 10 s of 30 s.
    #[test]
    fn the_window_is_told_with_what_is_left_of_it() {
        let check = |ms, expected: &str| {
            let lines = screen(&running(), START + SignedDuration::from_millis(ms)).join("\n");
            assert!(lines.contains(expected), "{lines}");
            assert!(lines.contains("jitter   waits"), "{lines}");
        };
        check(-1_500, "naive    begins in 1.5 s");
        check(0, "naive    baseline, 0.0 s of 5.0 s; 30.0 s left");
        check(7_120, "naive    outage, 2.1 s of 5.0 s; 22.8 s left");
        check(30_000, "naive    all is sent");
    }

    #[test]
    fn only_what_changes_is_news() {
        assert_eq!(news(None, &running()), ["Running, arm naive"]);
        assert_eq!(news(Some(&running()), &running()), Vec::<String>::new());
        let lines = news(Some(&running()), &finished());
        assert_eq!(lines[0], "Running");
        assert!(lines[2].starts_with("naive  total"), "{lines:?}");
        assert_eq!(news(Some(&finished()), &finished()), Vec::<String>::new());
    }
}
