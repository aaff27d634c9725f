//! `retrylab plan`: what a run would be, before anything runs.

mod load;
mod pods;

use clap::Args;
use retrylab_api::{Arm, RetryExperimentSpec, Span, arm_plan, setup};
use retrylab_core::{stats::Ratio, timeline::windows};
use serde::Serialize;

use crate::{
    exit::Answer,
    experiment::{self, Experiment},
    input::Source,
    output::{Form, NOTHING, table},
};

/// Shows what a run would be, before anything runs: its timeline, the worst case that the policies allow, and the pods that would be
/// made
#[derive(Debug, Args)]
pub struct Options {
    /// The file with the experiment; - reads the standard input
    file: Source,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// A run to be. All arms have the same timeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    experiment: String,
    /// Of all arms together, without the time that the pods take to become ready.
    takes_at_least: String,
    /// With the longest request that each policy allows after the last arrival.
    takes_at_most: String,
    timeline: Vec<Stretch>,
    load: load::Load,
    arms: Vec<PlannedArm>,
    pods: Vec<pods::Pods>,
}

/// A window, a burst or a stage: when, and what happens.
#[derive(Debug, Serialize)]
struct Stretch {
    from: String,
    to: Option<String>,
    name: String,
    what: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlannedArm {
    name: String,
    attempts_max: u32,
    longest_request: String,
    /// Attempts at the backend for each request, at most.
    worst_case: Option<String>,
    /// Attempts at the backend a second at the highest rate, while everything fails for long.
    worst_case_rate: Option<String>,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When the file can't be used.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let planned = Planned::of(&experiment::read(&options.file)?);
    options.output.show(&planned, Planned::text).map(Answer::told)
}

impl Planned {
    fn of(Experiment { name, spec, .. }: &Experiment) -> Self {
        let load = load::Load::of(spec);
        let longest_ms =
            |arm: &Arm| setting_of(arm).longest_request(spec.client.timeout.as_duration()).as_millis() as u64;
        let layers = u64::from(spec.client.layers);
        let (arms, duration_ms) = (spec.arms.len() as u64, spec.duration.as_millis());
        let drains_ms: u64 = spec.arms.iter().map(|arm| longest_ms(arm) * layers).sum();
        Self {
            experiment: name.clone(),
            takes_at_least: seconds(arms * duration_ms),
            takes_at_most: seconds(arms * duration_ms + drains_ms),
            timeline: timeline(spec),
            arms: spec.arms.iter().map(|arm| PlannedArm::of(spec, arm, &load)).collect(),
            load,
            pods: pods::pods(spec),
        }
    }

    fn text(&self) -> String {
        let Self { experiment, takes_at_least, takes_at_most, timeline, load, arms, pods } = self;
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| NOTHING.to_owned());
        let stretch =
            |Stretch { from, to, name, what }: &Stretch| vec![from.clone(), or_nothing(to), name.clone(), what.clone()];
        let arm = |arm: &PlannedArm| {
            let worst = [&arm.worst_case, &arm.worst_case_rate].map(or_nothing);
            [vec![arm.name.clone(), arm.attempts_max.to_string(), arm.longest_request.clone()], worst.to_vec()].concat()
        };
        let arms_header = ["ARM", "ATTEMPTS MAX", "LONGEST REQUEST", "WORST CASE", "WORST CASE/S"];
        format!(
            "{experiment}: {} arms, one after the other, {takes_at_least} in all and up to {takes_at_most} with the last requests; each arm:\n\n{}\n{}\n\
             {}WORST CASE: attempts at the backend for each request; /s: at the highest rate, while everything fails for long\n\n{}",
            arms.len(),
            table(&["FROM", "TO", "WHAT", ""], &timeline.iter().map(stretch).collect::<Vec<_>>()),
            load.text(),
            table(&arms_header, &arms.iter().map(arm).collect::<Vec<_>>()),
            pods::text(pods),
        )
    }
}

impl PlannedArm {
    fn of(spec: &RetryExperimentSpec, arm: &Arm, load: &load::Load) -> Self {
        let policy = setting_of(arm);
        let setup = setup(spec, &arm_plan(spec, arm, ""));
        // In a closed loop nobody knows how many requests come, and a budget's share of them; without one it is n for each.
        let requests = load.requests.or_else(|| policy.budget.is_none().then_some(1));
        let worst_case = requests.and_then(|requests| setup.worst_case(requests));
        let rate = |worst: Ratio| worst.times(Ratio::new(u64::from(load.rate_max?), 1)?).map(|rate| rate.decimal(0));
        Self {
            name: arm.name.clone(),
            attempts_max: policy.max_attempts,
            longest_request: seconds(policy.longest_request(spec.client.timeout.as_duration()).as_millis() as u64),
            worst_case: worst_case.map(|worst| worst.to_string()),
            worst_case_rate: worst_case.and_then(rate),
        }
    }
}

fn setting_of(arm: &Arm) -> retrylab_core::policy::Policy {
    retrylab_api::setting(&arm.strategy).policy
}

/// Windows, and what comes on top of the load, in order of time.
fn timeline(spec: &RetryExperimentSpec) -> Vec<Stretch> {
    let Some(arm) = spec.arms.first() else { return vec![] };
    let plan = arm_plan(spec, arm, "");
    let windows = windows(&plan.backend.faults, &plan.loadgen.load.shed, plan.client.duration_ms);
    let window = |window: retrylab_core::timeline::Window| {
        let fault = spec.faults.iter().find(|fault| fault.name == window.name).map(load::fault);
        let shed = spec.load.shed.iter().find(|shed| shed.name == window.name);
        let shed = shed.map(|shed| format!("{} % of the rate is sent", shed.percent));
        let to = window.to_ms.map(seconds);
        (
            window.from_ms,
            Stretch { from: seconds(window.from_ms), to, name: window.name, what: fault.or(shed).unwrap_or_default() },
        )
    };
    let burst = |burst: &retrylab_api::Burst| {
        let at = burst.at.as_millis();
        let to = burst.for_.map(|span| seconds(at + span.as_millis()));
        (at, Stretch { from: seconds(at), to, name: format!("burst {}", burst.name), what: load::burst(burst) })
    };
    let mut all: Vec<_> = windows.into_iter().map(window).chain(spec.load.bursts.iter().map(burst)).collect();
    // The total, which has no end, comes last.
    all.sort_by_key(|(at, stretch)| (stretch.name == retrylab_core::timeline::TOTAL, *at));
    all.into_iter().map(|(_, stretch)| stretch).collect()
}

fn seconds(ms: u64) -> String {
    Span::from_millis(ms).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tests::comparison;

    /// 50/s, Poisson; three arms of 30 s. Naive takes 3 · 5 s at most, backoff 4 · 5 s + 7 s, jitter 4 · 5 s + 14 s.
    #[test]
    fn a_plan_says_how_long_it_takes_and_what_the_policies_allow() {
        let planned = Planned::of(&comparison());
        assert_eq!((planned.takes_at_least.as_str(), planned.takes_at_most.as_str()), ("90s", "166s"));
        let arms: Vec<_> =
            planned.arms.iter().map(|arm| (arm.longest_request.as_str(), arm.worst_case.as_deref())).collect();
        assert_eq!(arms, [("15s", Some("3.000")), ("27s", Some("4.000")), ("34s", Some("4.000"))]);
        assert_eq!(planned.arms[0].worst_case_rate.as_deref(), Some("150"));
        let names: Vec<_> = planned.timeline.iter().map(|stretch| stretch.name.as_str()).collect();
        assert_eq!(names, ["baseline", "outage", "burst spike", "recovery", "total"]);
        assert_eq!(planned.timeline[1].what, "Error 503 for 100 % of the requests");
    }
}
