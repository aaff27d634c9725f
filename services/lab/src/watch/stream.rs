//! The experiment as it changes: `kubectl get --watch`, read as it comes. A watch ends after a while, since the API server ends it or
//! is out of reach; then another one is begun.

use std::{
    io::{BufReader, Read},
    process::{Child, ChildStdout},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use retrylab_api::RetryExperiment;
use serde::Deserialize;
use serde_json::Value;

use super::outage::{LONGEST, Outage};
use crate::{
    exit::Unanswered,
    kubectl::{EXPERIMENTS, Kubectl, Refusal},
};

/// The least time from the beginning of a watch to that of the next: some gateways end each at once.
const APART: Duration = Duration::from_secs(1);
/// The API server has nothing left of the time at which a watch is: it begins anew, and that is all.
const EXPIRED: u16 = 410;

const NOT_UNDERSTOOD: &str = "cannot understand what `kubectl get --watch` gives";

/// What was seen of an experiment.
pub enum Seen {
    /// How it is now.
    Experiment(Box<RetryExperiment>),
    /// It is not there any more.
    Gone,
    /// An outage begins: kubectl's words.
    Outage(String),
    /// Nothing new, for so long.
    Nothing,
}

/// Every watch of an experiment, one after the other.
pub struct Stream<'k> {
    name: &'k str,
    kubectl: &'k Kubectl,
    /// `None`: it has ended.
    watch: Option<Watch>,
    /// When the latest was begun.
    begun: Instant,
    has_spoken: bool,
    outage: Option<Outage>,
}

/// One `kubectl get --watch`.
struct Watch {
    child: Child,
    events: Receiver<serde_json::Result<Event>>,
    has_spoken: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

/// What comes with an event `ERROR`, a `metav1.Status`: from the API server, or made by kubectl of a connection that broke.
#[derive(Default, Deserialize)]
struct Failure {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    message: String,
}

impl<'k> Stream<'k> {
    /// Begins a watch.
    ///
    /// # Errors
    /// When there is no kubectl.
    pub fn open(name: &'k str, kubectl: &'k Kubectl) -> anyhow::Result<Self> {
        let watch = Some(Watch::begin(name, kubectl)?);
        Ok(Self { name, kubectl, watch, begun: Instant::now(), has_spoken: false, outage: None })
    }

    /// What is seen next, within this time.
    ///
    /// # Errors
    /// What kubectl refuses, or that the cluster has not answered for too long.
    pub fn next(&mut self, within: Duration) -> anyhow::Result<Seen> {
        let Some(watch) = &mut self.watch else { return self.again(within) };
        match watch.events.recv_timeout(within) {
            Ok(event) => {
                let Event { kind, object } = event.context(NOT_UNDERSTOOD)?;
                if kind == "ERROR" {
                    return self.failed(object);
                }
                (watch.has_spoken, self.has_spoken, self.outage) = (true, true, None);
                if kind == "DELETED" {
                    return Ok(Seen::Gone);
                }
                Ok(Seen::Experiment(Box::new(serde_json::from_value(object).context(NOT_UNDERSTOOD)?)))
            }
            Err(RecvTimeoutError::Timeout) => Ok(Seen::Nothing),
            Err(RecvTimeoutError::Disconnected) => self.ended(),
        }
    }

    /// Begins another watch, when its time has come.
    fn again(&mut self, within: Duration) -> anyhow::Result<Seen> {
        let now = Instant::now();
        let wait = self.outage.as_ref().map_or(Duration::ZERO, |outage| outage.until_next_try(now));
        let wait = wait.max((self.begun + APART).saturating_duration_since(now));
        thread::sleep(wait.min(within));
        if wait <= within {
            self.begun = Instant::now();
            self.watch = Some(Watch::begin(self.name, self.kubectl)?);
        }
        Ok(Seen::Nothing)
    }

    /// The watch ends with an error among its events.
    fn failed(&mut self, object: Value) -> anyhow::Result<Seen> {
        self.watch = None;
        let Failure { code, message } = serde_json::from_value(object).unwrap_or_default();
        match code {
            EXPIRED => Ok(Seen::Nothing),
            _ if self.has_spoken => self.unanswered(&message),
            _ => bail!(Unanswered(message)),
        }
    }

    /// Sees why a watch has ended. Only who was heard once may be silent for a time.
    fn ended(&mut self) -> anyhow::Result<Seen> {
        let Some(watch) = self.watch.take() else { return Ok(Seen::Nothing) };
        let had_spoken = watch.has_spoken;
        let words = match watch.end()? {
            Ok(()) if had_spoken => return Ok(Seen::Nothing),
            Ok(()) if !self.has_spoken => {
                bail!(Unanswered(format!("`kubectl get --watch` ended and said nothing of {}", self.name)))
            }
            Ok(()) => "`kubectl get --watch` ended and said nothing".to_owned(),
            Err(Refusal::NoObject(_)) if self.has_spoken => return Ok(Seen::Gone),
            // An API server that comes up may not know yet who may do what, or what there is.
            Err(refusal @ (Refusal::NotAllowed(_) | Refusal::NoKind(_))) if self.outage.is_some() => {
                refusal.words().to_owned()
            }
            Err(refusal) if self.has_spoken && refusal.is_passing() => refusal.words().to_owned(),
            Err(refusal) => return Err(refusal.error(self.kubectl)),
        };
        self.unanswered(&words)
    }

    /// The cluster gives no answer that helps.
    fn unanswered(&mut self, words: &str) -> anyhow::Result<Seen> {
        let now = Instant::now();
        let Some(outage) = &mut self.outage else {
            self.outage = Some(Outage::begun(now));
            return Ok(Seen::Outage(words.to_owned()));
        };
        if outage.failed(now) {
            return Ok(Seen::Nothing);
        }
        let minutes = LONGEST.as_secs() / 60;
        bail!(Unanswered(format!("the cluster has not answered for {minutes} minutes: {words}")))
    }
}

impl Watch {
    fn begin(name: &str, kubectl: &Kubectl) -> anyhow::Result<Self> {
        let mut child =
            kubectl.start(&["get", EXPERIMENTS, name, "--watch", "--output-watch-events", "--output=json"])?;
        let events = read(child.stdout.take().context("kubectl has no output")?);
        Ok(Self { child, events, has_spoken: false })
    }

    /// How it ended: by itself, or refused.
    fn end(mut self) -> anyhow::Result<Result<(), Refusal>> {
        let mut words = String::new();
        self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words)).transpose()?;
        Ok(if self.child.wait()?.success() { Ok(()) } else { Err(Refusal::of(&words)) })
    }
}

/// kubectl would watch on for ever.
impl Drop for Watch {
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
