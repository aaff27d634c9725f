//! The operator dies, and the experiment does not notice: the workloads follow their schedule by themselves.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use retrylab_api::{ArmPhase, ArmStatus, ConditionType, ExactFigures, RetryExperimentStatus, Verdict, WindowStatus};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::{Experiment, Lab, SOON, arm, check_books, kill_operator, operator_pods, scale_operator, window};

/// Two arms of ten seconds, with arrivals on a grid of 200 ms and everything else 100 ms off it: so nothing happens at
/// the edge of a window, and two runs have the same counts, to the last attempt. A hundred requests at once in the window.
fn spec() -> Value {
    json!({
        "seed": 7,
        "arms": [
            {"name": "naive", "strategy": {"type": "Naive"}},
            {"name": "fixed", "strategy": {"type": "Fixed", "fixed": {"delay": "200ms"}}},
        ],
        "load": {"rate": 5, "arrivals": "Uniform", "bursts": [{"name": "hundred", "at": "4s", "requests": 100}]},
        "faults": [{"name": "outage", "at": "3100ms", "for": "5s", "type": "Error"}],
        "duration": "10s",
        "criteria": [{"name": "lost", "metric": "SuccessRate", "arm": "naive", "window": "outage", "max": "0"}],
    })
}

/// The experiment undisturbed; run once, for all tests. Call it before being alone.
async fn undisturbed() -> &'static RetryExperimentStatus {
    static STATUS: OnceCell<RetryExperimentStatus> = OnceCell::const_new();
    let run = async || {
        let lab = Lab::shared().await;
        finished(&lab.experiment("undisturbed", &spec()).await).await
    };
    STATUS.get_or_init(run).await
}

async fn finished(experiment: &Experiment) -> RetryExperimentStatus {
    let status = experiment.complete(Duration::from_secs(90)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);
    status
}

/// A window's counts and ratios, without what differs from run to run: its moments, how far it was off its plan, latencies,
/// and what goes by whole seconds or tenths of one, with arrivals on their edges.
fn counts(window: &WindowStatus) -> WindowStatus {
    WindowStatus {
        planned_at: None,
        actual_at: None,
        off_ms: None,
        peak_amplification: None,
        sync_index: None,
        exact: ExactFigures { peak_amplification: None, sync_index: None, ..window.exact },
        latency: None,
        ..window.clone()
    }
}

/// When a window was to begin, after the run's start.
fn offset(arm: &ArmStatus, window: &WindowStatus) -> SignedDuration {
    window.planned_at.as_ref().unwrap().0.duration_since(arm.run.starts_at.0)
}

/// The same windows and counts as the undisturbed experiment's, and those that the spec means.
fn check_same(status: &RetryExperimentStatus, undisturbed: &RetryExperimentStatus) {
    // Each request of the outage has three attempts, but for the last one of `fixed`, which its second attempt saves.
    for (name, attempts) in [("naive", 375), ("fixed", 374)] {
        let (arm, other) = (arm(status, name), arm(undisturbed, name));
        assert_eq!(arm.windows.len(), other.windows.len(), "{name}");
        for (window, other_window) in arm.windows.iter().zip(&other.windows) {
            assert_eq!(counts(window), counts(other_window), "{name}");
            assert_eq!(offset(arm, window), offset(other, other_window), "{name}: {}", window.name);
        }
        // 50 of the steady load, 25 of them in the outage, and one burst of 100.
        let (outage, total) = (window(arm, "outage"), window(arm, "total"));
        assert_eq!((total.requests, outage.requests, outage.attempts), (150, 125, attempts), "{name}");
    }
}

#[tokio::test]
async fn killed_in_mid_window_it_changes_nothing() {
    let undisturbed = undisturbed().await;
    let lab = Lab::alone().await;
    let experiment = lab.experiment("killed-in-window", &spec()).await;
    experiment.until_condition(ConditionType::FaultActive, SOON).await;
    experiment.until_offset(Duration::from_millis(5_500)).await;
    kill_operator(&lab.client).await;
    let status = finished(&experiment).await;
    check_same(&status, undisturbed);
    assert_eq!(arm(&status, "naive").run.handover, 1);
}

#[tokio::test]
async fn killed_between_two_arms_it_changes_nothing() {
    let undisturbed = undisturbed().await;
    let lab = Lab::alone().await;
    let experiment = lab.experiment("killed-between", &spec()).await;
    let first_is_over = |status: &RetryExperimentStatus| status.arms[..1].iter().any(|a| a.phase == ArmPhase::Complete);
    experiment
        .until("the first arm is over", Duration::from_secs(60), |s| !s.arms.is_empty() && first_is_over(s))
        .await;
    kill_operator(&lab.client).await;
    let status = finished(&experiment).await;
    println!("the second arm was handed over {} times", arm(&status, "fixed").run.handover);
    check_same(&status, undisturbed);
}

#[tokio::test]
async fn a_fault_ends_on_time_with_no_operator_alive() {
    let lab = Lab::alone().await;
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 5, "arrivals": "Uniform"},
        "faults": [{"name": "outage", "at": "1100ms", "for": "15s", "type": "Error"}],
        "duration": "20s",
    });
    let experiment = lab.experiment("orphaned", &spec).await;
    let status = experiment.until_condition(ConditionType::FaultActive, SOON).await;
    let ends_at = status.arms[0].run.starts_at.0 + SignedDuration::from_millis(16_100);
    let operator = Absent::begin(&lab.client).await;
    let backend = experiment.forward("backend").await;
    let is_active = async || backend.http.get("/admin/status").await["failure_active"].as_bool().unwrap();
    assert!(Timestamp::now() < ends_at, "the operator took too long to go");
    assert!(is_active().await, "the fault ended early");

    let mut last_active = Timestamp::now();
    let watch = async {
        loop {
            let asked = Timestamp::now();
            if !is_active().await {
                return Timestamp::now();
            }
            last_active = asked;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let over = tokio::time::timeout(SOON, watch).await.expect("the fault must end");
    println!("ends at {ends_at}; last seen at {last_active}, seen to be over at {over}");
    let grain = SignedDuration::from_millis(50);
    assert!(last_active <= ends_at + grain && ends_at - grain <= over, "{last_active} … {over} and not {ends_at}");
    assert_eq!(operator_pods(&lab.client).await, Vec::<String>::new());

    operator.end().await;
    finished(&experiment).await;
}

/// A time with no operator.
struct Absent {
    client: kube::Client,
    is_over: bool,
}

impl Absent {
    async fn begin(client: &kube::Client) -> Self {
        let absent = Self { client: client.clone(), is_over: false };
        scale_operator(client, 0).await;
        absent
    }

    async fn end(mut self) {
        self.is_over = true;
        scale_operator(&self.client, 1).await;
    }
}

/// Also when the test fails: the other tests want an operator.
impl Drop for Absent {
    fn drop(&mut self) {
        if !self.is_over {
            let scale = ["scale", "deployment/retrylab-operator", "--namespace=retrylab-system", "--replicas=1"];
            std::process::Command::new("kubectl").args(scale).output().ok();
        }
    }
}
