//! One request's way through a policy, as a state machine: the client, the simulator and the tests follow the same.
//!
//! The caller does what a [`Step`] says, and tells what became of it: [`Retrier::ended`] when an attempt has ended,
//! [`Retrier::wake`] when the time of [`Retrier::wake_at_ns`] has come. Several attempts may be in flight (hedging). When a
//! step ends the request, attempts that are still in flight are to be given up; nothing is told about them any more.
//!
//! A failed attempt is retried when no other of its request is in flight: as long as one is, it may still succeed.

use rand::RngExt;

use super::{Denial, Draws, Fate, Limits, Outcome, Policy, Pushback, breaker::Passage, draws::Draw};

/// No moment at all.
const NEVER: u64 = u64::MAX;
const NS_PER_MS: u64 = 1_000_000;
/// No attempt is begun with less time than this: it would be given up before its backend has seen it.
const ATTEMPT_MIN_NS: u64 = NS_PER_MS;

/// What every call needs: the policy, what its requests share, the time on the caller's monotonic clock, and where this
/// request's random draws come from.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The policy that the request follows, the same all along.
    pub policy: &'a Policy,
    /// What the requests of this client share.
    pub limits: &'a mut Limits,
    /// Nanoseconds since any moment, the same for all requests of this client.
    pub now_ns: u64,
    /// The request's draws, the same all along.
    pub draws: Draws,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this attempt now, and mind [`Retrier::wake_at_ns`].
    Start(Start),
    /// Nothing, until an attempt in flight ends or the time of [`Retrier::wake_at_ns`] has come.
    Wait,
    /// The request has ended; attempts in flight are to be given up.
    End(Fate),
}

/// An attempt that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its number within the request; the first is 1.
    pub number: u32,
    /// Why it is sent.
    pub kind: AttemptKind,
    /// Nanoseconds until the request's deadline: the attempt may not take longer, and passes them on.
    pub left_ns: Option<u64>,
}

/// Why an attempt is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// It is the first.
    First,
    /// Those before it failed.
    Retry,
    /// The one before it takes long.
    Hedge,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    /// Its number within the request.
    pub number: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// What its answer said about when to come back.
    pub pushback: Option<Pushback>,
}

/// The wait before a retry.
struct Wait {
    /// What the delay law gave.
    drawn_ns: u64,
    /// What is waited: that, or longer.
    wait_ns: u64,
}

/// The state of one request under a policy. Small and without references, so that a simulator can park millions of them.
#[derive(Clone, Debug)]
pub struct Retrier {
    deadline_ns: u64,
    wake_ns: u64,
    /// The delay that the law gave the latest retry. A wait that an answer asked for is no part of the law.
    previous_delay_ns: u64,
    /// What the latest retry or hedge was paid, in thousandths of a token.
    paid_milli: u32,
    /// Bit n: attempt n is in flight, as the probe of a half-open breaker.
    probes: u32,
    /// The latest period of a closed breaker in which an attempt passed it.
    period: u32,
    /// Bit n: attempt n passed in that period. The others did so in one that is over.
    of_period: u32,
    started: u8,
    in_flight: u8,
    retries: u8,
    hedges: u8,
    /// Retries and hedges that were withdrawn and have not ended.
    out: u8,
    /// How often it has asked for the passage of an attempt.
    asked: u8,
    denied: Option<Denial>,
}

impl Retrier {
    /// A request that arrives now, with what is left of a deadline that came with it.
    pub const fn new(policy: &Policy, now_ns: u64, left_ns: Option<u64>) -> Self {
        let own = match policy.deadline_ms {
            Some(ms) => ms * NS_PER_MS,
            None => NEVER,
        };
        let given = match left_ns {
            Some(left) => left,
            None => NEVER,
        };
        Self {
            deadline_ns: now_ns.saturating_add(if own < given { own } else { given }),
            wake_ns: NEVER,
            previous_delay_ns: 0,
            paid_milli: 0,
            probes: 0,
            period: 0,
            of_period: 0,
            started: 0,
            in_flight: 0,
            retries: 0,
            hedges: 0,
            out: 0,
            asked: 0,
            denied: None,
        }
    }

    /// The first step: the first attempt, unless a breaker, the throttle or a deadline that has passed is against it.
    pub fn begin(&mut self, turn: &mut Turn<'_>) -> Step {
        if !self.has_time_at(turn.now_ns) {
            return self.end(Fate::Deadline, turn);
        }
        self.start(AttemptKind::First, turn)
    }

    /// An attempt in flight has ended.
    pub fn ended(&mut self, end: AttemptEnd, turn: &mut Turn<'_>) -> Step {
        let bit = 1 << end.number;
        let passage = match (self.probes & bit, self.of_period & bit) {
            (0, 0) => Passage::Past,
            (0, _) => Passage::Closed(self.period),
            _ => Passage::Probe,
        };
        let later = end.number > 1;
        let paid_milli = if later { u64::from(self.paid_milli) } else { 0 };
        self.probes &= !bit;
        self.in_flight -= 1;
        self.out -= u8::from(later);
        turn.limits.end_attempt(end.outcome, passage, later, paid_milli, turn.now_ns);
        match end.outcome {
            Outcome::Success if turn.now_ns > self.deadline_ns => self.end(Fate::Deadline, turn),
            Outcome::Success => self.end(if later { Fate::OkAfterRetry } else { Fate::Ok }, turn),
            Outcome::NotRetryable => self.end(Fate::NotRetryable, turn),
            Outcome::Retryable | Outcome::TimedOut if self.in_flight > 0 => Step::Wait,
            Outcome::Retryable | Outcome::TimedOut => self.retry(end, turn),
        }
    }

    /// The time of [`Retrier::wake_at_ns`] has come. Called sooner it changes nothing.
    pub fn wake(&mut self, turn: &mut Turn<'_>) -> Step {
        if turn.now_ns < self.wake_ns {
            return Step::Wait;
        }
        self.wake_ns = NEVER;
        match (self.in_flight, self.has_time_at(turn.now_ns)) {
            (0, true) => self.start(AttemptKind::Retry, turn),
            (0, false) => self.end(Fate::Deadline, turn),
            (_, true) => self.hedge(turn),
            (_, false) => Step::Wait,
        }
    }

    /// When to call [`Retrier::wake`], unless an attempt ends before.
    pub const fn wake_at_ns(&self) -> Option<u64> {
        if self.wake_ns == NEVER { None } else { Some(self.wake_ns) }
    }

    /// The request is given up by its caller, with all that is in flight.
    pub fn abandon(&mut self, limits: &mut Limits) {
        limits.give_up(u32::from(self.in_flight), self.probes.count_ones(), u32::from(self.out));
        (self.in_flight, self.probes, self.out, self.wake_ns) = (0, 0, 0, NEVER);
    }

    /// Attempts begun so far.
    pub const fn attempts(&self) -> u32 {
        self.started as u32
    }

    /// Attempts in flight.
    pub const fn in_flight(&self) -> u32 {
        self.in_flight as u32
    }

    /// What the last call denied the request, told once.
    pub const fn take_denial(&mut self) -> Option<Denial> {
        self.denied.take()
    }

    /// The latest attempt takes long: another one beside it, if that is allowed.
    fn hedge(&mut self, turn: &mut Turn<'_>) -> Step {
        let admitted = turn.limits.admit_retry(Outcome::Retryable, turn.now_ns);
        match admitted.and_then(|()| self.pass(turn)) {
            Ok(()) => {
                self.withdraw(Outcome::Retryable, turn);
                self.hedges += 1;
                self.send(AttemptKind::Hedge, turn)
            }
            Err(denial) => {
                self.denied = Some(denial);
                Step::Wait
            }
        }
    }

    /// The last attempt in flight failed.
    fn retry(&mut self, end: AttemptEnd, turn: &mut Turn<'_>) -> Step {
        self.wake_ns = NEVER;
        let honoured = turn.policy.retry_after.is_some();
        if turn.now_ns >= self.deadline_ns {
            return self.end(Fate::Deadline, turn);
        }
        if self.attempts() >= turn.policy.max_attempts {
            return self.end(Fate::Exhausted, turn);
        }
        if honoured && end.pushback == Some(Pushback::Never) {
            return self.end(Fate::NotRetryable, turn);
        }
        if let Err(denial) = turn.limits.admit_retry(end.outcome, turn.now_ns) {
            return self.deny(denial, turn);
        }
        let Wait { drawn_ns, wait_ns } = self.wait(end.pushback, turn);
        let start_ns = turn.now_ns.saturating_add(wait_ns);
        if !self.has_time_at(start_ns) {
            return self.end(Fate::Deadline, turn);
        }
        self.withdraw(end.outcome, turn);
        self.retries += 1;
        self.previous_delay_ns = drawn_ns;
        if wait_ns == 0 {
            return self.start(AttemptKind::Retry, turn);
        }
        self.wake_ns = start_ns;
        Step::Wait
    }

    /// The wait before the next retry: the law's, or longer if the answer asked for it.
    fn wait(&self, pushback: Option<Pushback>, turn: &Turn<'_>) -> Wait {
        let (law, i) = (&turn.policy.delay, u32::from(self.retries));
        let rng = || turn.draws.rng(Draw::Delay(self.attempts()));
        let (low, high) = law.range_ns(i, self.previous_delay_ns);
        let asked_ms = match (turn.policy.retry_after, pushback) {
            (Some(terms), Some(Pushback::AfterMs(ms))) => Some((ms.min(terms.cap_ms), terms.jitter_permille)),
            _ => None,
        };
        let Some((ms, jitter_permille)) = asked_ms else {
            let drawn_ns = if low == high { low } else { law.draw_ns(low, high, &mut rng()) };
            return Wait { drawn_ns, wait_ns: drawn_ns };
        };
        let mut rng = rng();
        let drawn_ns = law.draw_ns(low, high, &mut rng);
        let (asked, jitter) = (ms * NS_PER_MS, ms * NS_PER_MS / 1_000 * u64::from(jitter_permille));
        let asked = if jitter == 0 { asked } else { asked + rng.random_range(0..jitter) };
        Wait { drawn_ns, wait_ns: drawn_ns.max(asked) }
    }

    const fn has_time_at(&self, moment_ns: u64) -> bool {
        moment_ns.saturating_add(ATTEMPT_MIN_NS) <= self.deadline_ns
    }

    fn withdraw(&mut self, after: Outcome, turn: &mut Turn<'_>) {
        self.paid_milli = turn.limits.withdraw_retry(after, turn.now_ns) as u32;
        self.out += 1;
    }

    /// Sends the first attempt or a retry, if it gets its passage.
    fn start(&mut self, kind: AttemptKind, turn: &mut Turn<'_>) -> Step {
        match self.pass(turn) {
            Ok(()) => self.send(kind, turn),
            Err(denial) => self.deny(denial, turn),
        }
    }

    /// Asks for the passage of the next attempt.
    fn pass(&mut self, turn: &mut Turn<'_>) -> Result<(), Denial> {
        self.asked += 1;
        let passage = turn.limits.begin_attempt(self.started == 0, u32::from(self.asked), turn.draws, turn.now_ns)?;
        let bit = 1 << (self.started + 1);
        match passage {
            Passage::Probe => self.probes |= bit,
            Passage::Closed(period) if period == self.period => self.of_period |= bit,
            Passage::Closed(period) => (self.period, self.of_period) = (period, bit),
            Passage::Past => {}
        }
        Ok(())
    }

    /// Sends an attempt that has its passage.
    fn send(&mut self, kind: AttemptKind, turn: &Turn<'_>) -> Step {
        let number = self.attempts() + 1;
        self.started += 1;
        self.in_flight += 1;
        if let Some(hedging) = turn.policy.hedging
            && u32::from(self.hedges) < hedging.max_hedges
            && number < turn.policy.max_attempts
        {
            let at_ns = turn.now_ns.saturating_add(hedging.delay_ms * NS_PER_MS);
            self.wake_ns = if self.has_time_at(at_ns) { at_ns } else { NEVER };
        }
        let left_ns = (self.deadline_ns != NEVER).then(|| self.deadline_ns - turn.now_ns);
        Step::Start(Start { number, kind, left_ns })
    }

    /// The attempt that was due may not be made, and no other is in flight: the request ends.
    fn deny(&mut self, denial: Denial, turn: &mut Turn<'_>) -> Step {
        self.denied = Some(denial);
        self.end(denial.fate(), turn)
    }

    fn end(&mut self, fate: Fate, turn: &mut Turn<'_>) -> Step {
        self.abandon(turn.limits);
        Step::End(fate)
    }
}

#[cfg(test)]
mod tests;
