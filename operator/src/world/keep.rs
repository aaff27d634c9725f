//! Keeping the timelines of arms that are over, one write for each, and finding them again.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use retrylab_api::RetryExperiment;
use retrylab_core::stats::ArmSeries;
use serde_json::json;

use super::{World, named};
use crate::{
    error::{Error, call},
    resources::{report, report_entry, report_ref, timelines},
};

impl World {
    /// Keeps the timeline of an arm. Kept again, it is the same.
    pub async fn keep(&self, experiment: &RetryExperiment, series: &ArmSeries) -> Result<(), Error> {
        let (name, entry) = (report_ref(experiment).name, report_entry(series)?);
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let object = || named("ConfigMap", experiment, &name);
        let Some(there) = call("get", object, api.get_metadata_opt(&name)).await? else {
            let new = report(experiment, &self.config.workloads, entry);
            call("create", object, api.create(&PostParams::default(), &new)).await?;
            return Ok(());
        };
        if !there.owner_references().iter().any(|owner| Some(&owner.uid) == experiment.metadata.uid.as_ref()) {
            return Err(Error::Foreign(object()));
        }
        // This very object: with its uid in it, a patch of another one is a conflict.
        let patch = json!({"metadata": {"uid": there.metadata.uid}, "data": {entry.0: entry.1}});
        call("patch", object, api.patch(&name, &PatchParams::default(), &Patch::Merge(patch))).await?;
        Ok(())
    }

    /// The timelines that are kept, of this very object's arms.
    pub async fn kept(&self, experiment: &RetryExperiment) -> Result<Vec<ArmSeries>, Error> {
        let Some(place) = experiment.status.as_ref().and_then(|status| status.report_ref.as_ref()) else {
            return Ok(vec![]);
        };
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &experiment.namespace().unwrap_or_default());
        let report = call("get", || named("ConfigMap", experiment, &place.name), api.get_opt(&place.name)).await?;
        let ours = |owner: &str| Some(owner) == experiment.metadata.uid.as_deref();
        let report = report.filter(|report| report.owner_references().iter().any(|owner| ours(&owner.uid)));
        Ok(report.map(timelines).unwrap_or_default())
    }
}
