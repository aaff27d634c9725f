//! The requests of a run on their way: from the load generator through the client's retries to the backend.

use retrylab_core::policy::{AttemptEnd, Draws, Limits, Outcome, Policy, Retrier, Step, Turn};

use super::world::{Happening, MS, SECOND, Sabotage, Us, World};
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
    draws: Draws,
    retrier: Retrier,
}

impl Request {
    /// Takes a turn of the policy; none of the model's requests share anything.
    fn turn(&mut self, now: Us, take: impl FnOnce(&mut Retrier, &mut Turn<'_>) -> Step) -> Step {
        let mut limits = Limits::default();
        let turn = &mut Turn { policy: &self.policy, limits: &mut limits, now_ns: nanos(now), draws: self.draws };
        take(&mut self.retrier, turn)
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
        match self.sabotage {
            Some(Sabotage::NoLoad) => return self.schedule_next(pod, run),
            Some(Sabotage::DroppedLoad) if serial % 20 == 0 => {
                state.load.planned.add(due_us);
                state.load.dropped.add(due_us);
                return self.schedule_next(pod, run);
            }
            Some(Sabotage::LateLoad) => state.late_us = SECOND as u64,
            _ => {}
        }
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
            draws: Draws::new(plan.seed, serial as u64),
            retrier: Retrier::new(&plan.strategy.policy, nanos(self.now), None),
        };
        self.sent.push((request.id.clone(), request.serial));
        request.client = self.up(Role::Client, request.serial).filter(|_| self.sabotage != Some(Sabotage::DeadClients));
        if let Some(run) = request.client.and_then(|client| self.pods[client].run_mut(&request.id)) {
            run.client.request(due_us);
            run.in_flight += 1;
        }
        self.requests.push(request);
        let index = self.requests.len() - 1;
        self.requests[index].turn(self.now, Retrier::begin);
        self.attempt(index);
        self.schedule_next(pod, run);
    }

    /// The pod of a role that a request meets.
    fn up(&self, role: Role, serial: u64) -> Option<usize> {
        let is_up = |i: &usize| self.pods[*i].role == role && self.pods[*i].is_ready(self.now);
        let up: Vec<usize> = (0..self.pods.len()).filter(is_up).collect();
        up.get(serial as usize % up.len().max(1)).copied()
    }

    /// A wait before a retry is over.
    pub fn wake(&mut self, index: usize) {
        self.requests[index].turn(self.now, Retrier::wake);
        self.attempt(index);
    }

    /// An attempt starts.
    fn attempt(&mut self, index: usize) {
        let (now, request) = (self.now, &self.requests[index]);
        let Some(client) = request.client.filter(|&client| !self.pods[client].is_gone) else {
            return self.answer(index, false);
        };
        let (id, serial, due_us, number) =
            (request.id.clone(), request.serial, request.due_us, request.retrier.attempts());
        if let Some(run) = self.pods[client].run_mut(&id) {
            let offset = run.offset(now);
            run.client.attempt(due_us, offset, number > 1);
        }
        let backend = self.up(Role::Backend, serial).filter(|_| self.sabotage != Some(Sabotage::LostBackends));
        let Some(backend) = backend else { return self.decide(index, Outcome::Retryable) };
        // A window strikes whatever comes; only the run's own requests are counted.
        let window = self.pods[backend].runs.iter().find_map(|run| run.open_window(now));
        let window = window.filter(|_| self.sabotage != Some(Sabotage::DudFaults));
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
        let request = &mut self.requests[index];
        let end = AttemptEnd { number: request.retrier.attempts(), outcome, pushback: None };
        let step = request.turn(self.now, |retrier, turn| retrier.ended(end, turn));
        let Some(client) = request.client.filter(|&client| !self.pods[client].is_gone) else {
            return self.answer(index, false);
        };
        match step {
            Step::Start(_) => self.attempt(index),
            Step::Wait => {
                let wake_ns = request.retrier.wake_at_ns().expect("a request without attempts in flight waits");
                self.at(wake_ns.div_ceil(1_000) as Us, Happening::Woken(index));
            }
            Step::End(fate) => {
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

const fn nanos(at: Us) -> u64 {
    at as u64 * 1_000
}
