//! The static worst case: the most attempts that a policy allows, whatever fails when.

use super::{Budget, Charge, Policy, RatioBudget, TokenBucket, WindowBudget, window::SLICES};
use crate::stats::{Allowance, Ratio};

/// What comes at a chain of clients that follow one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Requests that arrive.
    pub requests: u64,
    /// From the first arrival to the last attempt, in milliseconds.
    pub duration_ms: u64,
    /// Clients in each layer; each has a budget of its own.
    pub clients: u64,
    /// Clients in the chain: what one attempts, the next one receives.
    pub layers: u32,
}

impl Policy {
    /// The most attempts at the backend for each request. Without a budget n for each of k layers, so n^k; with one at most
    /// 1 + ratio + minRate/λ for each layer, and what a full budget allows once, counted in whole attempts. `None` without
    /// requests. Source: the SRE book, "Addressing Cascading Failures", for n^k; the budgets' own rules for the rest.
    pub fn worst_case(&self, demand: &Demand) -> Option<Ratio> {
        let mut attempts = u128::from(demand.requests);
        for _ in 0..demand.layers {
            let unbounded = attempts * u128::from(self.max_attempts);
            let within_budget = self.most_retries(attempts, demand).map_or(unbounded, |retries| attempts + retries);
            attempts = unbounded.min(within_budget);
        }
        Ratio::new(u64::try_from(attempts).unwrap_or(u64::MAX), demand.requests)
    }

    /// The most retries and hedges that the budgets of one layer allow; `None`: no bound but the attempts of each request.
    fn most_retries(&self, requests: u128, demand: &Demand) -> Option<u128> {
        let clients = u128::from(demand.clients);
        match self.budget? {
            Budget::Window(WindowBudget { percent, interval_ms, min_retry_rate, .. }) => {
                // The run is covered by so many intervals, each with a reserve of its own.
                let intervals = u128::from(demand.duration_ms.div_ceil(interval_ms) + 1);
                let reserve = u128::from(min_retry_rate.count) * u128::from(interval_ms) * 100;
                let rate_ms = u128::from(min_retry_rate.interval_ms);
                Some((requests * u128::from(percent) * rate_ms + clients * intervals * reserve) / (100 * rate_ms))
            }
            Budget::Ratio(RatioBudget { percent, interval_ms }) => {
                // The retries of ten slices are the requests' share rounded up, for each client.
                let slices = (demand.duration_ms * SLICES as u64).div_ceil(interval_ms) + 1;
                let rounded_up = clients * u128::from(slices.div_ceil(SLICES as u64)) * 99;
                Some((requests * u128::from(percent) + rounded_up) / 100)
            }
            Budget::Tokens(bucket) => self.most_paid(&bucket, requests, clients),
            Budget::InFlight(_) => None,
        }
    }

    /// The most retries and hedges that the budgets of so many clients allow in a stretch of a run, whatever was saved up before
    /// it; `None`: no bound but the attempts of each request.
    pub fn allowance(&self, clients: u64) -> Option<Allowance> {
        match self.budget? {
            Budget::Window(WindowBudget { percent, interval_ms, min_retry_rate, .. }) => {
                let reserve = u64::from(min_retry_rate.count) * interval_ms;
                let reserve = reserve.div_ceil(min_retry_rate.interval_ms).saturating_mul(clients);
                Some(Allowance { saved: 0, per_mille: u64::from(percent) * 10, reserve, interval_ms })
            }
            Budget::Ratio(RatioBudget { percent, interval_ms }) => {
                Some(Allowance { saved: 0, per_mille: u64::from(percent) * 10, reserve: clients, interval_ms })
            }
            Budget::Tokens(bucket) => {
                let cost = self.least_cost(&bucket)?;
                Some(Allowance {
                    saved: (bucket.cap_milli / cost + 1).saturating_mul(clients),
                    per_mille: (bucket.amount_milli * 1_000).div_ceil(cost) + if bucket.refund { 1_000 } else { 0 },
                    reserve: 0,
                    interval_ms: 0,
                })
            }
            Budget::InFlight(_) => None,
        }
    }

    /// What a retry takes out of a bucket at least, in thousandths; `None`: nothing.
    fn least_cost(&self, bucket: &TokenBucket) -> Option<u64> {
        // What takes long and succeeds is hedged for nothing.
        let is_free = bucket.charge == Charge::OnFailure && self.hedging.is_some();
        (!is_free).then(|| bucket.cost_milli.min(bucket.timeout_cost_milli))
    }

    /// Retries that buckets can pay: what they hold at first, and a deposit for each request (each has one success at
    /// most). A refund makes the one retry of a request that succeeds cost nothing.
    fn most_paid(&self, bucket: &TokenBucket, requests: u128, clients: u128) -> Option<u128> {
        let cost = u128::from(self.least_cost(bucket)?);
        let held = u128::from(bucket.initial_milli) * clients + u128::from(bucket.amount_milli) * requests;
        let refunded = if bucket.refund { requests } else { 0 };
        Some(held / cost + refunded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::StrategyName;

    fn check(name: StrategyName, demand: Demand, expected: &str) {
        assert_eq!(name.preset().worst_case(&demand).unwrap().to_string(), expected, "{name:?}");
    }

    /// 500 requests in 10 s by one client.
    const ONE: Demand = Demand { requests: 500, duration_ms: 10_000, clients: 1, layers: 1 };

    #[test]
    fn attempts_multiply_with_layers() {
        check(StrategyName::Naive, ONE, "3.000");
        check(StrategyName::Naive, Demand { layers: 3, ..ONE }, "27.000");
        check(StrategyName::None, Demand { layers: 4, ..ONE }, "1.000");
        check(StrategyName::Envoy, ONE, "2.000");
    }

    #[test]
    fn a_budget_bounds_each_layer_by_one_and_its_ratio() {
        check(StrategyName::Sre, ONE, "1.100");
        check(StrategyName::Sre, Demand { layers: 2, ..ONE }, "1.210");
        check(StrategyName::Sre, Demand { layers: 3, requests: 100_000, ..ONE }, "1.331");
    }

    /// 2 clients with 5 requests each may make a retry each, where a tenth of ten is one.
    #[test]
    fn a_share_below_which_there_are_retries_is_rounded_up_for_every_client() {
        check(StrategyName::Sre, Demand { requests: 10, clients: 2, ..ONE }, "1.200");
        check(StrategyName::Sre, Demand { requests: 10, duration_ms: 130_000, ..ONE }, "1.200");
    }

    /// 20 %, 10 a second for 10 s, and the reserve of 100 once: 100 + 100 + 100 retries.
    #[test]
    fn a_least_rate_of_retries_and_the_reserve_come_on_top_for_every_client() {
        check(StrategyName::Finagle, ONE, "1.600");
        check(StrategyName::Finagle, Demand { clients: 2, ..ONE }, "2.000");
        check(StrategyName::Finagle, Demand { clients: 100, ..ONE }, "3.000");
    }

    /// A full bucket pays 100 retries, each request one fifth of one, and one retry that succeeds is free.
    #[test]
    fn a_bucket_allows_what_it_holds_and_what_is_deposited() {
        check(StrategyName::AwsStandard, Demand { requests: 10_000, ..ONE }, "2.210");
        check(StrategyName::Grpc, Demand { requests: 1_000, ..ONE }, "1.110");
    }

    #[test]
    fn without_requests_there_is_no_worst_case() {
        assert_eq!(StrategyName::Naive.preset().worst_case(&Demand { requests: 0, ..ONE }), None);
    }
}
