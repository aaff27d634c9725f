//! The rules of a spec in Rust: the CRD's own, and the operator's caps, which the CRD can't know.

mod backend;
mod criteria;
mod name;
mod rate;
mod shed;
mod strategy;

pub use name::validate_name;
pub use rate::burst_rate_max;
pub use strategy::validate_strategy;

use std::collections::BTreeSet;

use retrylab_core::{
    timeline::{BASELINE, RECOVERY, TOTAL},
    wire::{FieldError, RunPlan},
};

use crate::{Arm, Burst, Fault, FaultType, LAYERS_MAX, Load, RetryExperimentSpec, Span, convert::arm_plan};

/// What the operator's owner allows at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Requests per second, of all that is sent at one time; as many may come at one instant.
    pub rate_max: u32,
    /// The length of an arm.
    pub duration_max: Span,
    /// Pods of a role.
    pub replicas_max: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { rate_max: RATE_MAX, duration_max: Span::from_millis(HOUR), replicas_max: REPLICAS_MAX }
    }
}

/// Windows of an arm beside those of its faults and sheds: baseline, recovery and total.
const FIXED_WINDOWS: usize = 3;
/// Most windows of all arms: a status has room for no more.
pub const WINDOWS_MAX: usize = 40;

/// Most requests per second, whatever the caps say.
const RATE_MAX: u32 = 20_000;
/// Most requests at one instant, whatever the caps say.
const INSTANT_MAX: u32 = 10_000;
/// Most pods of a role, whatever the caps say.
const REPLICAS_MAX: u32 = 10;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Checks a spec against every rule.
///
/// # Errors
/// Names the first field that is not allowed, with its value and what is allowed.
pub fn validate(spec: &RetryExperimentSpec, caps: Caps) -> Result<(), FieldError> {
    violations(spec, caps).into_iter().next().map_or(Ok(()), Err)
}

/// Every rule that a spec breaks, in the order of the spec: of one item the first one, and what depends on others only where
/// those are in order.
pub fn violations(spec: &RetryExperimentSpec, caps: Caps) -> Vec<FieldError> {
    let checks = [
        within_number("spec.seed", spec.seed, 0, 9_007_199_254_740_991),
        within("spec.duration", spec.duration, SECOND, caps.duration_max.as_millis().min(HOUR))
            .and(on_the_grain("spec.duration", spec.duration)),
        within("spec.readyTimeout", spec.ready_timeout, 10 * SECOND, 10 * MINUTE),
        within_number("spec.ttlSecondsAfterFinished", spec.ttl_seconds_after_finished, 0, 86_400),
        workloads(spec, caps),
        load(&spec.load, spec.duration, caps),
    ];
    let alone = checks.into_iter().chain(arms(spec)).chain(faults(spec));
    let broken: Vec<FieldError> = alone.filter_map(Result::err).collect();
    if !broken.is_empty() {
        return broken;
    }
    let together = [overlaps(spec), shed::validate(spec), windows(spec)].into_iter().chain(criteria::validate(spec));
    let broken: Vec<FieldError> = together.filter_map(Result::err).collect();
    if !broken.is_empty() {
        return broken;
    }
    // Last, the bounds of what the services run: a spec that passes here is never refused by a pod.
    spec.arms.iter().filter_map(|arm| plans(spec, arm).err()).collect()
}

fn plans(spec: &RetryExperimentSpec, arm: &Arm) -> Result<(), FieldError> {
    let plan = arm_plan(spec, arm, "client:8000");
    plan.client.validate().and(plan.backend.validate()).and(plan.loadgen.validate()).map_err(|e| e.within("spec"))
}

fn workloads(spec: &RetryExperimentSpec, caps: Caps) -> Result<(), FieldError> {
    replicas("spec.client.replicas", spec.client.replicas, caps)?;
    within_number("spec.client.layers", spec.client.layers, 1, u64::from(LAYERS_MAX))?;
    within("spec.client.timeout", spec.client.timeout, 1, 10 * MINUTE)?;
    replicas("spec.backend.replicas", spec.backend.replicas, caps)?;
    backend::backend(&spec.backend)?;
    for (field, image) in [
        ("spec.client.image", &spec.client.image),
        ("spec.backend.image", &spec.backend.image),
        ("spec.loadgen.image", &spec.loadgen.image),
    ] {
        if let Some(image) = image {
            within_number(&format!("{field} (its length)"), image.chars().count() as u64, 1, 255)?;
        }
    }
    Ok(())
}

fn replicas(field: &str, replicas: u32, caps: Caps) -> Result<(), FieldError> {
    within_number(field, replicas, 1, u64::from(caps.replicas_max.min(REPLICAS_MAX)))
}

fn arms(spec: &RetryExperimentSpec) -> Vec<Result<(), FieldError>> {
    let number = within_number("spec.arms (their number)", spec.arms.len() as u64, 1, 8);
    let names = names("spec.arms", spec.arms.iter().map(|arm| arm.name.as_str()));
    let strategy = |(i, arm): (usize, &Arm)| strategy::strategy(&format!("spec.arms[{i}].strategy"), &arm.strategy);
    [number, names].into_iter().chain(spec.arms.iter().enumerate().map(strategy)).collect()
}

fn load(load: &Load, duration: Span, caps: Caps) -> Result<(), FieldError> {
    let steady = [load.rate.is_some(), load.users.is_some(), load.stages.is_some()].into_iter().filter(|x| *x).count();
    if steady > 1 {
        return refuse("spec.load", "several of rate, users and stages", "only one of them");
    }
    if steady == 0 && load.bursts.is_empty() {
        return refuse("spec.load", "nothing", "rate, users, stages or bursts");
    }
    let closed = load.users.is_some() || load.stages.is_some();
    if load.arrivals.is_some() && load.rate.is_none() && load.bursts.is_empty() {
        return refuse("spec.load.arrivals", "arrivals", "only with rate or bursts");
    }
    if load.think_time.is_some() && !closed {
        return refuse("spec.load.thinkTime", "a time", "only with users or stages");
    }
    if let Some(rate) = load.rate {
        within_number("spec.load.rate", rate, 1, u64::from(caps.rate_max.min(RATE_MAX)))?;
    }
    if let Some(users) = load.users {
        within_number("spec.load.users", users, 1, 1_000)?;
    }
    if let Some(think_time) = load.think_time {
        within("spec.load.thinkTime", think_time, 0, MINUTE)?;
    }
    if let Some(stages) = &load.stages {
        within_number("spec.load.stages (their number)", stages.len() as u64, 1, 20)?;
        for (i, stage) in stages.iter().enumerate() {
            within(&format!("spec.load.stages[{i}].for"), stage.for_, 0, HOUR)?;
            within_number(&format!("spec.load.stages[{i}].users"), stage.users, 0, 1_000)?;
        }
    }
    within_number("spec.load.bursts (their number)", load.bursts.len() as u64, 0, 20)?;
    names("spec.load.bursts", load.bursts.iter().map(|burst| burst.name.as_str()))?;
    load.bursts
        .iter()
        .enumerate()
        .try_for_each(|(i, b)| burst(&format!("spec.load.bursts[{i}]"), b, duration, caps))?;
    rate::validate(load, caps)
}

fn burst(place: &str, burst: &Burst, duration: Span, caps: Caps) -> Result<(), FieldError> {
    on_the_grain(&format!("{place}.at"), burst.at)?;
    within(&format!("{place}.at"), burst.at, 0, duration.as_millis().saturating_sub(1))?;
    match (burst.requests, burst.rate, burst.for_) {
        (Some(requests), None, None) => {
            within_number(&format!("{place}.requests"), requests, 1, u64::from(caps.rate_max.min(INSTANT_MAX)))
        }
        (None, Some(rate), Some(span)) => {
            within_number(&format!("{place}.rate"), rate, 1, u64::from(caps.rate_max.min(RATE_MAX)))?;
            within(&format!("{place}.for"), span, 100, duration.as_millis().saturating_sub(burst.at.as_millis()))
        }
        _ => refuse(place, "another choice", "either requests, or rate with for"),
    }
}

fn faults(spec: &RetryExperimentSpec) -> Vec<Result<(), FieldError>> {
    let number = within_number("spec.faults (their number)", spec.faults.len() as u64, 0, 6);
    let names = names("spec.faults", spec.faults.iter().map(|fault| fault.name.as_str()));
    let each = spec.faults.iter().enumerate().map(|(i, f)| {
        let place = format!("spec.faults[{i}]");
        fault(&place, f, spec.duration)?;
        backend::fault(&place, f, &spec.backend)
    });
    [number, names].into_iter().chain(each).collect()
}

fn overlaps(spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let mut in_time: Vec<_> = spec.faults.iter().collect();
    in_time.sort_by_key(|fault| fault.at);
    match in_time.windows(2).find(|pair| pair[0].at.as_millis() + pair[0].for_.as_millis() > pair[1].at.as_millis()) {
        Some(pair) => {
            refuse("spec.faults", format!("{} and {}", pair[0].name, pair[1].name), "windows that don't overlap")
        }
        None => Ok(()),
    }
}

fn windows(spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let windows = spec.arms.len() * (spec.faults.len() + 2 * spec.load.shed.len() + FIXED_WINDOWS);
    within_number("spec.arms (arms × (faults + 2 × shed + 3), their windows)", windows as u64, 1, WINDOWS_MAX as u64)
}

fn fault(place: &str, fault: &Fault, duration: Span) -> Result<(), FieldError> {
    if [BASELINE, RECOVERY, TOTAL].contains(&fault.name.as_str()) {
        return refuse(&format!("{place}.name"), &fault.name, "none of the names of other windows");
    }
    on_the_grain(&format!("{place}.at"), fault.at)?;
    on_the_grain(&format!("{place}.for"), fault.for_)?;
    within(&format!("{place}.for"), fault.for_, 100, duration.as_millis())?;
    within(&format!("{place}.at"), fault.at, 0, duration.as_millis().saturating_sub(fault.for_.as_millis()))?;
    if let Some(status) = fault.status {
        within_number(&format!("{place}.status"), status, 400, 599)?;
        if fault.kind != FaultType::Error {
            return refuse(&format!("{place}.status"), status, "only with type Error");
        }
    }
    if let Some(retry_after) = fault.retry_after {
        let field = format!("{place}.retryAfter");
        within(&field, retry_after, SECOND, HOUR)?;
        if !retry_after.as_millis().is_multiple_of(SECOND) {
            return refuse(&field, retry_after, "whole seconds");
        }
        if fault.kind != FaultType::Error || !matches!(fault.status, None | Some(429 | 503)) {
            return refuse(&field, retry_after, "only with type Error and status 429 or 503");
        }
    }
    if let Some(percent) = fault.percent {
        within_number(&format!("{place}.percent"), percent, 1, 100)?;
        if [FaultType::Freeze, FaultType::Capacity].contains(&fault.kind) {
            let allowed = "not with type Freeze or Capacity, which act on the workers";
            return refuse(&format!("{place}.percent"), percent, allowed);
        }
    }
    match (fault.kind, fault.capacity_percent) {
        (FaultType::Capacity, Some(left)) => within_number(&format!("{place}.capacityPercent"), left, 1, 99),
        (FaultType::Capacity, None) => refuse(&format!("{place}.capacityPercent"), "nothing", "1 to 99"),
        (_, Some(left)) => refuse(&format!("{place}.capacityPercent"), left, "only with type Capacity"),
        (_, None) => Ok(()),
    }?;
    match (fault.kind, fault.latency) {
        (FaultType::Latency, Some(latency)) => within(&format!("{place}.latency"), latency, 1, 10 * MINUTE),
        (FaultType::Latency, None) => refuse(&format!("{place}.latency"), "nothing", "1ms to 10m"),
        (_, Some(latency)) => refuse(&format!("{place}.latency"), latency, "only with type Latency"),
        (_, None) => Ok(()),
    }
}

/// Names are labels of up to 30 characters, each used once.
fn names<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Result<(), FieldError> {
    let mut seen = BTreeSet::new();
    for (i, name) in names.enumerate() {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !inner || name.len() > 30 || !edge(name.chars().next()) || !edge(name.chars().last()) {
            return refuse(&format!("{list}[{i}].name"), name, "1 to 30 small letters, digits and inner hyphens");
        }
        if !seen.insert(name) {
            return refuse(&format!("{list}[{i}].name"), name, "a name that no other has");
        }
    }
    Ok(())
}

fn within(field: &str, value: Span, low_ms: u64, high_ms: u64) -> Result<(), FieldError> {
    if (low_ms..=high_ms).contains(&value.as_millis()) {
        return Ok(());
    }
    refuse(field, value, format!("{} to {}", Span::from_millis(low_ms), Span::from_millis(high_ms)))
}

fn within_number(field: &str, value: impl Into<u64>, low: u64, high: u64) -> Result<(), FieldError> {
    let value = value.into();
    if (low..=high).contains(&value) { Ok(()) } else { refuse(field, value, format!("{low} to {high}")) }
}

fn on_the_grain(field: &str, value: Span) -> Result<(), FieldError> {
    if value.as_millis().is_multiple_of(100) { Ok(()) } else { refuse(field, value, "a multiple of 100ms") }
}

fn refuse<T>(field: &str, given: impl std::fmt::Display, allowed: impl Into<String>) -> Result<T, FieldError> {
    Err(FieldError::new(field, given, allowed))
}
