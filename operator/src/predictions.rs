//! Predictions of arms, made by simulating them beside everything else: one at a time, on a thread of its own, from the
//! moment at which an experiment is first looked at, so that most of it is done before load is sent. They are kept in
//! memory only: after a restart the same prediction is made again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use kube::ResourceExt;
use retrylab_api::{Arm, Caps, RetryExperiment, arm_plan, setup, validate};
use retrylab_core::sim::{PREDICTION_BUDGET, PREDICTION_RUNS, Setup, predict};
use retrylab_plan::Foresight;
use tokio::sync::{Semaphore, oneshot};

/// Most predictions that are kept; the oldest goes first.
const KEPT_MAX: usize = 256;
/// The scheduler's least urgent priority.
const LEAST_URGENT: i32 = 19;

/// The object's uid, and what is simulated. An edit of a field that changes
/// nothing in the runs, such as `suspend`, asks for no other prediction.
type Key = (String, Box<Setup>);

/// All predictions that are known or being made.
#[derive(Clone, Debug)]
pub struct Predictions {
    kept: Arc<Mutex<VecDeque<(Key, Foresight)>>>,
    /// One simulation at a time: the node may be the one that is measured.
    turn: Arc<Semaphore>,
}

impl Default for Predictions {
    fn default() -> Self {
        Self { kept: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Predictions {
    /// What is known of the arm that runs; begins to predict every arm of the experiment that isn't over.
    pub fn of(&self, experiment: &RetryExperiment, caps: Caps) -> Foresight {
        let status = experiment.status.as_ref();
        if status.is_some_and(|s| s.verdict.is_some()) || validate(&experiment.spec, caps).is_err() {
            return Foresight::None;
        }
        let is_over = |arm: &Arm| {
            let of_arm = status.into_iter().flat_map(|s| &s.arms).find(|status| status.name == arm.name);
            of_arm.is_some_and(|status| status.finished_at.is_some())
        };
        let mut first = Foresight::None;
        for (i, arm) in experiment.spec.arms.iter().filter(|arm| !is_over(arm)).enumerate() {
            let known = self.known_or_begun(experiment, arm);
            if i == 0 {
                first = known;
            }
        }
        first
    }

    fn known_or_begun(&self, experiment: &RetryExperiment, arm: &Arm) -> Foresight {
        let plan = arm_plan(&experiment.spec, arm, "client:8000");
        let key = (experiment.uid().unwrap_or_default(), Box::new(setup(&experiment.spec, &plan)));
        let mut kept = self.lock();
        if let Some((_, foresight)) = kept.iter().find(|(known, _)| *known == key) {
            return foresight.clone();
        }
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((key.clone(), Foresight::Pending));
        drop(kept);
        self.begin(key);
        Foresight::Pending
    }

    /// The simulation is bounded by its budget of events, so it ends by itself.
    fn begin(&self, key: Key) {
        let (this, setup) = (self.clone(), key.1.clone());
        tokio::spawn(async move {
            let Ok(_turn) = this.turn.acquire().await else { return };
            let (tell, told) = oneshot::channel();
            let begun = thread::Builder::new().name("prediction".into()).spawn(move || {
                // On the node that is measured it takes only what nobody else wants. Where that is refused, it is as fair as others.
                rustix::process::nice(LEAST_URGENT).ok();
                tell.send(predict(&setup, PREDICTION_RUNS, PREDICTION_BUDGET)).ok();
            });
            let made = if begun.is_ok() { told.await.ok() } else { None };
            let foresight = match made {
                Some(Ok(prediction)) => Foresight::Known(Arc::new(prediction)),
                Some(Err(too_large)) => Foresight::Impossible(too_large.to_string()),
                None => Foresight::Impossible("the simulation failed".to_owned()),
            };
            if let Some((_, slot)) = this.lock().iter_mut().find(|(known, _)| *known == key) {
                *slot = foresight;
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Key, Foresight)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use retrylab_api::RetryExperimentSpec;
    use serde_json::json;

    use super::*;

    fn experiment(rate: u32) -> RetryExperiment {
        let spec: RetryExperimentSpec = serde_json::from_value(json!({
            "arms": [{"name": "none", "strategy": {"type": "None"}}, {"name": "naive", "strategy": {"type": "Naive"}}],
            "load": {"rate": rate},
            "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
            "duration": "3s",
        }))
        .unwrap();
        let mut experiment = RetryExperiment::new("lab", spec);
        experiment.metadata.uid = Some(format!("uid-{rate}"));
        experiment.metadata.generation = Some(1);
        experiment
    }

    async fn settled(predictions: &Predictions, experiment: &RetryExperiment) -> Foresight {
        for _ in 0..2_000 {
            match predictions.of(experiment, Caps::default()) {
                Foresight::Pending => tokio::time::sleep(Duration::from_millis(10)).await,
                settled => return settled,
            }
        }
        panic!("no prediction in 20 s");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_prediction_is_made_once_and_the_same_by_another_operator() {
        let (one, another) = (Predictions::default(), Predictions::default());
        let experiment = experiment(50);
        assert_eq!(one.of(&experiment, Caps::default()), Foresight::Pending);
        let made = settled(&one, &experiment).await;
        let Foresight::Known(prediction) = &made else { panic!("{made:?}") };
        let outage = prediction.windows.iter().find(|window| window.name == "outage").unwrap();
        assert_eq!(outage.amplification.unwrap().mean.to_string(), "1.000", "of the first arm, which does not retry");
        assert_eq!(settled(&another, &experiment).await, made);
        let mut paused = experiment.clone();
        (paused.spec.suspend, paused.metadata.generation) = (true, Some(2));
        assert_eq!(one.of(&paused, Caps::default()), made, "an edit that changes no run");
        assert_eq!(one.lock().len(), 2, "one for each arm");
    }

    #[tokio::test]
    async fn an_experiment_that_is_invalid_or_over_is_not_predicted() {
        let predictions = Predictions::default();
        let mut over = experiment(50);
        over.status = Some(serde_json::from_value(json!({"verdict": "Passed"})).unwrap());
        assert_eq!(predictions.of(&over, Caps::default()), Foresight::None);
        assert_eq!(predictions.of(&experiment(0), Caps::default()), Foresight::None);
        assert!(predictions.lock().is_empty());
    }

    #[tokio::test]
    async fn no_more_than_the_most_are_kept() {
        let predictions = Predictions::default();
        let mut one = experiment(1);
        for seed in 0..200 {
            one.spec.seed = seed;
            predictions.of(&one, Caps::default());
        }
        assert_eq!(predictions.lock().len(), KEPT_MAX);
    }
}
