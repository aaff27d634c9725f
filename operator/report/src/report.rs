//! The document that every form of a report is made from. Its JSON is what `retrylab` prints and the operator serves.

use retrylab_api::{RetryExperiment, RetryExperimentSpec, RetryExperimentStatus};
use retrylab_core::stats::ArmSeries;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// An experiment, what it found, and the timelines of its arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of this document.
    pub api_version: ApiVersion,
    /// What this document is.
    pub kind: Kind,
    /// Which experiment it is about.
    pub metadata: Metadata,
    /// Where the figures come from.
    pub source: Source,
    /// What was to be done, as the experiment has it.
    pub spec: RetryExperimentSpec,
    /// What was found, as the experiment has it.
    pub status: RetryExperimentStatus,
    /// The timelines of the arms, in the order of the spec, as far as they are known.
    #[serde(default)]
    pub series: Vec<ArmSeries>,
}

/// The version of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only one.
    #[default]
    #[serde(rename = "retrylab.dev/v1alpha1")]
    V1Alpha1,
}

/// The kind of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// The only one.
    #[default]
    ExperimentReport,
}

/// Which experiment a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace, where it is in a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Where figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Source {
    /// Measured on pods in a cluster.
    Cluster,
    /// Measured on services in one process, over loopback.
    Process,
    /// Simulated.
    Simulation,
}

impl Report {
    /// The report on an experiment. `series` come in any order; those of arms that the experiment does not have are left out.
    pub fn new(experiment: &RetryExperiment, mut series: Vec<ArmSeries>, source: Source) -> Self {
        let place = |series: &ArmSeries| experiment.spec.arms.iter().position(|arm| arm.name == series.arm);
        series.retain(|series| place(series).is_some());
        series.sort_by_key(place);
        Self {
            api_version: ApiVersion::default(),
            kind: Kind::default(),
            metadata: Metadata {
                name: experiment.metadata.name.clone().unwrap_or_default(),
                namespace: experiment.metadata.namespace.clone(),
            },
            source,
            spec: experiment.spec.clone(),
            status: experiment.status.clone().unwrap_or_default(),
            series,
        }
    }

    /// The timeline of an arm, if it is known.
    pub fn series_of(&self, arm: &str) -> Option<&ArmSeries> {
        self.series.iter().find(|series| series.arm == arm)
    }
}

/// The JSON schema of a report: `docs/report.schema.json`.
pub fn schema() -> Schema {
    schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn experiment() -> RetryExperiment {
        let mut experiment = RetryExperiment::new(
            "comparison",
            serde_json::from_value(json!({
                "arms": [
                    {"name": "naive", "strategy": {"type": "Naive"}},
                    {"name": "jitter", "strategy": {"type": "Jitter"}},
                ],
                "load": {"rate": 50},
                "duration": "30s",
            }))
            .unwrap(),
        );
        experiment.metadata.namespace = Some("lab".into());
        experiment
    }

    fn series(arm: &str) -> ArmSeries {
        ArmSeries { arm: arm.into(), bucket_ms: 100, ..ArmSeries::default() }
    }

    #[test]
    fn timelines_are_in_the_order_of_the_arms_and_strangers_are_left_out() {
        let report =
            Report::new(&experiment(), vec![series("jitter"), series("who"), series("naive")], Source::Cluster);
        let arms: Vec<_> = report.series.iter().map(|series| series.arm.as_str()).collect();
        assert_eq!(arms, ["naive", "jitter"]);
        assert_eq!(report.series_of("jitter"), Some(&series("jitter")));
        assert_eq!(report.series_of("who"), None);
    }

    #[test]
    fn a_report_is_read_back_from_its_json() {
        let report = Report::new(&experiment(), vec![series("naive")], Source::Simulation);
        let value = serde_json::to_value(&report).unwrap();
        for (field, expected) in [
            ("/apiVersion", "retrylab.dev/v1alpha1"),
            ("/kind", "ExperimentReport"),
            ("/metadata/name", "comparison"),
            ("/metadata/namespace", "lab"),
            ("/source", "Simulation"),
            ("/spec/duration", "30s"),
            ("/series/0/arm", "naive"),
        ] {
            assert_eq!(value.pointer(field), Some(&json!(expected)), "{field}");
        }
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let mut value = serde_json::to_value(Report::new(&experiment(), vec![], Source::Process)).unwrap();
        value["kind"] = json!("RetryExperiment");
        let error = serde_json::from_value::<Report>(value).unwrap_err().to_string();
        assert!(error.contains("unknown variant `RetryExperiment`, expected `ExperimentReport`"), "{error}");
    }
}
