//! Performing what was decided.

use k8s_openapi::jiff::Timestamp;
use retrylab_plan::{Act, Role};

use crate::Conductor;

/// That a pod was told something, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub told: Told,
    /// To a pod of this role.
    pub role: Role,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of something that a pod was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The pod took it.
    Ok,
    /// It was too late to say it; a new start is settled.
    Late,
    /// The pod could not be reached, or did not take it.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Late, Self::Failed];

    const fn of(done: Result<(), String>) -> (Self, Result<(), String>) {
        (if done.is_ok() { Self::Ok } else { Self::Failed }, done)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }
}

/// What a pod is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A run is handed over.
    HandOver,
    /// A run is ended.
    Stop,
}

impl Told {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::HandOver, Self::Stop];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandOver => "handOver",
            Self::Stop => "stop",
        }
    }
}

impl Conductor {
    /// Performs the acts in turn; gives what was said. The first that fails is the last: nothing is sent before all others
    /// know their part. What was not done is decided anew in the next pass.
    pub async fn perform(&self, experiment: &str, acts: &[Act], token: &str) -> Vec<Said> {
        let mut all = Vec::new();
        for act in acts {
            let (told, role, pod) = match act {
                Act::HandOver { role, pod, .. } => (Told::HandOver, *role, pod),
                Act::Stop { role, pod, .. } => (Told::Stop, *role, pod),
            };
            let (outcome, done) = match act {
                Act::HandOver { expires: Some(moment), .. } if Timestamp::now() > *moment => {
                    (Outcome::Late, Err("too late to hand over; a new start will be settled".into()))
                }
                Act::HandOver { run, plan, .. } => Outcome::of(self.pods.hand_over(role, pod, run, plan, token).await),
                Act::Stop { run_id, .. } => Outcome::of(self.pods.stop(pod, run_id, token).await),
            };
            all.push(Said { told, role, outcome });
            if let Err(why) = done {
                tracing::warn!(experiment, pod = pod.name, "{why}");
                break;
            }
        }
        all
    }
}
