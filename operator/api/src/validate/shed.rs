//! `spec.load.shed`: stretches after the faults, in which less is sent.

use retrylab_core::{
    timeline::{AFTER, BASELINE, RECOVERY, TOTAL},
    wire::FieldError,
};

use super::{names, on_the_grain, refuse, within, within_number};
use crate::{RetryExperimentSpec, Shed};

pub(super) fn validate(spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let stretches = &spec.load.shed;
    within_number("spec.load.shed (their number)", stretches.len() as u64, 0, 3)?;
    names("spec.load.shed", stretches.iter().map(|shed| shed.name.as_str()))?;
    if !stretches.is_empty() && spec.load.rate.is_none() {
        return refuse("spec.load.shed", "stretches", "only with rate");
    }
    stretches.iter().enumerate().try_for_each(|(i, s)| shed(&format!("spec.load.shed[{i}]"), s, spec))?;
    let mut in_time: Vec<_> = stretches.iter().collect();
    in_time.sort_by_key(|shed| shed.at);
    match in_time.windows(2).find(|pair| pair[0].at.as_millis() + pair[0].for_.as_millis() > pair[1].at.as_millis()) {
        Some(pair) => {
            refuse("spec.load.shed", format!("{} and {}", pair[0].name, pair[1].name), "stretches that don't overlap")
        }
        None => Ok(()),
    }
}

fn shed(place: &str, shed: &Shed, spec: &RetryExperimentSpec) -> Result<(), FieldError> {
    let of_another = |name: &str| spec.faults.iter().any(|fault| fault.name == name);
    let name = shed.name.as_str();
    if [BASELINE, RECOVERY, TOTAL].contains(&name)
        || name.starts_with(AFTER)
        || of_another(name)
        || of_another(&format!("{AFTER}{name}"))
    {
        return refuse(&format!("{place}.name"), name, "none of the names of other windows");
    }
    within_number(&format!("{place}.name (its length)"), name.len() as u64, 1, 24)?;
    on_the_grain(&format!("{place}.at"), shed.at)?;
    on_the_grain(&format!("{place}.for"), shed.for_)?;
    within_number(&format!("{place}.percent"), shed.percent, 0, 99)?;
    let duration_ms = spec.duration.as_millis();
    let faults_ms = spec.faults.iter().map(|fault| fault.at.as_millis() + fault.for_.as_millis()).max().unwrap_or(0);
    within(&format!("{place}.for"), shed.for_, 100, duration_ms)?;
    within(&format!("{place}.at"), shed.at, faults_ms, duration_ms.saturating_sub(shed.for_.as_millis()))
}
