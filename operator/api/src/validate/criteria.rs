//! `spec.criteria`: bounds that a figure can be held against at all.

use retrylab_core::{
    stats::Ratio,
    timeline::{AFTER, BASELINE, RECOVERY, TOTAL},
    wire::FieldError,
};

use super::{SECOND, names, refuse, within_number};
use crate::{
    Criterion, Metric, Multiple, RecoveryVerdict, RetryExperimentSpec,
    convert::{course, windows},
};

/// Checks of criteria that a status has room for.
const CHECKS_MAX: usize = 80;

pub(super) fn validate(spec: &RetryExperimentSpec) -> Vec<Result<(), FieldError>> {
    let criteria = &spec.criteria;
    let number = within_number("spec.criteria (their number)", criteria.len() as u64, 0, 20);
    let names = names("spec.criteria", criteria.iter().map(|criterion| criterion.name.as_str()));
    let each = criteria.iter().enumerate().map(|(i, c)| criterion(&format!("spec.criteria[{i}]"), c, spec));
    [number, names, checks(spec)].into_iter().chain(each).collect()
}

fn checks(spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let checks: usize = spec.criteria.iter().map(|c| if c.arm.is_some() { 1 } else { spec.arms.len() }).sum();
    if checks > CHECKS_MAX {
        return refuse("spec.criteria (their number in all arms together)", checks, format!("0 to {CHECKS_MAX}"));
    }
    Ok(())
}

fn criterion(place: &str, criterion: &Criterion, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    bounds(place, criterion, spec)?;
    if let Some(arm) = criterion.arm.as_ref().filter(|name| !spec.arms.iter().any(|arm| arm.name == **name)) {
        return refuse(&format!("{place}.arm"), arm, "the name of one of spec.arms");
    }
    if matches!(criterion.metric, Metric::TimeToRecoveryMs | Metric::RecoveryVerdict) {
        recovery(&format!("{place}.metric"), criterion.metric, spec)?;
    }
    window(place, criterion, spec)
}

fn recovery(field: &str, metric: Metric, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    match course(spec) {
        None => refuse(field, format!("{metric:?}"), "only with faults"),
        Some(course) if !course.leaves_room() => {
            let room =
                "only with 1s before the first fault, and ten whole seconds after the last one, before load is shed";
            refuse(field, format!("{metric:?}"), room)
        }
        Some(_) => Ok(()),
    }
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
    let others = [("maxOf", max_of), ("minOf", min_of)];
    for (field, multiple) in others {
        if let Some(multiple) = multiple {
            other_arm(&format!("{place}.{field}"), multiple, spec)?;
        }
    }
    if let Some(arm) = arm.as_ref().filter(|arm| !spec.arms.iter().any(|a| a.name == **arm)) {
        let names: Vec<&str> = spec.arms.iter().map(|arm| arm.name.as_str()).collect();
        return refuse(&format!("{place}.arm"), arm, format!("the name of one of spec.arms: {}", names.join(", ")));
    }
    let is_other = |name: &str| others.iter().any(|(_, other)| other.as_ref().is_some_and(|of| of.arm == name));
    if spec.arms.iter().any(|a| !is_other(&a.name) && arm.as_ref().is_none_or(|arm| *arm == a.name)) {
        return Ok(());
    }
    let allowed = "maxOf and minOf of other arms than the one that is held against them";
    refuse(place, arm.as_deref().unwrap_or("every other arm, of which there is none"), allowed)
}

fn other_arm(place: &str, other: &Multiple, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    if !spec.arms.iter().any(|arm| arm.name == other.arm) {
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
    if !of_faults && !of_shed && !spec.faults.iter().any(|fault| fault.name == window) {
        let allowed = "total, a fault's or a shed's name, after- with a shed's name, or (where there are faults) baseline \
                       or recovery";
        return refuse(&field, window, allowed);
    }
    let of_this_name = windows(spec).into_iter().find(|found| found.name == window);
    let Some((from_ms, to_ms)) = of_this_name.and_then(|found| Some((found.from_ms, found.to_ms?))) else {
        return refuse(&field, window, "a window of some length: another one begins where this one does");
    };
    let of_a_second = criterion.metric == Metric::PeakAmplification;
    if of_a_second && to_ms - from_ms < SECOND {
        return refuse(&field, window, "with PeakAmplification, which is of a second, a window of 1s or more");
    }
    if criterion.metric.is_latency() && from_ms.div_ceil(SECOND) >= to_ms / SECOND {
        return refuse(&field, window, "with a latency, which is of whole seconds of the run, a window that holds one");
    }
    Ok(())
}
