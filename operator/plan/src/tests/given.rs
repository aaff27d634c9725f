//! Experiments, pods and runs that the examples start from.

use k8s_openapi::jiff::Timestamp;
use retrylab_api::{
    Arm, ArmPlan, Caps, ConditionType, RetryExperiment, RetryExperimentSpec, RetryExperimentStatus, arm_plan,
};
use retrylab_core::{
    fault::FaultWindow,
    policy::Fate,
    stats::LatencyRecorder,
    wire::{BackendResults, ClientResults, FaultRecord, LoadgenResults, RunReport, RunState},
};
use serde_json::{Value, json};

use crate::{Act, Foresight, Observed, Plan, PodRun, PodSeen, Role, RoleSeen, RunSeen, Runs, plan};

/// The moment `ms` milliseconds into a test.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

/// When the run of an arm that was settled at the moment 0 is given up: it starts at 1 s, its schedule is 4 s, a request
/// takes 10 s at most, what waits in the backend's queue 88 ms, and 30 s are allowed on top.
pub const GIVEN_UP: i64 = 1_000 + 4_000 + 10_000 + 88 + 30_000;

/// The roles of an experiment with one client.
pub const ROLES: [Role; 3] = [Role::Backend, Role::Client, Role::Loadgen];

/// The address of the client's Service.
pub const TARGET: &str = "10.96.0.7:8000";

/// One arm without retries, 20 requests/s for 4 s, no service in the second of them. `changes` replace whole fields.
pub fn spec(changes: Value) -> RetryExperimentSpec {
    let mut spec = json!({
        "seed": 7,
        "arms": [{"name": "none", "strategy": {"type": "None"}}],
        "load": {"rate": 20, "arrivals": "Uniform"},
        "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
        "duration": "4s",
        "readyTimeout": "30s",
    });
    let Value::Object(changes) = changes else { panic!("changes are fields") };
    spec.as_object_mut().unwrap().extend(changes);
    serde_json::from_value(spec).unwrap()
}

/// An experiment that nobody has looked at yet.
pub fn experiment(changes: Value) -> RetryExperiment {
    let mut experiment = RetryExperiment::new("lab", spec(changes));
    experiment.metadata.uid = Some("0f8b6c1e-1d2a-4c3b-9e4f-5a6b7c8d9e0f".into());
    experiment.metadata.generation = Some(1);
    experiment
}

/// Two arms without retries: `first` and `second`.
pub fn two_arms() -> Value {
    json!({"arms": [
        {"name": "first", "strategy": {"type": "None"}},
        {"name": "second", "strategy": {"type": "None"}},
    ]})
}

/// Somebody edits the spec.
pub fn edit(experiment: &mut RetryExperiment, edit: impl FnOnce(&mut RetryExperimentSpec)) {
    edit(&mut experiment.spec);
    experiment.metadata.generation = experiment.metadata.generation.map(|g| g + 1);
}

pub fn decide(experiment: &RetryExperiment, observed: &Observed, ms: i64) -> Plan {
    plan(experiment, observed, at(ms), Caps::default())
}

/// Plans and writes the status, which comes back as the API server keeps it.
pub fn step(experiment: &mut RetryExperiment, observed: &Observed, ms: i64) -> Plan {
    let plan = decide(experiment, observed, ms);
    let kept = serde_json::to_value(&plan.status).unwrap();
    experiment.status = Some(serde_json::from_value(kept).unwrap());
    assert_eq!(experiment.status.as_ref(), Some(&plan.status), "a status is read back as it was written");
    plan
}

pub fn pod(role: Role, n: usize) -> PodSeen {
    PodSeen { name: format!("{}-{n}", role.as_str()), address: format!("10.0.0.{n}:{}", role.port()) }
}

/// Every pod is ready, and none has been asked for a run.
pub fn ready(spec: &RetryExperimentSpec) -> Observed {
    let pods =
        |role, n: u32| RoleSeen { ready: (0..n as usize).map(|n| pod(role, n)).collect(), ..RoleSeen::default() };
    Observed {
        backend: pods(Role::Backend, spec.backend.replicas),
        client: pods(Role::Client, spec.client.replicas),
        inner: (2..=spec.client.layers as u8).map(|n| pods(Role::Inner(n), spec.client.replicas)).collect(),
        loadgen: pods(Role::Loadgen, 1),
        target: Some(TARGET.into()),
        blocked: None,
        runs: Runs::default(),
        foresight: Foresight::None,
        kept_in: None,
    }
}

/// An experiment whose first arm was settled at the moment 0, with the pods that it was settled with.
pub fn settled(changes: Value) -> (RetryExperiment, Observed) {
    let mut experiment = experiment(changes);
    let observed = ready(&experiment.spec);
    step(&mut experiment, &observed, 0);
    assert_eq!(experiment.status.as_ref().unwrap().arms.len(), 1, "the first arm is settled");
    (experiment, observed)
}

/// The plans of the arm that runs.
pub fn plans(experiment: &RetryExperiment) -> ArmPlan {
    let begun = experiment.status.as_ref().unwrap().arms.len();
    let arm: &Arm = &experiment.spec.arms[begun - 1];
    arm_plan(&experiment.spec, arm, TARGET)
}

/// The id of the run that is under way.
pub fn run_id(experiment: &RetryExperiment) -> String {
    experiment.status.as_ref().unwrap().arms.last().unwrap().run.id.clone()
}

/// A pod that has nothing of the run, and has been up since this moment.
pub fn absent<R>(since_ms: i64) -> RunSeen<R> {
    RunSeen::Absent { up_since: at(since_ms) }
}

pub fn unreachable<R>() -> RunSeen<R> {
    RunSeen::Unreachable("connection refused".into())
}

/// Every pod is asked and gives these answers.
pub fn answers(
    observed: &Observed,
    backend: impl Fn() -> RunSeen<BackendResults>,
    client: impl Fn() -> RunSeen<ClientResults>,
    loadgen: impl Fn() -> RunSeen<LoadgenResults>,
) -> Observed {
    fn each<R>(seen: &RoleSeen, answer: impl Fn() -> RunSeen<R>) -> Vec<PodRun<R>> {
        seen.ready.iter().map(|pod| PodRun { pod: pod.clone(), began: None, seen: answer() }).collect()
    }
    let runs = Runs {
        backends: each(&observed.backend, backend),
        clients: each(&observed.client, &client),
        inner: observed.inner.iter().map(|layer| each(layer, &client)).collect(),
        loadgens: each(&observed.loadgen, loadgen),
    };
    Observed { runs, ..observed.clone() }
}

pub fn report<R>(experiment: &RetryExperiment, state: RunState, results: R) -> RunSeen<R> {
    let id = run_id(experiment);
    RunSeen::Here(Box::new(RunReport { id, state, elapsed_ms: 0, joined_at_ms: 0, results }))
}

/// Every pod has the run in this state, with nothing counted.
pub fn everywhere(experiment: &RetryExperiment, observed: &Observed, state: RunState) -> Observed {
    answers(
        observed,
        || report(experiment, state, BackendResults::default()),
        || report(experiment, state, ClientResults::default()),
        || report(experiment, state, LoadgenResults::default()),
    )
}

/// The run is over, and everything went as planned: with one backend and one client, and a strategy without retries.
pub fn whole(experiment: &RetryExperiment, observed: &Observed) -> Observed {
    let plan = plans(experiment);
    let (mut backend, mut client, mut load) =
        (BackendResults::default(), ClientResults::default(), LoadgenResults::default());
    let seconds = plan.client.duration_ms.div_ceil(1_000) as usize;
    let mut latencies: Vec<_> = (0..seconds).map(|_| LatencyRecorder::default()).collect();
    let mut lateness = LatencyRecorder::default();
    backend.faults = plan.backend.faults.iter().map(as_planned).collect();
    for arrival in plan.loadgen.load.arrivals() {
        let us = arrival.as_micros() as u64;
        let met = |w: &FaultWindow| (w.at_ms * 1_000..w.end_ms() * 1_000).contains(&us);
        let fault = plan.backend.faults.iter().position(met);
        load.series.planned.add(us);
        load.series.sent.add(us);
        client.series.request(us);
        client.series.attempt(us, us, false);
        backend.series.received.add(us);
        lateness.record(100);
        latencies[arrival.as_secs() as usize].record(5_000);
        if let Some(record) = fault.map(|i| &mut backend.faults[i]) {
            record.exposed += 1;
            record.affected += 1;
            backend.series.injected.add(us);
            client.series.end(us, Fate::Exhausted);
            load.series.failed.add(us);
        } else {
            backend.series.completed.add(us);
            client.series.end(us, Fate::Ok);
            load.series.ok.add(us);
            load.series.goodput.add(us);
        }
    }
    load.lateness_us = lateness.take();
    load.latency_us = latencies.iter_mut().map(LatencyRecorder::take).collect();
    answers(
        observed,
        || report(experiment, RunState::Complete, backend.clone()),
        || report(experiment, RunState::Complete, client.clone()),
        || report(experiment, RunState::Complete, load.clone()),
    )
}

/// A window that took effect 300 µs late and ended 200 µs late, and met nobody.
fn as_planned(window: &FaultWindow) -> FaultRecord {
    FaultRecord {
        name: window.name.clone(),
        started_us: Some(window.at_ms * 1_000 + 300),
        started_unix_us: Some(at(1_000 + window.at_ms as i64).as_microsecond() as u64 + 300),
        ended_us: Some(window.end_ms() * 1_000 + 200),
        ..FaultRecord::default()
    }
}

/// The acts in short: `backend-0 <- …-none-1` for a hand-over, `backend-0 x …-none-1` for a stop.
pub fn in_short(acts: &[Act]) -> Vec<String> {
    let tail = |id: &str| id.split('-').skip(2).collect::<Vec<_>>().join("-");
    acts.iter()
        .map(|act| match act {
            Act::HandOver { pod, run, .. } => format!("{} <- {}", pod.name, tail(&run.id)),
            Act::Stop { pod, run_id, .. } => format!("{} x {}", pod.name, tail(run_id)),
        })
        .collect()
}

/// A condition's status, reason and message.
pub fn condition(status: &RetryExperimentStatus, kind: ConditionType) -> (&str, &str, &str) {
    let found = status.conditions.iter().find(|c| c.type_ == kind.as_str());
    found.map_or(("", "", ""), |c| (c.status.as_str(), c.reason.as_str(), c.message.as_str()))
}
