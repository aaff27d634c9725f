//! Conditions: their transition times move only when their status flips, their generation with every edit of the spec.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use retrylab_api::{ConditionType, MESSAGE_MAX_BYTES, Reason};

use crate::words::clipped;

/// Sets one condition in a list that is kept in the order of [`ConditionType::ALL`].
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: ConditionType,
    holds: bool,
    (reason, message): (Reason, String),
    (generation, now): (Option<i64>, Timestamp),
) {
    let status = if holds { "True" } else { "False" };
    let before = conditions.iter().position(|c| c.type_ == kind.as_str());
    let since = before
        .filter(|&i| conditions[i].status == status)
        .map_or_else(|| Time(whole_seconds(now)), |i| conditions[i].last_transition_time.clone());
    let condition = Condition {
        type_: kind.as_str().into(),
        status: status.into(),
        reason: reason.as_str().into(),
        message: clipped(message, MESSAGE_MAX_BYTES),
        last_transition_time: since,
        observed_generation: generation,
    };
    if let Some(i) = before {
        conditions[i] = condition;
    } else {
        let rank = |name: &str| ConditionType::ALL.iter().position(|k| k.as_str() == name);
        let place = conditions.partition_point(|c| rank(&c.type_) < rank(kind.as_str()));
        conditions.insert(place, condition);
    }
}

/// Whether a condition is there and true.
pub fn holds(conditions: &[Condition], kind: ConditionType) -> bool {
    conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == "True")
}

/// A `Time` has a grain of one second; a finer one would differ from what is read back.
pub fn whole_seconds(t: Timestamp) -> Timestamp {
    Timestamp::from_second(t.as_second()).unwrap_or(t)
}
