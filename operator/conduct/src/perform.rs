//! Performing what was decided.

use k8s_openapi::jiff::Timestamp;
use retrylab_plan::Act;

use crate::Conductor;

impl Conductor {
    /// Performs the acts in turn. The first that fails is the last: nothing is sent before all others know their part.
    /// What was not done is decided anew in the next pass.
    pub async fn perform(&self, experiment: &str, acts: &[Act], token: &str) {
        for act in acts {
            let (pod, done) = match act {
                Act::HandOver { expires: Some(moment), pod, .. } if Timestamp::now() > *moment => {
                    (pod, Err("too late to hand over; a new start will be settled".into()))
                }
                Act::HandOver { role, pod, run, plan, .. } => {
                    (pod, self.pods.hand_over(*role, pod, run, plan, token).await)
                }
                Act::Stop { pod, run_id, .. } => (pod, self.pods.stop(pod, run_id, token).await),
            };
            if let Err(why) = done {
                tracing::warn!(experiment, pod = pod.name, "{why}");
                return;
            }
        }
    }
}
