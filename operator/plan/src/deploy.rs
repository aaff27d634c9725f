//! Whether the workloads are ready, and for how long one waits for them.

use std::time::Duration;

use k8s_openapi::jiff::SignedDuration;
use retrylab_api::{ConditionType, Reason, RetryExperimentSpec};

use crate::{
    observed::{Observed, Role},
    status::Draft,
};

/// When to look again at workloads that are not ready; changes of pods are seen sooner.
pub const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a pod of any role asks of its node, where nothing else is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodResources {
    /// CPU that is its own when the node is busy; there is no limit.
    pub cpu_request: &'static str,
    /// Memory that is its own.
    pub memory_request: &'static str,
    /// The most memory that it may have.
    pub memory_limit: &'static str,
}

/// What every pod of an experiment asks for.
pub const POD_RESOURCES: PodResources =
    PodResources { cpu_request: "100m", memory_request: "32Mi", memory_limit: "512Mi" };

/// Where the workloads stand.
pub enum Readiness {
    /// Every pod is ready.
    Ready,
    /// Some are not; the time is not up.
    NotYet,
    /// Some are not, and the time is up: why, in words.
    TooLate(String),
}

/// Tells whether the workloads are ready, and says so in the draft.
pub fn readiness(spec: &RetryExperimentSpec, observed: &Observed, draft: &mut Draft) -> Readiness {
    let missing = missing(spec, observed);
    if missing.is_empty() {
        draft.status.deploying_since = None;
        draft.set(ConditionType::WorkloadsReady, true, Reason::Ready, "backend, client and loadgen are ready");
        return Readiness::Ready;
    }
    let now = draft.time();
    let since = draft.status.deploying_since.get_or_insert(now).0;
    let deadline = since + SignedDuration::from_millis(spec.ready_timeout.as_millis() as i64);
    if draft.now < deadline || draft.running_arm().is_some() {
        // Only what is wrong is told on the way; how many pods are ready changes from look to look.
        let wrong: Vec<_> = observed
            .blocked
            .iter()
            .chain(Role::all(spec.client.layers).iter().flat_map(|&r| &observed.role(r).problems))
            .cloned()
            .collect();
        let message = if wrong.is_empty() { "not all pods are ready".into() } else { wrong.join("; ") };
        draft.set(ConditionType::WorkloadsReady, false, Reason::Deploying, message);
        return Readiness::NotYet;
    }
    let reason = format!("not ready within {}: {}", spec.ready_timeout, missing.join("; "));
    draft.set(ConditionType::WorkloadsReady, false, Reason::DeadlineExceeded, reason.clone());
    Readiness::TooLate(reason)
}

/// The pods that a role should have.
pub const fn replicas(spec: &RetryExperimentSpec, role: Role) -> usize {
    match role {
        Role::Backend => spec.backend.replicas as usize,
        Role::Client | Role::Inner(_) => spec.client.replicas as usize,
        Role::Loadgen => 1,
    }
}

/// What is missing, in words.
fn missing(spec: &RetryExperimentSpec, observed: &Observed) -> Vec<String> {
    let mut missing: Vec<String> = observed.blocked.iter().cloned().collect();
    for role in Role::all(spec.client.layers) {
        let (seen, wanted) = (observed.role(role), replicas(spec, role));
        if seen.ready.len() != wanted {
            let why = match (seen.unready, role.calls(spec.client.layers)) {
                _ if !seen.problems.is_empty() => seen.problems.join(", "),
                (0, _) => "no pod yet".into(),
                (n, None) => format!("{n} running"),
                // Which is all that it takes to be ready.
                (n, Some(callee)) => format!("{n} running, with no way to the {}", callee.as_str()),
            };
            missing.push(format!("{}: {} of {wanted} ready ({why})", role.as_str(), seen.ready.len()));
        }
    }
    if missing.is_empty() && observed.target.is_none() {
        missing.push("the client's Service has no address".into());
    }
    missing
}
