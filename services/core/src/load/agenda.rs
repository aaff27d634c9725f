//! What is to be sent next: the open-loop arrivals and the closed-loop users, in order of time.

use super::{Arrivals, LoadPlan, Nanos, thinking::Users};

/// Serial numbers of the users' requests begin here: those of the arrivals must not depend on how fast users are.
const FIRST_USER_SERIAL: u64 = 1 << 40;

/// One request of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its intended start.
    pub at: Nanos,
    /// Its number within the run: arrival k of the plan is k, whenever the run was handed over.
    pub serial: u64,
    /// The closed-loop user that waits for it.
    pub user: Option<u32>,
}

/// All that a run is still to send.
#[derive(Debug)]
pub struct Agenda {
    arrivals: Arrivals,
    next_arrival: Option<Nanos>,
    arrival_serial: u64,
    users: Users,
    user_serial: u64,
}

impl Agenda {
    /// A load from `from` on. What was due before that is nobody's business here.
    pub fn new(plan: &LoadPlan, from: Nanos) -> Self {
        let mut agenda = Self {
            arrivals: plan.arrivals(),
            next_arrival: None,
            arrival_serial: 0,
            users: Users::new(plan, from),
            user_serial: FIRST_USER_SERIAL,
        };
        agenda.next_arrival = agenda.arrival();
        while agenda.next_arrival.is_some_and(|at| at < from) {
            agenda.advance();
        }
        agenda
    }

    /// When the next request is due; `None`: there is none, unless an answer lets a user go on.
    pub fn next_at(&self) -> Option<Nanos> {
        match (self.next_arrival, self.users.next_at()) {
            (Some(arrival), Some(user)) => Some(arrival.min(user)),
            (arrival, user) => arrival.or(user),
        }
    }

    /// Takes the next request, if it is due.
    pub fn take_due(&mut self, now: Nanos) -> Option<Due> {
        let next = self.next_at().filter(|&at| at <= now)?;
        if self.next_arrival == Some(next) {
            let due = Due { at: next, serial: self.arrival_serial, user: None };
            self.advance();
            return Some(due);
        }
        let (at, user) = self.users.take()?;
        let due = Due { at, serial: self.user_serial, user: Some(user) };
        self.user_serial += 1;
        Some(due)
    }

    /// A request has ended; if a user waited for it, the user thinks.
    pub fn ended(&mut self, due: &Due, now: Nanos) {
        if let Some(user) = due.user {
            self.users.think(user, now);
        }
    }

    /// A request could not be sent; if it was a user's, the user pauses.
    pub fn dropped(&mut self, due: &Due, now: Nanos) {
        if let Some(user) = due.user {
            self.users.pause(user, now);
        }
    }

    fn advance(&mut self) {
        self.next_arrival = self.arrival();
        self.arrival_serial += 1;
    }

    fn arrival(&mut self) -> Option<Nanos> {
        self.arrivals.next().map(|offset| offset.as_nanos() as Nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{ArrivalLaw, Burst, BurstSize, LoadShape, MILLISECOND, Stage};

    fn plan(shape: LoadShape) -> LoadPlan {
        let bursts = vec![Burst { at_ms: 50, size: BurstSize::Requests(2) }];
        LoadPlan { seed: 1, duration_ms: 100, shape, bursts, shed: vec![] }
    }

    fn open() -> LoadPlan {
        plan(LoadShape::Open { rate: 100, arrivals: ArrivalLaw::Uniform })
    }

    fn drain(mut agenda: Agenda) -> Vec<(Nanos, u64)> {
        std::iter::from_fn(|| agenda.take_due(Nanos::MAX)).map(|due| (due.at / MILLISECOND, due.serial)).collect()
    }

    #[test]
    fn arrivals_come_in_order_and_numbered() {
        let all: Vec<_> = [0, 10, 20, 30, 40, 50, 50, 50, 60, 70, 80, 90].into_iter().zip(0..).collect();
        assert_eq!(drain(Agenda::new(&open(), 0)), all);
    }

    #[test]
    fn a_late_hand_over_skips_what_was_due_and_keeps_the_numbers() {
        assert_eq!(drain(Agenda::new(&open(), 70 * MILLISECOND)), [(70, 9), (80, 10), (90, 11)]);
        assert_eq!(drain(Agenda::new(&open(), 91 * MILLISECOND)), []);
    }

    #[test]
    fn nothing_is_taken_before_it_is_due() {
        let mut agenda = Agenda::new(&open(), 0);
        assert!(agenda.take_due(0).is_some());
        assert_eq!(agenda.take_due(10 * MILLISECOND - 1), None);
        assert!(agenda.take_due(10 * MILLISECOND).is_some());
    }

    #[test]
    fn users_go_on_when_their_request_has_ended_and_bursts_come_on_top() {
        let stages = vec![Stage { for_ms: 0, users: 1 }];
        let mut agenda = Agenda::new(&plan(LoadShape::Closed { stages, think_ms: 30 }), 0);
        let first = agenda.take_due(0).unwrap();
        assert_eq!(first, Due { at: 0, serial: FIRST_USER_SERIAL, user: Some(0) });
        assert_eq!(agenda.next_at(), Some(50 * MILLISECOND));
        agenda.ended(&first, 10 * MILLISECOND);
        let second = agenda.take_due(45 * MILLISECOND).unwrap();
        assert_eq!(second, Due { at: 40 * MILLISECOND, serial: FIRST_USER_SERIAL + 1, user: Some(0) });
        agenda.ended(&second, 80 * MILLISECOND);
        assert_eq!(drain(agenda), [(50, 0), (50, 1)]);
    }
}
