//! From a spec to what the services run: one plan per service and arm.

mod backend;

pub use backend::backend_model;

use std::time::Duration;

use retrylab_core::{
    fault::{FaultKind, FaultWindow},
    load::{self, BurstSize, LoadPlan, LoadShape},
    stats::Course,
    timeline::{self, Window},
    wire::{BackendPlan, ClientPlan, LoadgenPlan},
};

use crate::{Arm, ArrivalLaw, Burst, Fault, FaultType, Load, RetryExperimentSpec, Shed, Span, policy::setting};

/// Status of an Error fault that names none.
const DEFAULT_ERROR_STATUS: u16 = 503;
/// Pause of a closed-loop user that names none.
const DEFAULT_THINK_MS: u64 = 1_000;
/// How much longer than the longest possible request the load generator waits for an answer.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// What every service runs for one arm.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmPlan {
    /// For every client pod; of the first client, where several are in a chain.
    pub client: ClientPlan,
    /// For the pods of each inner client of a chain, from the second one on.
    pub inner: Vec<ClientPlan>,
    /// For every backend pod.
    pub backend: BackendPlan,
    /// For the load generator.
    pub loadgen: LoadgenPlan,
}

impl ArmPlan {
    /// Clients in the chain, at least 1.
    pub fn layers(&self) -> u32 {
        self.inner.len() as u32 + 1
    }
}

/// The plans of one arm; the load goes to `target` (`host:port`). Arms of one experiment differ in nothing but the
/// strategy, and in the time that the load generator waits for an answer.
pub fn arm_plan(spec: &RetryExperimentSpec, arm: &Arm, target: &str) -> ArmPlan {
    let duration_ms = spec.duration.as_millis();
    let strategy = setting(&arm.strategy);
    let client = ClientPlan {
        seed: seed(spec.seed, 1),
        duration_ms,
        strategy: strategy.clone(),
        timeout_ms: spec.client.timeout.as_millis(),
    };
    // The upper bits of a client's seed are free: the spec's is below 2^53.
    let inner = |layer: u32| ClientPlan { seed: client.seed | u64::from(layer) << 56, ..client.clone() };
    let longest = strategy.policy.longest_request(spec.client.timeout.as_duration()) + ANSWER_GRACE;
    ArmPlan {
        loadgen: LoadgenPlan {
            load: load_plan(&spec.load, seed(spec.seed, 0), duration_ms),
            target: target.to_owned(),
            timeout_ms: longest.as_millis() as u64,
        },
        inner: (2..=spec.client.layers).map(inner).collect(),
        client,
        backend: BackendPlan { seed: seed(spec.seed, 2), duration_ms, faults: fault_windows(&spec.faults) },
    }
}

/// Each service draws from a seed of its own, so that no two of them share a sequence.
const fn seed(seed: u64, service: u64) -> u64 {
    seed.wrapping_mul(3).wrapping_add(service)
}

fn load_plan(load: &Load, seed: u64, duration_ms: u64) -> LoadPlan {
    let Load { rate, arrivals, bursts, shed, users, stages, think_time } = load;
    let arrivals = match arrivals.unwrap_or_default() {
        ArrivalLaw::Uniform => load::ArrivalLaw::Uniform,
        ArrivalLaw::Poisson => load::ArrivalLaw::Poisson,
    };
    let stages = match (users, stages) {
        (Some(users), _) => Some(vec![load::Stage { for_ms: 0, users: *users }]),
        (None, Some(stages)) => {
            Some(stages.iter().map(|s| load::Stage { for_ms: s.for_.as_millis(), users: s.users }).collect())
        }
        (None, None) => None,
    };
    let shape = match stages {
        Some(stages) => LoadShape::Closed { stages, think_ms: think_time.map_or(DEFAULT_THINK_MS, Span::as_millis) },
        None => LoadShape::Open { rate: rate.unwrap_or(0), arrivals },
    };
    LoadPlan { seed, duration_ms, shape, bursts: bursts.iter().map(burst).collect(), shed: stretches(shed) }
}

/// The windows of every arm.
pub(crate) fn windows(spec: &RetryExperimentSpec) -> Vec<Window> {
    timeline::windows(&fault_windows(&spec.faults), &stretches(&spec.load.shed), spec.duration.as_millis())
}

/// The course of every arm; `None` without a fault.
pub(crate) fn course(spec: &RetryExperimentSpec) -> Option<Course> {
    Course::new(&fault_windows(&spec.faults), &load_plan(&spec.load, 0, spec.duration.as_millis()))
}

fn stretches(shed: &[Shed]) -> Vec<load::Shed> {
    let mut stretches: Vec<_> = shed.iter().map(stretch).collect();
    stretches.sort_by_key(|stretch| stretch.at_ms);
    stretches
}

fn stretch(shed: &Shed) -> load::Shed {
    let Shed { name, at, for_, percent } = shed;
    load::Shed { name: name.clone(), at_ms: at.as_millis(), for_ms: for_.as_millis(), percent: *percent }
}

fn burst(burst: &Burst) -> load::Burst {
    let size = match (burst.rate, burst.for_) {
        (Some(rate), Some(span)) => BurstSize::Rate { rate, for_ms: span.as_millis() },
        _ => BurstSize::Requests(burst.requests.unwrap_or(0)),
    };
    load::Burst { at_ms: burst.at.as_millis(), size }
}

fn fault_windows(faults: &[Fault]) -> Vec<FaultWindow> {
    let mut windows: Vec<_> = faults
        .iter()
        .map(|fault| {
            let permille = fault.percent.unwrap_or(100).saturating_mul(10);
            let kind = match fault.kind {
                FaultType::Error => FaultKind::Error {
                    status: fault.status.unwrap_or(DEFAULT_ERROR_STATUS),
                    permille,
                    retry_after_s: fault.retry_after.map(|span| (span.as_millis() / 1_000) as u32),
                },
                FaultType::Latency => {
                    FaultKind::Latency { delay_ms: fault.latency.map_or(0, Span::as_millis), permille }
                }
                FaultType::Blackhole => FaultKind::Blackhole { permille },
                FaultType::Reset => FaultKind::Reset { permille },
                FaultType::Refuse => FaultKind::Refuse { permille },
                FaultType::Freeze => FaultKind::Freeze,
                FaultType::Capacity => {
                    FaultKind::Capacity { left_permille: fault.capacity_percent.unwrap_or(0).saturating_mul(10) }
                }
            };
            let (at_ms, for_ms) = (fault.at.as_millis(), fault.for_.as_millis());
            FaultWindow { name: fault.name.clone(), at_ms, for_ms, kind, restart: fault.restart }
        })
        .collect();
    windows.sort_by_key(|window| window.at_ms);
    windows
}
