//! Predictions of arms, made by simulating them: one at a time, on a thread of its own, when the arm is over, so that it takes
//! nothing from what is measured. They are kept in memory only: after a restart the same prediction is made again.

use std::{
    any::Any,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use retrylab_api::{Arm, RetryExperimentSpec, arm_plan, setup};
use retrylab_core::sim::{PREDICTION_BUDGET, PREDICTION_RUNS, Setup, predict};
use retrylab_plan::Foresight;
use tokio::sync::{Semaphore, oneshot};

/// Most predictions that are kept beside those being made; the oldest goes first.
const KEPT_MAX: usize = 64;
/// An arm that is over does not wait any longer for its prediction.
const PATIENCE: Duration = Duration::from_secs(30);
/// The scheduler's least urgent priority.
#[cfg(target_os = "linux")]
const LEAST_URGENT: i32 = 19;

/// All predictions that are known or being made.
#[derive(Clone, Debug)]
pub struct Predictions {
    kept: Arc<Mutex<Vec<Kept>>>,
    /// One simulation at a time.
    turn: Arc<Semaphore>,
}

#[derive(Debug)]
struct Kept {
    /// What is simulated; two experiments that would run the same share it.
    setup: Arc<Setup>,
    asked: Instant,
    foresight: Foresight,
}

impl Default for Predictions {
    fn default() -> Self {
        Self { kept: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Predictions {
    /// What is known of an arm; begins to predict it if nothing is.
    pub fn of(&self, spec: &RetryExperimentSpec, arm: &Arm) -> Foresight {
        let setup = setup(spec, &arm_plan(spec, arm, "client:8000"));
        let mut kept = self.lock();
        if let Some(known) = kept.iter().find(|known| *known.setup == setup) {
            return match &known.foresight {
                Foresight::Pending if known.asked.elapsed() > PATIENCE => {
                    Foresight::Impossible(format!("it was not simulated within {} s", PATIENCE.as_secs()))
                }
                known => known.clone(),
            };
        }
        let finished = |kept: &Kept| kept.foresight != Foresight::Pending;
        while kept.iter().filter(|kept| finished(kept)).count() >= KEPT_MAX
            && let Some(oldest) = kept.iter().position(finished)
        {
            kept.remove(oldest);
        }
        let setup = Arc::new(setup);
        kept.push(Kept { setup: Arc::clone(&setup), asked: Instant::now(), foresight: Foresight::Pending });
        drop(kept);
        tokio::spawn(self.clone().make(setup));
        Foresight::Pending
    }

    /// Makes a prediction. It ends by itself: events and memory are bounded by the budget.
    async fn make(self, setup: Arc<Setup>) {
        let Ok(_turn) = self.turn.acquire().await else { return };
        if self.forget_if_late(&setup) {
            return;
        }
        let simulated = Arc::clone(&setup);
        let made = apart(move || predict(&simulated, PREDICTION_RUNS, PREDICTION_BUDGET)).await;
        let foresight = match made {
            Ok(Ok(prediction)) => Foresight::Known(Arc::new(prediction)),
            Ok(Err(too_large)) => Foresight::Impossible(too_large.to_string()),
            Err(why) => Foresight::Impossible(why),
        };
        if let Some(kept) = self.lock().iter_mut().find(|kept| kept.setup == setup) {
            kept.foresight = foresight;
        }
    }

    /// After so long nobody waits for a prediction any more.
    fn forget_if_late(&self, setup: &Setup) -> bool {
        let (mut kept, late) = (self.lock(), |kept: &Kept| *kept.setup == *setup && kept.asked.elapsed() > PATIENCE);
        let position = kept.iter().position(late);
        position.map(|position| kept.remove(position)).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Simulates on a thread of its own.
///
/// # Errors
/// Says in words why there is no result.
async fn apart<T: Send + 'static>(simulate: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (tell, told) = oneshot::channel();
    let begun = thread::Builder::new().name("prediction".into()).spawn(move || {
        give_way();
        tell.send(simulate()).ok();
    });
    let thread = begun.map_err(|e| format!("no thread could be started for the simulation: {e}"))?;
    told.await.map_err(|_| match thread.join() {
        Err(panic) => format!("the simulation panicked: {}", in_words(&*panic)),
        Ok(()) => "the simulation gave no result".to_owned(),
    })
}

/// What a panic says is mostly a text.
fn in_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it does not say why")
}

/// Makes this thread the least urgent. Where that is refused, it is as urgent as others; where a priority is that of
/// the whole process, nothing is changed.
fn give_way() {
    #[cfg(target_os = "linux")]
    rustix::process::nice(LEAST_URGENT).ok();
}

#[cfg(test)]
mod tests {
    use retrylab_core::stats::Ratio;
    use serde_json::json;

    use super::*;

    fn spec(seed: u64) -> RetryExperimentSpec {
        serde_json::from_value(json!({
            "seed": seed,
            "arms": [{"name": "none", "strategy": {"type": "None"}}, {"name": "naive", "strategy": {"type": "Naive"}}],
            "load": {"rate": 50},
            "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
            "duration": "3s",
        }))
        .unwrap()
    }

    async fn settled(predictions: &Predictions, spec: &RetryExperimentSpec, arm: usize) -> Foresight {
        for _ in 0..2_000 {
            match predictions.of(spec, &spec.arms[arm]) {
                Foresight::Pending => tokio::time::sleep(Duration::from_millis(10)).await,
                settled => return settled,
            }
        }
        panic!("no prediction in 20 s");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_prediction_is_made_once_and_the_same_by_another_operator() {
        let (one, another) = (Predictions::default(), Predictions::default());
        let spec = spec(1);
        assert_eq!(one.of(&spec, &spec.arms[1]), Foresight::Pending);
        let made = settled(&one, &spec, 1).await;
        let Foresight::Known(prediction) = &made else { panic!("{made:?}") };
        let outage = prediction.windows.iter().find(|window| window.name == "outage").unwrap();
        let three = Ratio::new(3, 1).unwrap();
        assert!(outage.wire_amplification.unwrap().contains(three), "naive makes three attempts: {outage:?}");
        assert_eq!(settled(&another, &spec, 1).await, made);
        assert_eq!(one.lock().len(), 1);
        settled(&one, &spec, 0).await;
        assert_eq!(one.lock().len(), 2, "one for each arm");
    }

    #[tokio::test]
    async fn a_simulation_that_panics_is_no_missing_thread() {
        assert_eq!(apart(|| 7).await, Ok(7));
        let broken = apart(|| -> u32 { panic!("at event {}", 12) }).await;
        assert_eq!(broken, Err("the simulation panicked: at event 12".to_owned()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn those_being_made_are_never_dropped_and_of_the_others_only_so_many_are_kept() {
        let predictions = Predictions::default();
        let turn = predictions.turn.acquire().await.unwrap();
        for seed in 0..KEPT_MAX as u64 + 10 {
            let spec = spec(seed);
            assert_eq!(predictions.of(&spec, &spec.arms[0]), Foresight::Pending);
        }
        assert_eq!(predictions.lock().len(), KEPT_MAX + 10);
        drop(turn);
        for seed in 0..KEPT_MAX as u64 + 10 {
            assert!(matches!(settled(&predictions, &spec(seed), 0).await, Foresight::Known(_)), "{seed}");
        }
        let another = spec(1_000);
        settled(&predictions, &another, 0).await;
        assert_eq!(predictions.lock().len(), KEPT_MAX, "the oldest have gone");
    }
}
