//! The verdict of an experiment whose arms were all run: from the evidence first, then from the criteria.

use retrylab_api::{ArmStatus, CriterionStatus, MESSAGE_MAX_BYTES, RetryExperimentSpec, Verdict};

use crate::{
    criteria::criteria,
    words::{clipped, few},
};

/// Most shortcomings or checks of criteria that a message names, the last of which may be "and 12 more": the status has all
/// of them.
const NAMED_MAX: usize = 6;

/// A verdict, why it is that, and what it was founded on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in words, in at most [`MESSAGE_MAX_BYTES`].
    pub message: String,
    /// The criteria, each with what was observed.
    pub criteria: Vec<CriterionStatus>,
}

/// Judges an experiment by its arms, whether they were measured or simulated.
pub fn judge(spec: &RetryExperimentSpec, arms: &[ArmStatus]) -> Judged {
    let criteria = criteria(&spec.criteria, arms);
    let lacking = arms.iter().flat_map(|arm| {
        let shortcomings = arm.evidence.iter().flat_map(|evidence| &evidence.shortcomings);
        let nothing = arm.evidence.is_none().then(|| format!("{}: there is no evidence", arm.name));
        shortcomings.map(|shortcoming| format!("{}: {shortcoming}", arm.name)).chain(nothing)
    });
    let missing = spec.arms.len().saturating_sub(arms.len());
    let mut lacking: Vec<String> =
        lacking.chain((missing > 0).then(|| format!("{missing} arms were not run"))).collect();
    if lacking.len() > NAMED_MAX {
        lacking.truncate(NAMED_MAX - 1);
        lacking.push("and more, in the arms' evidence".into());
    }
    let (failed, unknown) = (shown(&criteria, Some(false)), shown(&criteria, None));
    let named = |texts| few(texts, NAMED_MAX).join("; ");
    let (verdict, message) = if !lacking.is_empty() {
        (Verdict::Inconclusive, lacking.join("; "))
    } else if !unknown.is_empty() {
        (Verdict::Inconclusive, format!("criteria of which nothing can be told: {}", named(unknown)))
    } else if !failed.is_empty() {
        (Verdict::Failed, format!("criteria that don't hold: {}", named(failed)))
    } else {
        let held = criteria.len();
        (Verdict::Passed, format!("the evidence is complete, and all {held} checks of criteria hold"))
    };
    Judged { verdict, message: clipped(message, MESSAGE_MAX_BYTES), criteria }
}

/// The criteria that hold, don't, or of which that isn't known, in words.
fn shown(criteria: &[CriterionStatus], holds: Option<bool>) -> Vec<String> {
    let these = criteria.iter().filter(|criterion| criterion.holds == holds);
    these
        .map(|c| {
            let observed = c.observed.as_deref().unwrap_or("nothing observed");
            format!("{} in {}: {observed}, to be {}", c.name, c.arm, c.bound)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// No criterion asks for anything, so that nothing but the lack of evidence can stand in a pass's way.
    #[test]
    fn without_evidence_or_without_an_arm_nothing_passes() {
        let spec: RetryExperimentSpec = serde_json::from_value(json!({
            "arms": [{"name": "naive", "strategy": {"type": "Naive"}}], "load": {"rate": 1}, "duration": "1s",
        }))
        .unwrap();
        let arm = |evidence: serde_json::Value| -> ArmStatus {
            let moment = "2026-11-24T12:00:00.000000Z";
            let run = json!({"id": "r", "handover": 1, "settledAt": moment, "startsAt": moment, "target": "t"});
            serde_json::from_value(json!({"name": "naive", "phase": "Complete", "run": run, "evidence": evidence}))
                .unwrap()
        };
        let verdict = |arms: &[ArmStatus]| judge(&spec, arms).verdict;
        assert_eq!(verdict(&[arm(json!({"accountingGap": 0}))]), Verdict::Passed);
        assert_eq!(verdict(&[arm(json!(null))]), Verdict::Inconclusive);
        assert_eq!(verdict(&[]), Verdict::Inconclusive);
    }
}
