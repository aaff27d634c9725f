//! Closed-loop users: each sends, waits for the answer, thinks, and goes on, for as long as it is there.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{LoadPlan, LoadShape, MILLISECOND, Nanos};

/// A user whose request could not be sent pauses for at least this long, or it would try again and again at one moment.
const PAUSE_AFTER_DROP_MS: u64 = 100;

/// How long users pause, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// After an answer: their think time.
    pub after_answer_ms: u64,
    /// After a request that could not be sent.
    pub after_drop_ms: u64,
}

impl LoadPlan {
    /// How long its users pause; not at all with an open loop, which has none.
    pub fn pauses(&self) -> Pauses {
        match self.shape {
            LoadShape::Closed { think_ms, .. } => {
                Pauses { after_answer_ms: think_ms, after_drop_ms: think_ms.max(PAUSE_AFTER_DROP_MS) }
            }
            LoadShape::Open { .. } => Pauses { after_answer_ms: 0, after_drop_ms: 0 },
        }
    }
}

/// The users who are thinking, by when they go on.
#[derive(Debug)]
pub struct Users {
    due: BinaryHeap<Reverse<(Nanos, u32)>>,
    /// For each user when it is still to be there, [from, to), the next span last.
    spans: Vec<Vec<(Nanos, Nanos)>>,
    pauses: Pauses,
}

impl Users {
    /// The users of a load from `from` on.
    pub fn new(plan: &LoadPlan, from: Nanos) -> Self {
        let span = |(from, to): (u64, u64)| (from as Nanos * MILLISECOND, to as Nanos * MILLISECOND);
        let spans = |user| plan.user_spans(user).into_iter().rev().map(span).collect();
        let mut users =
            Self { due: BinaryHeap::new(), spans: (0..plan.users_max()).map(spans).collect(), pauses: plan.pauses() };
        for user in 0..plan.users_max() {
            users.schedule(user, from);
        }
        users
    }

    /// When the next user goes on.
    pub fn next_at(&self) -> Option<Nanos> {
        self.due.peek().map(|&Reverse((at, _))| at)
    }

    /// The next user, with when it goes on.
    pub fn take(&mut self) -> Option<(Nanos, u32)> {
        self.due.pop().map(|Reverse(due)| due)
    }

    /// A user's request has ended: it thinks.
    pub fn think(&mut self, user: u32, now: Nanos) {
        self.schedule(user, now + self.pauses.after_answer_ms as Nanos * MILLISECOND);
    }

    /// A user's request could not be sent: it pauses.
    pub fn pause(&mut self, user: u32, now: Nanos) {
        self.schedule(user, now + self.pauses.after_drop_ms as Nanos * MILLISECOND);
    }

    /// Has a user go on at `earliest`, or later, when it is there next; or never, when it isn't any more.
    fn schedule(&mut self, user: u32, earliest: Nanos) {
        let spans = &mut self.spans[user as usize];
        while let Some(&(from, to)) = spans.last() {
            let at = from.max(earliest);
            if at < to {
                self.due.push(Reverse((at, user)));
                return;
            }
            spans.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Stage;

    fn users(stages: &[(u64, u32)], think_ms: u64, from_ms: Nanos) -> Users {
        let stages = stages.iter().map(|&(for_ms, users)| Stage { for_ms, users }).collect();
        let shape = LoadShape::Closed { stages, think_ms };
        Users::new(
            &LoadPlan { seed: 1, duration_ms: 10_000, shape, bursts: vec![], shed: vec![] },
            from_ms * MILLISECOND,
        )
    }

    fn next_ms(users: &Users) -> Option<Nanos> {
        users.next_at().map(|at| at / MILLISECOND)
    }

    #[test]
    fn users_go_on_in_order_of_time_after_they_have_thought() {
        let mut users = users(&[(1_000, 2)], 100, 0);
        assert_eq!(users.take(), Some((500 * MILLISECOND, 0)));
        users.think(0, 950 * MILLISECOND);
        assert_eq!(users.take(), Some((1_000 * MILLISECOND, 1)));
        assert_eq!(users.take(), Some((1_050 * MILLISECOND, 0)));
        assert_eq!(users.take(), None);
    }

    #[test]
    fn a_user_whose_time_is_over_comes_again_in_its_next_span_or_never() {
        let mut users = users(&[(0, 1), (1_000, 1), (0, 0), (1_000, 0), (0, 1), (1_000, 1), (0, 0)], 100, 0);
        users.take();
        users.think(0, 950 * MILLISECOND);
        assert_eq!(next_ms(&users), Some(2_000));
        users.take();
        users.think(0, 2_950 * MILLISECOND);
        assert_eq!(next_ms(&users), None);
    }

    #[test]
    fn who_is_there_at_a_late_hand_over_goes_on_at_once() {
        assert_eq!(next_ms(&users(&[(0, 1)], 100, 4_000)), Some(4_000));
        assert_eq!(next_ms(&users(&[(0, 1), (1_000, 1), (0, 0)], 100, 4_000)), None);
    }

    #[test]
    fn a_user_who_could_not_send_does_not_try_again_at_once() {
        let mut users = users(&[(0, 1)], 0, 0);
        users.take();
        users.pause(0, 0);
        assert_eq!(next_ms(&users), Some(100));
    }
}
