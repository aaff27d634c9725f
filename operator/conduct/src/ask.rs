//! What the pods say of the run that the status says is under way, and what is predicted of it.

use retrylab_api::{ArmPhase, ArmStatus, RetryExperiment};
use retrylab_plan::{Observed, Runs};

use crate::Conductor;

impl Conductor {
    /// Asks the pods that were observed for the run that is under way; adds what they say, and what is foreseen of the arm
    /// once it is over.
    pub async fn ask(&self, experiment: &RetryExperiment, observed: &mut Observed, token: &str) {
        let Some(arm) = running(experiment) else { return };
        observed.runs = self.runs(observed, &arm.run.id, token).await;
        let named = experiment.spec.arms.iter().find(|named| named.name == arm.name);
        if let Some(arm) = named.filter(|_| observed.is_over(experiment)) {
            observed.foresight = self.predictions.of(&experiment.spec, arm);
        }
    }

    /// One role after the other, the load first: what is under way only moves on to those that are asked later, so that
    /// it can't slip through between two answers.
    async fn runs(&self, observed: &Observed, run_id: &str, token: &str) -> Runs {
        let pods = &self.pods;
        let loadgens = pods.ask(&observed.loadgen.ready, run_id, token).await;
        let clients = pods.ask(&observed.client.ready, run_id, token).await;
        let mut inner = Vec::new();
        for layer in &observed.inner {
            inner.push(pods.ask(&layer.ready, run_id, token).await);
        }
        let backends = pods.ask(&observed.backend.ready, run_id, token).await;
        Runs { backends, clients, inner, loadgens }
    }
}

/// The arm that is under way.
pub fn running(experiment: &RetryExperiment) -> Option<&ArmStatus> {
    experiment.status.as_ref()?.arms.last().filter(|arm| arm.phase == ArmPhase::Running)
}
