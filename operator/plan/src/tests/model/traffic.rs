//! The requests of a run on their way: from the load generator through the client's retries to the backend.

use std::time::Duration;

use retrylab_core::{
    policy::{Decision, Outcome, Policy, Retrier},
    rng,
};

use super::world::{Happening, MS, Us, World};
use crate::Role;

/// How long a backend takes to serve a request.
const SERVICE: Us = 5 * MS;

/// A request that was sent.
pub struct Request {
    id: String,
    serial: u64,
    due_us: u64,
    /// The load generator's pod, and the run on it.
    from: (usize, usize),
    client: Option<usize>,
    policy: Policy,
    seed: u64,
    failures: u32,
}

impl Request {
    /// What the policy says after another attempt. The draws are the request's own, so they can be made again.
    fn after(&self, outcome: Outcome) -> Decision {
        let (mut retrier, mut rng) = (Retrier::new(&self.policy), rng(self.seed, self.serial));
        for _ in 0..self.failures {
            retrier.after(Outcome::Retryable, &mut rng);
        }
        retrier.after(outcome, &mut rng)
    }
}

impl World {
    pub fn schedule_next(&mut self, pod: usize, run: usize) {
        let state = &mut self.pods[pod].runs[run];
        if let Some((_, due)) = state.arrivals.peek() {
            let when = state.starts + due.as_micros() as Us;
            self.at(when, Happening::Due(pod, run));
        }
    }

    /// A request is due.
    pub fn due(&mut self, pod: usize, run: usize) {
        let loadgen = &mut self.pods[pod];
        let state = &mut loadgen.runs[run];
        if loadgen.is_gone || state.stopped.is_some() {
            return;
        }
        let Some((serial, due)) = state.arrivals.next() else { return };
        let (due_us, plan) = (due.as_micros() as u64, &state.plan.client);
        state.load.planned.add(due_us);
        state.load.sent.add(due_us);
        state.in_flight += 1;
        let mut request = Request {
            id: state.id.clone(),
            serial: serial as u64,
            due_us,
            from: (pod, run),
            client: None,
            policy: plan.strategy.policy.clone(),
            seed: plan.seed,
            failures: 0,
        };
        self.sent.push((request.id.clone(), request.serial));
        request.client = self.up(Role::Client, request.serial);
        if let Some(run) = request.client.and_then(|client| self.pods[client].run_mut(&request.id)) {
            run.client.request(due_us);
            run.in_flight += 1;
        }
        self.requests.push(request);
        self.attempt(self.requests.len() - 1);
        self.schedule_next(pod, run);
    }

    /// The pod of a role that a request meets.
    fn up(&self, role: Role, serial: u64) -> Option<usize> {
        let is_up = |i: &usize| self.pods[*i].role == role && self.pods[*i].is_ready(self.now);
        let up: Vec<usize> = (0..self.pods.len()).filter(is_up).collect();
        up.get(serial as usize % up.len().max(1)).copied()
    }

    /// An attempt starts.
    pub fn attempt(&mut self, index: usize) {
        let (now, request) = (self.now, &self.requests[index]);
        let Some(client) = request.client.filter(|&client| !self.pods[client].is_gone) else {
            return self.answer(index, false);
        };
        let (id, serial, due_us, failures) = (request.id.clone(), request.serial, request.due_us, request.failures);
        if let Some(run) = self.pods[client].run_mut(&id) {
            let offset = run.offset(now);
            run.client.attempt(due_us, offset, failures > 0);
        }
        let Some(backend) = self.up(Role::Backend, serial) else { return self.decide(index, Outcome::Retryable) };
        // A window strikes whatever comes; only the run's own requests are counted.
        let window = self.pods[backend].runs.iter().find_map(|run| run.open_window(now));
        if let Some(run) = self.pods[backend].run_mut(&id) {
            let offset = run.offset(now);
            run.backend.received.add(offset);
            if let Some(window) = window {
                run.backend.injected.add(offset);
                run.struck[window] += 1;
            } else {
                run.in_flight += 1;
            }
        }
        if window.is_some() {
            self.decide(index, Outcome::Retryable);
        } else {
            self.at(now + SERVICE, Happening::Served(index, backend));
        }
    }

    /// A backend has served a request, if it still is there.
    pub fn served(&mut self, index: usize, backend: usize) {
        let (now, id) = (self.now, self.requests[index].id.clone());
        if self.pods[backend].is_gone {
            return self.decide(index, Outcome::Retryable);
        }
        if let Some(run) = self.pods[backend].run_mut(&id) {
            let offset = run.offset(now);
            run.backend.completed.add(offset);
            run.in_flight = run.in_flight.saturating_sub(1);
        }
        self.decide(index, Outcome::Success);
    }

    fn decide(&mut self, index: usize, outcome: Outcome) {
        let decision = self.requests[index].after(outcome);
        let request = &mut self.requests[index];
        let Some(client) = request.client.filter(|&client| !self.pods[client].is_gone) else {
            return self.answer(index, false);
        };
        match decision {
            Decision::Retry(wait) => {
                request.failures += 1;
                self.at(self.now + micros(wait), Happening::Attempt(index));
            }
            Decision::End(fate) => {
                if let Some(run) = self.pods[client].run_mut(&request.id) {
                    run.client.end(request.due_us, fate);
                    run.in_flight = run.in_flight.saturating_sub(1);
                }
                self.answer(index, fate.is_success());
            }
        }
    }

    /// The load generator gets its answer.
    fn answer(&mut self, index: usize, success: bool) {
        let (now, Request { from: (pod, run), due_us, .. }) = (self.now, &self.requests[index]);
        let state = &mut self.pods[*pod].runs[*run];
        if state.stopped.is_some() {
            return;
        }
        let (offset, due_us) = (state.offset(now), *due_us);
        state.in_flight -= 1;
        state.latencies.push((offset, offset - due_us));
        if success {
            state.load.ok.add(due_us);
            state.load.goodput.add(offset);
        } else {
            state.load.failed.add(due_us);
        }
    }
}

fn micros(wait: Duration) -> Us {
    wait.as_micros() as Us
}
