//! Closed-loop users who come and go by ramps, as in a k6 script's stages.

use serde::{Deserialize, Serialize};

use super::{LoadPlan, LoadShape, MAX_STAGES, MAX_USERS, within};
use crate::{timeline::MAX_DURATION_MS, wire::FieldError};

/// One ramp: from the users of the stage before (at first 0) straight to `users`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long the ramp takes, in milliseconds; 0: at once.
    pub for_ms: u64,
    /// Users at its end.
    pub users: u32,
}

pub(super) fn validate(stages: &[Stage]) -> Result<(), FieldError> {
    within("stages (their number)", stages.len() as u64, 1, MAX_STAGES as u64)?;
    for (i, stage) in stages.iter().enumerate() {
        let place = format!("stages[{i}]");
        within("for_ms", stage.for_ms, 0, MAX_DURATION_MS).map_err(|e| e.within(&place))?;
        within("users", u64::from(stage.users), 0, u64::from(MAX_USERS)).map_err(|e| e.within(&place))?;
    }
    Ok(())
}

impl LoadPlan {
    /// The most closed-loop users at any time; 0 for an open loop.
    pub fn users_max(&self) -> u32 {
        match &self.shape {
            LoadShape::Closed { stages, .. } => stages.iter().map(|s| s.users).max().unwrap_or(0),
            LoadShape::Open { .. } => 0,
        }
    }

    /// For how long users are to be there, all of them together, in milliseconds, and how many times one comes.
    pub fn user_time(&self) -> (u64, u64) {
        let spans = (0..self.users_max()).flat_map(|k| self.user_spans(k));
        spans.fold((0, 0), |(time, number), (from, to)| (time + to - from, number + 1))
    }

    /// When user `k` (from 0 on) is there: spans [from, to) in milliseconds, in order of time. The number of users on a
    /// ramp is rounded down, so user k is there while the ramp is at k + 1 or above.
    pub fn user_spans(&self, k: u32) -> Vec<(u64, u64)> {
        let LoadShape::Closed { stages, .. } = &self.shape else { return Vec::new() };
        let needed = u64::from(k) + 1;
        let (mut spans, mut at, mut before): (Vec<(u64, u64)>, _, _) = (Vec::new(), 0, 0u64);
        for stage in stages {
            let (from, to) = (before, u64::from(stage.users));
            let end = at + stage.for_ms;
            let span = match (from >= needed, to >= needed) {
                (true, true) => Some((at, end)),
                (false, true) => Some((at + ((needed - from) * stage.for_ms).div_ceil(to - from), end)),
                (true, false) => Some((at, at + (from - needed) * stage.for_ms / (from - to))),
                (false, false) => None,
            };
            if let Some((from, to)) = span.filter(|(from, to)| from < to) {
                match spans.last_mut() {
                    Some(last) if last.1 == from => last.1 = to,
                    _ => spans.push((from, to)),
                }
            }
            (at, before) = (end, to);
        }
        if before >= needed && at < self.duration_ms {
            match spans.last_mut() {
                Some(last) if last.1 == at => last.1 = self.duration_ms,
                _ => spans.push((at, self.duration_ms)),
            }
        }
        spans.retain(|span| span.0 < self.duration_ms);
        for span in &mut spans {
            span.1 = span.1.min(self.duration_ms);
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(stages: &[(u64, u32)], duration_ms: u64) -> LoadPlan {
        let stages = stages.iter().map(|&(for_ms, users)| Stage { for_ms, users }).collect();
        LoadPlan {
            seed: 1,
            duration_ms,
            shape: LoadShape::Closed { stages, think_ms: 100 },
            bursts: vec![],
            shed: vec![],
        }
    }

    #[test]
    fn users_come_one_by_one_on_a_ramp_up_and_go_one_by_one_on_a_ramp_down() {
        let plan = plan(&[(10_000, 10), (30_000, 10), (20_000, 0)], 60_000);
        assert_eq!(plan.user_spans(0), [(1_000, 58_000)]);
        assert_eq!(plan.user_spans(9), [(10_000, 40_000)]);
        assert_eq!(plan.user_spans(10), []);
        assert_eq!(plan.users_max(), 10);
    }

    #[test]
    fn the_users_time_is_the_area_below_the_ramps() {
        let users_and_times = |stages: &[(u64, u32)]| plan(stages, 60_000).user_time();
        assert_eq!(users_and_times(&[(0, 5)]), (300_000, 5));
        assert_eq!(users_and_times(&[(0, 2), (10_000, 2), (0, 0), (10_000, 0), (0, 1)]), (60_000, 3));
        // Users come and go as the ramp is at a whole number of them: half a user less than the ramp in the mean.
        assert_eq!(users_and_times(&[(10_000, 10), (30_000, 10), (20_000, 0)]), (435_000, 10));
        let open = LoadShape::Open { rate: 5, arrivals: super::super::ArrivalLaw::Uniform };
        assert_eq!(LoadPlan { shape: open, ..plan(&[(0, 1)], 9_000) }.user_time(), (0, 0));
    }

    #[test]
    fn a_stage_of_no_length_is_a_jump() {
        assert_eq!(plan(&[(0, 5)], 8_000).user_spans(4), [(0, 8_000)]);
    }

    #[test]
    fn users_stay_after_the_last_stage_until_the_end_and_never_beyond_it() {
        assert_eq!(plan(&[(1_000, 1)], 9_000).user_spans(0), [(1_000, 9_000)]);
        assert_eq!(plan(&[(0, 2), (60_000, 2)], 9_000).user_spans(1), [(0, 9_000)]);
    }

    #[test]
    fn a_user_may_come_twice() {
        assert_eq!(
            plan(&[(0, 2), (1_000, 2), (0, 0), (1_000, 0), (0, 2)], 5_000).user_spans(1),
            [(0, 1_000), (2_000, 5_000)]
        );
    }
}
