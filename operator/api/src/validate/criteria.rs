//! `spec.criteria`: bounds that a figure can be held against at all.

use retrylab_core::{
    stats::Ratio,
    timeline::{AFTER, BASELINE, RECOVERY, TOTAL},
    wire::FieldError,
};

use super::{names, refuse, within_number};
use crate::{Criterion, Metric, Multiple, RecoveryVerdict, RetryExperimentSpec};

/// Checks of criteria that a status has room for.
const CHECKS_MAX: usize = 80;

pub(super) fn validate(spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let criteria = &spec.criteria;
    within_number("spec.criteria (their number)", criteria.len() as u64, 0, 20)?;
    names("spec.criteria", criteria.iter().map(|criterion| criterion.name.as_str()))?;
    let checks: usize = criteria.iter().map(|c| if c.arm.is_some() { 1 } else { spec.arms.len() }).sum();
    if checks > CHECKS_MAX {
        return refuse("spec.criteria (their number in all arms together)", checks, format!("0 to {CHECKS_MAX}"));
    }
    criteria.iter().enumerate().try_for_each(|(i, c)| criterion(&format!("spec.criteria[{i}]"), c, spec))
}

fn criterion(place: &str, criterion: &Criterion, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    bounds(place, criterion, spec)?;
    if let Some(arm) = criterion.arm.as_ref().filter(|name| !spec.arms.iter().any(|arm| arm.name == **name)) {
        return refuse(&format!("{place}.arm"), arm, "the name of one of spec.arms");
    }
    let of_a_fault = matches!(criterion.metric, Metric::TimeToRecoveryMs | Metric::RecoveryVerdict);
    if of_a_fault && spec.faults.is_empty() {
        return refuse(&format!("{place}.metric"), format!("{:?}", criterion.metric), "only with faults");
    }
    window(place, criterion, spec)
}

fn bounds(place: &str, criterion: &Criterion, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let Criterion { name: _, metric, arm, window: _, max, min, max_of, min_of, in_ } = criterion;
    let number = max.is_some() || min.is_some() || max_of.is_some() || min_of.is_some();
    if !number && in_.is_none() {
        return refuse(place, "no bound", "one of max, min, maxOf, minOf and in");
    }
    if in_.is_some() != (*metric == Metric::RecoveryVerdict) || (in_.is_some() && number) {
        return refuse(&format!("{place}.in"), "another choice", "with metric RecoveryVerdict, alone, and only there");
    }
    if let Some(verdicts) = in_ {
        within_number(&format!("{place}.in (their number)"), verdicts.len() as u64, 1, 6)?;
        if verdicts.contains(&RecoveryVerdict::Undetermined) {
            return refuse(&format!("{place}.in"), "Undetermined", "verdicts that could hold");
        }
    }
    for (field, bound) in [("max", max), ("min", min)] {
        if let Some(bound) = bound.as_ref().filter(|bound| bound.parse::<Ratio>().is_err()) {
            return refuse(&format!("{place}.{field}"), bound, "a decimal such as 3.2");
        }
    }
    for (field, multiple) in [("maxOf", max_of), ("minOf", min_of)] {
        if let Some(multiple) = multiple {
            other_arm(&format!("{place}.{field}"), multiple, arm.as_deref(), spec)?;
        }
    }
    Ok(())
}

fn other_arm(place: &str, other: &Multiple, arm: Option<&str>, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let is_held = |name: &str| name != other.arm && arm.is_none_or(|arm| arm == name);
    let is_an_arm = spec.arms.iter().any(|arm| arm.name == other.arm);
    if !is_an_arm || !spec.arms.iter().any(|arm| is_held(&arm.name)) {
        return refuse(&format!("{place}.arm"), &other.arm, "the name of another one of spec.arms");
    }
    let digits = |text: &str| text.len() <= 3;
    let (whole, fraction) = other.times.split_once('.').unwrap_or((&other.times, ""));
    if other.times.parse::<Ratio>().is_err() || !digits(whole) || !digits(fraction) {
        return refuse(
            &format!("{place}.times"),
            &other.times,
            "a decimal such as 0.5, of at most 3 digits and 3 decimals",
        );
    }
    Ok(())
}

fn window(place: &str, criterion: &Criterion, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let (field, window) = (format!("{place}.window"), criterion.window.as_str());
    if window == TOTAL {
        let total = "not the total, which has no fixed length";
        return if criterion.metric == Metric::Goodput { refuse(&field, window, total) } else { Ok(()) };
    }
    if criterion.metric.is_of_the_run() {
        return refuse(&field, window, format!("total: {:?} is of the whole run", criterion.metric));
    }
    let of_faults = !spec.faults.is_empty() && [BASELINE, RECOVERY].contains(&window);
    let of_shed = spec.load.shed.iter().any(|s| s.name == window || window.strip_prefix(AFTER) == Some(&s.name));
    if of_faults || of_shed || spec.faults.iter().any(|fault| fault.name == window) {
        return Ok(());
    }
    refuse(
        &field,
        window,
        "total, a fault's or a shed's name, after- with a shed's name, or (where there are faults) baseline or recovery",
    )
}
