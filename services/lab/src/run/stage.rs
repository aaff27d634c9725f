//! A run that is under way, as people see it: when there is something to be told, and what.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use retrylab_api::{RetryExperiment, Span, arm_plan};
use retrylab_conduct::running;
use retrylab_core::{
    stats::Ratio,
    timeline::{TOTAL, Window, windows},
};

use super::counters::Counts;

/// A run that is under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The arm.
    pub arm: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// Its windows, in the order of the status.
    pub windows: Vec<Window>,
    /// Length of its schedule.
    pub duration_ms: u64,
    /// The schedules of the arms before it.
    pub before_ms: u64,
    /// The schedules of all arms.
    pub whole_ms: u64,
}

impl Stage {
    /// The run of an experiment that is under way, if one is.
    pub fn of(experiment: &RetryExperiment) -> Option<Self> {
        let (spec, status) = (&experiment.spec, running(experiment)?);
        let place = spec.arms.iter().position(|arm| arm.name == status.name)?;
        let plan = arm_plan(spec, &spec.arms[place], &status.run.target);
        let duration_ms = plan.client.duration_ms;
        let mut windows = windows(&plan.backend.faults, &plan.loadgen.load.shed, duration_ms);
        // The total is told when it is all there is, without its drain.
        windows.retain(|window| window.to_ms.is_some());
        if windows.is_empty() {
            windows.push(Window { name: TOTAL.to_owned(), from_ms: 0, to_ms: Some(duration_ms) });
        }
        Some(Self {
            arm: status.name.clone(),
            starts_at: status.run.starts_at.0,
            windows,
            duration_ms,
            before_ms: duration_ms * place as u64,
            whole_ms: duration_ms * spec.arms.len() as u64,
        })
    }

    /// When to look, in milliseconds after its start: at every edge of a window, and in between as often as people want to
    /// see something.
    pub fn moments(&self, grain: Option<Duration>) -> BTreeSet<u64> {
        let edges = self.windows.iter().flat_map(|window| [Some(window.from_ms), window.to_ms]).flatten();
        let grains = grain.into_iter().flat_map(|grain| (0..=self.duration_ms).step_by(grain.as_millis() as usize));
        edges.chain(grains).collect()
    }

    /// How long it is until so many milliseconds after its start.
    pub fn until(&self, ms: u64, now: Timestamp) -> Duration {
        let moment = self.starts_at + SignedDuration::from_millis(ms as i64);
        Duration::try_from(moment.duration_since(now)).unwrap_or_default()
    }

    /// The windows that are over after so many milliseconds, and were not before.
    pub fn over_at(&self, ms: u64) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |window| window.to_ms == Some(ms))
    }

    /// What was sent in a window, of requests that arrived in it or before.
    pub fn line(&self, window: &Window, counts: Counts) -> String {
        let length = Span::from_millis(window.to_ms.unwrap_or(self.duration_ms) - window.from_ms);
        let (arm, name, Counts { requests, attempts }) = (&self.arm, &window.name, counts);
        let wire = amplification(counts);
        format!("{arm}, {name} ({length}): {requests} requests, {attempts} attempts, wire amplification {wire}")
    }

    /// Where it is after so many milliseconds.
    pub fn place(&self, ms: u64) -> String {
        let open = |window: &&Window| window.from_ms <= ms && window.to_ms.is_some_and(|to_ms| ms < to_ms);
        let window = self.windows.iter().rfind(open).map_or(String::new(), |window| format!(", {}", window.name));
        format!("{}{window}", self.arm)
    }

    /// How far the whole experiment is then, in milliseconds of schedule.
    pub const fn position(&self, ms: u64) -> u64 {
        self.before_ms + ms
    }

    /// How long the whole experiment still takes, without drains.
    pub fn left(&self, ms: u64) -> String {
        let seconds = self.whole_ms.saturating_sub(self.position(ms)).div_ceil(1_000);
        format!("{}:{:02} left", seconds / 60, seconds % 60)
    }
}

/// What was sent in so many milliseconds, and in all.
pub fn pace(counts: Counts, in_ms: u64, in_all: Counts) -> String {
    let per_second = |count: u64| (count * 1_000).div_ceil(in_ms.max(1));
    let (requests, attempts) = (per_second(counts.requests), per_second(counts.attempts));
    format!("{requests} requests/s, {attempts} attempts/s, wire amplification so far {}", amplification(in_all))
}

fn amplification(Counts { requests, attempts }: Counts) -> String {
    Ratio::new(attempts, requests).map_or_else(|| "-".to_owned(), |ratio| ratio.to_string())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use retrylab_api::{ArmStatus, RetryExperimentStatus, RunRecord};
    use serde_json::{Value, json};

    use super::*;

    /// The first of two arms, with this schedule.
    fn stage(schedule: &Value) -> Stage {
        let mut spec = json!({
            "arms": [{"name": "naive", "strategy": {"type": "Naive"}}, {"name": "none", "strategy": {"type": "None"}}],
            "load": {"rate": 50},
        });
        spec.as_object_mut().unwrap().extend(schedule.as_object().unwrap().clone());
        let mut experiment = RetryExperiment::new("x", serde_json::from_value(spec).unwrap());
        let never = || MicroTime(Timestamp::UNIX_EPOCH);
        let run =
            RunRecord { id: "r".into(), handover: 1, settled_at: never(), starts_at: never(), target: "c:1".into() };
        let arms = vec![ArmStatus::begun("naive".into(), run)];
        experiment.status = Some(RetryExperimentStatus { arms, ..RetryExperimentStatus::default() });
        Stage::of(&experiment).unwrap()
    }

    fn with_outage() -> Stage {
        stage(&json!({"duration": "30s", "faults": [{"name": "outage", "at": "5500ms", "for": "5s", "type": "Error"}]}))
    }

    #[test]
    fn one_looks_at_every_edge_and_in_between_where_somebody_sees_it() {
        let stage = with_outage();
        assert_eq!(stage.moments(None).into_iter().collect::<Vec<_>>(), [0, 5_500, 10_500, 30_000]);
        let seen = stage.moments(Some(Duration::from_secs(10)));
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 5_500, 10_000, 10_500, 20_000, 30_000]);
        let names: Vec<_> = stage.over_at(10_500).map(|window| window.name.as_str()).collect();
        assert_eq!(names, ["outage"]);
    }

    #[test]
    fn a_run_without_faults_is_one_window() {
        let stage = stage(&json!({"duration": "10s"}));
        assert_eq!(stage.moments(None).into_iter().collect::<Vec<_>>(), [0, 10_000]);
        let line = stage.line(&stage.windows[0], Counts { requests: 500, attempts: 500 });
        assert_eq!(line, "naive, total (10s): 500 requests, 500 attempts, wire amplification 1.000");
    }

    #[test]
    fn where_it_is_and_how_long_it_takes_with_all_arms_that_come() {
        let stage = with_outage();
        assert_eq!((stage.place(0), stage.left(0)), ("naive, baseline".to_owned(), "1:00 left".to_owned()));
        assert_eq!((stage.place(5_500), stage.left(5_500)), ("naive, outage".to_owned(), "0:55 left".to_owned()));
        assert_eq!((stage.place(30_000), stage.left(30_000)), ("naive".to_owned(), "0:30 left".to_owned()));
        assert_eq!((stage.position(5_500), stage.whole_ms), (5_500, 60_000));
        assert_eq!(stage.until(500, Timestamp::UNIX_EPOCH), Duration::from_millis(500));
        assert_eq!(stage.until(0, Timestamp::now()), Duration::ZERO);
    }

    #[test]
    fn the_pace_is_per_second_and_nothing_is_made_of_nothing() {
        let (last, all) = (Counts { requests: 25, attempts: 75 }, Counts { requests: 100, attempts: 150 });
        assert_eq!(pace(last, 500, all), "50 requests/s, 150 attempts/s, wire amplification so far 1.500");
        let nothing = Counts::default();
        assert_eq!(pace(nothing, 0, nothing), "0 requests/s, 0 attempts/s, wire amplification so far -");
    }
}
