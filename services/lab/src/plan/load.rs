//! What would be sent, and what would break, in words.

use retrylab_api::{ArrivalLaw, Burst, Fault, FaultType, RetryExperimentSpec, arm_plan, burst_rate_max};
use serde::Serialize;

/// What would be sent to the client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// In words.
    what: String,
    /// Requests of each arm; in a closed loop that depends on the answers.
    pub requests: Option<u64>,
    /// The highest rate that is sent for a while, bursts included, in requests per second; in a closed loop that depends on the answers.
    pub rate_max: Option<u32>,
}

impl Load {
    /// The load of each arm.
    pub fn of(spec: &RetryExperimentSpec) -> Self {
        let load = &spec.load;
        let is_closed = load.users.is_some() || load.stages.is_some();
        let think = load.think_time.map_or_else(|| "1s".to_owned(), |think| think.to_string());
        let users = load.users.or_else(|| load.stages.iter().flatten().map(|stage| stage.users).max());
        let law = if load.arrivals.unwrap_or_default() == ArrivalLaw::Poisson { "Poisson" } else { "evenly spread" };
        let what = match (users, load.rate) {
            (Some(users), _) => format!(
                "closed loop: up to {users} users, each thinks for {think} between an answer and the next request"
            ),
            (None, Some(rate)) => format!("open loop: {rate} requests/s, {law}"),
            (None, None) => "bursts only".to_owned(),
        };
        let arrivals = spec.arms.first().map(|arm| arm_plan(spec, arm, "").loadgen.load.arrivals().count() as u64);
        Self {
            what,
            requests: arrivals.filter(|_| !is_closed),
            rate_max: (!is_closed).then(|| load.rate.unwrap_or(0) + burst_rate_max(&load.bursts)),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let requests = self
            .requests
            .map_or_else(String::new, |requests| format!("; {requests} requests in each arm with this seed"));
        format!("{}{requests}\n", self.what)
    }
}

/// A burst in words.
pub fn burst(burst: &Burst) -> String {
    match (burst.requests, burst.rate) {
        (Some(requests), _) => format!("{requests} requests more, at once"),
        (None, rate) => format!("{} requests/s more", rate.unwrap_or(0)),
    }
}

/// A fault in words.
pub fn fault(fault: &Fault) -> String {
    let struck = format!("for {} % of the requests", fault.percent.unwrap_or(100));
    let what = match fault.kind {
        FaultType::Error => format!("Error {} {struck}", fault.status.unwrap_or(503)),
        FaultType::Latency => {
            format!("{} later {struck}", fault.latency.map_or_else(String::new, |latency| latency.to_string()))
        }
        FaultType::Blackhole | FaultType::Reset | FaultType::Refuse => format!("{:?} {struck}", fault.kind),
        FaultType::Freeze => "Freeze: work stands still".to_owned(),
        FaultType::Capacity => format!("{} % of the workers are left", fault.capacity_percent.unwrap_or(0)),
    };
    if fault.restart { what + "; restarts" } else { what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tests::comparison;

    fn with(load: &str) -> Load {
        let mut spec = comparison().spec;
        spec.load = serde_saphyr::from_str(load).unwrap();
        Load::of(&spec)
    }

    /// An even rate of 50 for 30 s, 10 at once, and 20/s for 5 s.
    #[test]
    fn requests_are_counted_and_rates_of_bursts_that_overlap_add_up() {
        let load = with(
            "{rate: 50, arrivals: Uniform, bursts: [{name: a, at: 1s, requests: 10}, {name: b, at: 2s, rate: 20, for: 5s}, {name: c, at: 4s, rate: 7, for: 1s}]}",
        );
        assert_eq!(load.rate_max, Some(77));
        assert_eq!(load.requests, Some(50 * 30 + 10 + 20 * 5 + 7));
    }

    #[test]
    fn in_a_closed_loop_nobody_knows_how_many_requests_come() {
        let load = with("{stages: [{for: 5s, users: 20}, {for: 5s, users: 3}], thinkTime: 100ms}");
        assert_eq!((load.requests, load.rate_max), (None, None));
        assert!(load.text().contains("up to 20 users, each thinks for 100ms"));
    }
}
