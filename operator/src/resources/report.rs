//! The `ConfigMap` with the timelines of an experiment's arms: what is too long for the status, and stays when the workloads go.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use retrylab_api::{ReportRef, RetryExperiment};
use retrylab_core::stats::ArmSeries;

use super::{labels, metadata};
use crate::settings::WorkloadSettings;

/// Where the timelines of an experiment are kept.
pub fn report_ref(experiment: &RetryExperiment) -> ReportRef {
    ReportRef { kind: "ConfigMap".into(), name: format!("{}-report", experiment.name_any()) }
}

/// The key of an arm's timeline, and the timeline.
pub fn report_entry(series: &ArmSeries) -> serde_json::Result<(String, String)> {
    Ok((format!("{}.json", series.arm), serde_json::to_string(series)?))
}

/// The `ConfigMap` with a first timeline.
pub fn report(experiment: &RetryExperiment, settings: &WorkloadSettings, entry: (String, String)) -> ConfigMap {
    ConfigMap {
        metadata: metadata(experiment, report_ref(experiment).name, labels(experiment, settings)),
        data: Some(BTreeMap::from([entry])),
        ..ConfigMap::default()
    }
}

/// The timelines in a `ConfigMap`. What can't be read, or is longer than any of ours, is left out: people may write there, too.
pub fn timelines(report: ConfigMap) -> Vec<ArmSeries> {
    let data = report.data.unwrap_or_default();
    data.values().filter_map(|text| serde_json::from_str(text).ok()).filter(ArmSeries::is_well_formed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn experiment() -> RetryExperiment {
        serde_json::from_value(json!({
            "apiVersion": "retrylab.dev/v1alpha1", "kind": "RetryExperiment",
            "metadata": {"name": "lab", "namespace": "default", "uid": "u"},
            "spec": {"arms": [{"name": "naive", "strategy": {"type": "Naive"}}], "load": {"rate": 1}, "duration": "1s"},
        }))
        .unwrap()
    }

    /// As many points as there may be, each with the most that 20,000 requests a second, 20 attempts each, make in an hour.
    fn longest(arm: usize) -> ArmSeries {
        let column = || vec![6 * 20_000 * 20; 600];
        ArmSeries {
            arm: format!("{}-{arm}", "n".repeat(28)),
            bucket_ms: 12_000,
            arrivals: column(),
            attempts: column(),
            received: column(),
            goodput: column(),
            failed: column(),
            queue: vec![3_600 * 20_000 * 20; 600],
        }
    }

    #[test]
    fn what_people_wrote_there_and_no_arm_could_have_made_is_left_out() {
        let of = |series: &ArmSeries| {
            let data = Some(BTreeMap::from([report_entry(series).unwrap()]));
            timelines(ConfigMap { data, ..ConfigMap::default() }).len()
        };
        assert_eq!(of(&longest(0)), 1);
        let endless = ArmSeries { arrivals: vec![1; 400_000], ..longest(0) };
        let uneven = ArmSeries { queue: vec![1; 2], ..longest(0) };
        let timeless = ArmSeries { bucket_ms: 0, ..longest(0) };
        assert_eq!([&endless, &uneven, &timeless].map(of), [0, 0, 0]);
    }

    #[test]
    fn eight_arms_at_their_longest_are_well_below_the_limit_of_1_mib() {
        let bytes: usize = (0..8).map(|arm| report_entry(&longest(arm)).unwrap()).map(|(k, v)| k.len() + v.len()).sum();
        assert!(bytes < 512 * 1_024, "{bytes} bytes");
    }

    #[test]
    fn a_timeline_is_read_back_and_what_is_none_is_left_out() {
        let series = longest(1);
        let mut kept = report(&experiment(), &WorkloadSettings::default(), report_entry(&series).unwrap());
        kept.data.as_mut().unwrap().insert("notes".into(), "by hand".into());
        assert_eq!(kept.metadata.name.as_deref(), Some("lab-report"));
        assert_eq!(kept.owner_references()[0].uid, "u");
        assert_eq!(timelines(kept), [series]);
    }
}
