//! The experiment as it changes: `kubectl get --watch`, read as it comes.

use std::{
    io::{BufReader, Read},
    process::{Child, ChildStdout},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use retrylab_api::RetryExperiment;
use serde::Deserialize;

use crate::{
    exit::Unanswered,
    kubectl::{EXPERIMENTS, Kubectl, Refusal},
};

/// What was seen of an experiment.
pub enum Seen {
    /// How it is now.
    Experiment(Box<RetryExperiment>),
    /// It was deleted.
    Gone,
    /// Nothing new, for so long.
    Nothing,
}

/// A watch. The API server ends each after a while; then another one is begun.
pub struct Stream<'k> {
    name: &'k str,
    kubectl: &'k Kubectl,
    child: Child,
    events: Receiver<serde_json::Result<Event>>,
    has_spoken: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: RetryExperiment,
}

impl<'k> Stream<'k> {
    /// Begins a watch.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub fn open(name: &'k str, kubectl: &'k Kubectl) -> anyhow::Result<Self> {
        let mut child =
            kubectl.start(&["get", EXPERIMENTS, name, "--watch", "--output-watch-events", "--output=json"])?;
        let events = read(child.stdout.take().context("kubectl has no output")?);
        Ok(Self { name, kubectl, child, events, has_spoken: false })
    }

    /// What is seen next, within this time.
    ///
    /// # Errors
    /// What kubectl refuses.
    pub fn next(&mut self, within: Duration) -> anyhow::Result<Seen> {
        match self.events.recv_timeout(within) {
            Ok(event) => {
                self.has_spoken = true;
                let Event { kind, object } = event.context("cannot understand what `kubectl get --watch` gives")?;
                Ok(if kind == "DELETED" { Seen::Gone } else { Seen::Experiment(Box::new(object)) })
            }
            Err(RecvTimeoutError::Timeout) => Ok(Seen::Nothing),
            Err(RecvTimeoutError::Disconnected) => self.again().map(|()| Seen::Nothing),
        }
    }

    /// Begins anew where the watch has ended by itself.
    fn again(&mut self) -> anyhow::Result<()> {
        let (status, mut words) = (self.child.wait()?, String::new());
        self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words)).transpose()?;
        if !status.success() {
            return Err(Refusal::of(&words).error(self.kubectl));
        }
        if !self.has_spoken {
            bail!(Unanswered(format!("`kubectl get --watch` ended and said nothing of {}", self.name)));
        }
        *self = Self::open(self.name, self.kubectl)?;
        Ok(())
    }
}

/// kubectl would watch on for ever.
impl Drop for Stream<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// A thread that reads until kubectl ends, or nobody listens any more.
fn read(output: ChildStdout) -> Receiver<serde_json::Result<Event>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for event in serde_json::Deserializer::from_reader(BufReader::new(output)).into_iter() {
            let was_last = event.is_err();
            if sender.send(event).is_err() || was_last {
                return;
            }
        }
    });
    receiver
}
