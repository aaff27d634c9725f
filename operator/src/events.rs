//! Kubernetes events.

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use retrylab_api::RetryExperiment;
use retrylab_plan::EventKind;

use crate::error::call;

/// Publishes events on experiments.
#[derive(Clone)]
pub struct Events(Recorder);

impl Events {
    pub fn new(client: Client) -> Self {
        Self(Recorder::new(client, Reporter { controller: "retrylab-operator".into(), instance: None }))
    }

    /// Publishes what a plan says. An event that can't be published is logged and not tried again: the status has it all.
    pub async fn publish(&self, experiment: &RetryExperiment, events: Vec<retrylab_plan::Event>) {
        let reference = experiment.object_ref(&());
        for event in events {
            let retrylab_plan::Event { kind, reason, action, note } = event;
            let type_ = match kind {
                EventKind::Normal => EventType::Normal,
                EventKind::Warning => EventType::Warning,
            };
            let event = Event { type_, reason: reason.into(), note: Some(note), action, secondary: None };
            let published = call("publish", || format!("event {reason}"), self.0.publish(&event, &reference)).await;
            if let Err(e) = published {
                tracing::warn!("{e}");
            }
        }
    }
}
