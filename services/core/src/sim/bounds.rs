//! What holds for a run whatever happens in it: the policy's worst case, and how long an outage takes to be worked off.

use std::time::Duration;

use super::Setup;
use crate::{
    fault::{FaultKind, FaultWindow},
    policy::Demand,
    stats::{Drain, Ratio},
};

/// Microseconds in 1,000 s.
const US_PER_KS: u64 = 1_000_000_000;

impl Setup {
    /// The policy's static bound on the attempts at the backends for each request, of a run of so many requests.
    pub fn worst_case(&self, requests: u64) -> Option<Ratio> {
        let layers = self.inner.len() as u32 + 1;
        let policy = &self.client.strategy.policy;
        let longest = policy.longest_request(Duration::from_millis(self.client.timeout_ms));
        policy.worst_case(&Demand {
            requests,
            duration_ms: self.load.duration_ms + longest.as_millis() as u64 * u64::from(layers),
            clients: u64::from(self.clients),
            layers,
        })
    }

    /// What the time to work an outage off follows from.
    pub fn drain(&self) -> Drain {
        let (policy, layers) = (&self.client.strategy.policy, self.inner.len() as u32 + 1);
        let delays = (0..policy.max_attempts.saturating_sub(1)).map(|i| policy.delay.longest(i));
        let asked_s = self.backend.faults.iter().filter_map(|fault| fault.kind.retry_after_s()).max().unwrap_or(0);
        let pushed_back = policy.retry_after.map(|terms| terms.longest(u64::from(asked_s) * 1_000));
        let longest_wait = delays.chain(pushed_back).max().unwrap_or_default();
        let attempts_max = u64::from(policy.max_attempts).saturating_pow(layers);
        let hedged_ms = policy.hedging.map_or(u64::MAX, |hedging| hedging.delay_ms);
        let fails_at_once = |fault: &FaultWindow| match fault.kind {
            FaultKind::Error { .. } | FaultKind::Reset { .. } | FaultKind::Refuse { .. } => true,
            FaultKind::Latency { .. }
            | FaultKind::Blackhole { .. }
            | FaultKind::Freeze
            | FaultKind::Capacity { .. } => false,
        };
        let restarts = self.backend.faults.iter().any(|fault| fault.restart);
        let backends = u64::from(self.backends);
        let warm = self.model.cache.map_or(0, |cache| 1_000 - u32::from(cache.hit_permille));
        Drain {
            busy_per_ks: self.served_per_ks(self.model.concurrency, warm),
            // C/(b + s(C − 1)) rises all along, or falls all along.
            capacity_per_ks: self.served_per_ks(1, warm).max(self.served_per_ks(self.model.concurrency, warm)),
            cold_per_ks: (restarts && self.model.cache.is_some())
                .then(|| self.served_per_ks(self.model.concurrency, 1_000)),
            backends,
            service_variance_permille: self.service_variance_permille(warm),
            backlog_max: backends * (u64::from(self.model.queue) + u64::from(self.model.concurrency)),
            attempts_max,
            layers,
            budget: policy.allowance(u64::from(self.clients)),
            timeout_ms: self.client.timeout_ms,
            apart_ms: if layers > 1 { 0 } else { self.client.timeout_ms.min(hedged_ms) },
            delay_ms_max: longest_wait.as_nanos().div_ceil(1_000_000) as u64,
            hangs: !self.backend.faults.iter().all(fails_at_once),
            warm_up_ms: self.model.warm_up.filter(|_| restarts).map_or(0, |warm_up| warm_up.for_ms),
        }
    }

    /// The variance of a service time with all workers busy, warm, as a share of its mean squared: that of its law, and that of
    /// what a miss adds by chance.
    fn service_variance_permille(&self, miss_permille: u32) -> u64 {
        let model = &self.model;
        let missed = f64::from(miss_permille) / 1_000.0;
        let miss_us = model.cache.map_or(0.0, |cache| cache.miss_us as f64);
        let mean_us = US_PER_KS as f64 * f64::from(model.concurrency) * f64::from(self.backends)
            / self.served_per_ks(model.concurrency, miss_permille).max(1) as f64;
        let of_the_law = (model.service.mean_us as f64 * model.service.law.deviation()).powi(2);
        let variance = of_the_law + miss_us.powi(2) * missed * (1.0 - missed);
        (variance / mean_us.powi(2) * 1_000.0).ceil() as u64
    }

    /// What the backends serve together when in each of them so many workers are busy, warm, and so many requests in a thousand
    /// miss the cache, in requests per 1,000 s: C workers of which each takes b + s·(C − 1), and more for a miss.
    fn served_per_ks(&self, busy: u32, miss_permille: u32) -> u64 {
        let (model, busy) = (&self.model, u64::from(busy));
        let missed_us = model.cache.map_or(0, |cache| u64::from(miss_permille) * cache.miss_us / 1_000);
        let busy_us = model.service.mean_us + model.service.contention_us * busy.saturating_sub(1) + missed_us;
        u64::from(self.backends) * busy * US_PER_KS / busy_us.max(1)
    }
}
