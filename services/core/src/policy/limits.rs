//! What the requests of one client share under a policy: its budget, breakers and throttle, with what they hold.
//!
//! A client has one of these for as long as the policy is in force; a policy without caps has nothing to share. No part of
//! it is alive by itself: time comes in with every call.

use super::{
    Denial, Outcome, Policy,
    breaker::{BreakerCounts, BreakerState, Passage, RetryBreakerCounts},
    budget::BudgetState,
    draws::Draws,
    throttle::ThrottleCounts,
};

/// The shared state of one client.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    budget: Option<Box<BudgetState>>,
    throttle: Option<Box<ThrottleCounts>>,
    breaker: Option<Box<BreakerCounts>>,
    retry_breaker: Option<Box<RetryBreakerCounts>>,
}

impl Limits {
    /// Full as at the beginning: the policy comes into force now.
    pub fn new(policy: &Policy, now_ns: u64) -> Self {
        Self {
            budget: policy.budget.map(|terms| Box::new(BudgetState::new(&terms, now_ns))),
            throttle: policy.throttle.map(|terms| Box::new(ThrottleCounts::new(terms, now_ns))),
            breaker: policy.breaker.map(|terms| Box::new(BreakerCounts::new(terms, now_ns))),
            retry_breaker: policy.retry_breaker.map(|terms| Box::new(RetryBreakerCounts::new(terms, now_ns))),
        }
    }

    /// Where the circuit breaker stands; `None`: the policy has none.
    pub fn breaker_state(&self, now_ns: u64) -> Option<BreakerState> {
        Some(self.breaker.as_ref()?.state(now_ns))
    }

    /// What the budget holds, in thousandths: of a token for a bucket, of a retry for the others; `None`: the policy has none.
    pub fn budget_left_milli(&mut self, now_ns: u64) -> Option<u64> {
        Some(self.budget.as_mut()?.left_milli(now_ns))
    }

    /// Asks for the passage of an attempt, which then counts as begun; `first`: with it, its request. `question`: how often
    /// the request has asked, this time included.
    pub(super) fn begin_attempt(
        &mut self,
        first: bool,
        question: u32,
        draws: Draws,
        now_ns: u64,
    ) -> Result<Passage, Denial> {
        if let Some(throttle) = &mut self.throttle
            && !throttle.admits(question, draws, now_ns)
        {
            return Err(Denial::Throttle);
        }
        let passage = match &mut self.breaker {
            Some(breaker) => breaker.pass(now_ns).ok_or(Denial::Breaker)?,
            None => Passage::Closed(0),
        };
        if let Some(budget) = &mut self.budget {
            budget.attempt_begun(first, now_ns);
        }
        Ok(passage)
    }

    /// Whether a retry or hedge may be made after this outcome.
    pub(super) fn admit_retry(&mut self, after: Outcome, now_ns: u64) -> Result<(), Denial> {
        if self.retry_breaker.as_mut().is_some_and(|breaker| !breaker.admits(now_ns)) {
            return Err(Denial::RetryBreaker);
        }
        if self.budget.as_mut().is_some_and(|budget| !budget.admits(after, now_ns)) {
            return Err(Denial::Budget);
        }
        Ok(())
    }

    /// Takes a retry or hedge that was admitted out of the budget; gives what was paid, in thousandths of a token.
    pub(super) fn withdraw_retry(&mut self, after: Outcome, now_ns: u64) -> u64 {
        self.budget.as_mut().map_or(0, |budget| budget.withdraw(after, now_ns))
    }

    /// An attempt ended.
    pub(super) fn end_attempt(
        &mut self,
        outcome: Outcome,
        passage: Passage,
        retry: bool,
        paid_milli: u64,
        now_ns: u64,
    ) {
        let failed = outcome.is_retryable();
        if let Some(throttle) = &mut self.throttle {
            throttle.ended(outcome, now_ns);
        }
        if let Some(breaker) = &mut self.breaker {
            breaker.ended(passage, failed, now_ns);
        }
        if let Some(breaker) = &mut self.retry_breaker {
            breaker.ended(failed, now_ns);
        }
        if let Some(budget) = &mut self.budget {
            budget.attempt_ended(outcome, paid_milli, now_ns);
            budget.release(1, u64::from(retry));
        }
    }

    /// Attempts were given up before their end, or retries before their beginning.
    pub(super) fn give_up(&mut self, attempts: u32, probes: u32, retries: u32) {
        if let Some(breaker) = &mut self.breaker {
            (0..probes).for_each(|_| breaker.give_up(Passage::Probe));
        }
        if let Some(budget) = &mut self.budget {
            budget.release(u64::from(attempts), u64::from(retries));
        }
    }

    /// Attempts in flight, retries out, and probes out, as far as anything counts them.
    #[cfg(test)]
    pub(super) fn held(&self) -> (u64, u64, u32) {
        let (attempts, retries) = match self.budget.as_deref() {
            Some(BudgetState::InFlight { attempts, retries, .. }) => (*attempts, *retries),
            _ => (0, 0),
        };
        (attempts, retries, self.breaker.as_ref().map_or(0, |breaker| breaker.probes_out()))
    }
}
