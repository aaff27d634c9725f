//! Deployments that the API server refused, until one goes through: a quota, an admission policy. They are no errors to
//! be logged, but what the status tells people.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kube::ResourceExt;
use retrylab_api::RetryExperiment;

use crate::error::Error;

/// The last refusal of each experiment, by uid.
#[derive(Default)]
pub struct Refusals(Mutex<BTreeMap<String, String>>);

impl Refusals {
    /// What was refused last, in words.
    pub fn of(&self, experiment: &RetryExperiment) -> Option<String> {
        self.lock().get(&experiment.uid()?).cloned()
    }

    /// Takes note of how deploying went; gives back what is no refusal.
    pub fn note(&self, experiment: &RetryExperiment, deployed: Result<(), Error>) -> Result<(), Error> {
        match deployed {
            Err(refusal) if refusal.is_refusal() => {
                self.lock().insert(experiment.uid().unwrap_or_default(), refusal.to_string());
            }
            Err(e) => return Err(e),
            Ok(()) => self.forget(experiment),
        }
        Ok(())
    }

    /// The experiment is over, or gone.
    pub fn forget(&self, experiment: &RetryExperiment) {
        self.lock().remove(&experiment.uid().unwrap_or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
