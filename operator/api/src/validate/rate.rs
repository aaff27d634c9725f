//! `spec.load` as a whole against the cap on its rate: what is sent at one time adds up.

use std::collections::BTreeMap;

use retrylab_core::wire::FieldError;

use super::{Caps, RATE_MAX, SECOND, refuse, within_number};
use crate::{Burst, Load, Span};

pub(super) fn validate(load: &Load, caps: Caps) -> Result<(), FieldError> {
    let rate_max = caps.rate_max.min(RATE_MAX);
    let of_bursts = burst_rate_max(&load.bursts);
    let instant = instant_max(&load.bursts);
    if instant > 0 {
        within_number("spec.load.bursts (their requests at one instant)", instant, 1, u64::from(rate_max))?;
    }
    // Without a cap below what anybody may ask for, how much a closed loop sends is for its answers to say.
    let steady = if rate_max < RATE_MAX { closed_loop(load, rate_max)? } else { 0 };
    let sum = steady + u64::from(load.rate.unwrap_or(0)) + u64::from(of_bursts);
    if sum > 0 {
        within_number("spec.load (its requests per second)", sum, 1, u64::from(rate_max))?;
    }
    Ok(())
}

/// The most requests per second that users can send, however fast they are answered: all may begin at once and go on in step,
/// so a pause of more than a second counts as a second.
fn closed_loop(load: &Load, rate_max: u32) -> Result<u64, FieldError> {
    let users = load.users.or_else(|| load.stages.iter().flatten().map(|stage| stage.users).max()).unwrap_or(0);
    match load.think_time.map_or(SECOND, Span::as_millis).min(SECOND) {
        0 if users > 0 => {
            let allowed = format!("more than 0s, since the operator allows {rate_max} requests per second");
            refuse("spec.load.thinkTime", Span::from_millis(0), allowed)
        }
        pause_ms => Ok((u64::from(users) * SECOND).div_ceil(pause_ms.max(1))),
    }
}

/// The highest sum of the rates of bursts that go on at one time; what comes at one instant has no rate.
pub fn burst_rate_max(bursts: &[Burst]) -> u32 {
    let going_on = |at: Span| {
        let is_so = |burst: &&Burst| {
            let end = burst.at.as_millis() + burst.for_.map_or(0, Span::as_millis);
            (burst.at.as_millis()..end).contains(&at.as_millis())
        };
        bursts.iter().filter(is_so).filter_map(|burst| burst.rate).fold(0, u32::saturating_add)
    };
    bursts.iter().map(|burst| going_on(burst.at)).max().unwrap_or(0)
}

/// The most requests of bursts at one instant.
fn instant_max(bursts: &[Burst]) -> u64 {
    let mut at_instant: BTreeMap<Span, u64> = BTreeMap::new();
    for burst in bursts {
        *at_instant.entry(burst.at).or_default() += u64::from(burst.requests.unwrap_or(0));
    }
    at_instant.into_values().max().unwrap_or(0)
}
