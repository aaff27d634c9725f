//! What Artifact Hub shows of the charts, by its published annotations: that they are known ones, and true.

use std::fs;

use retrylab_api::{Caps, RetryExperiment, crd, validate};
use serde_json::Value;

use crate::harness::chart;

/// One of a chart's annotations, by its name behind the prefix.
fn annotations(name: &str) -> impl Fn(&str) -> String {
    let all = all_annotations(name);
    move |key: &str| all[format!("artifacthub.io/{key}")].as_str().unwrap().to_owned()
}

fn all_annotations(name: &str) -> Value {
    let file = fs::read_to_string(format!("{}/Chart.yaml", chart(name))).unwrap();
    serde_saphyr::from_str::<Value>(&file).unwrap()["annotations"].clone()
}

#[test]
fn the_annotations_are_ones_that_artifact_hub_knows_with_values_that_it_takes() {
    let known = ["category", "crds", "crdsExamples", "license", "links", "operator", "operatorCapabilities"];
    let categories =
        ["integration-delivery", "monitoring-logging", "networking", "security", "storage", "streaming-messaging"];
    let capabilities = ["Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot"];
    for name in ["retrylab", "retrylab-crds"] {
        for (key, value) in all_annotations(name).as_object().unwrap() {
            assert!(known.iter().any(|known| *key == format!("artifacthub.io/{known}")), "{name}: {key}");
            assert!(value.is_string(), "{name}: {key}");
        }
        let of = annotations(name);
        assert!(categories.contains(&&*of("category")), "{name}");
        assert_eq!(of("license"), env!("CARGO_PKG_LICENSE"), "{name}");
    }
    assert_eq!(annotations("retrylab")("operator"), "true");
    assert!(capabilities.contains(&&*annotations("retrylab")("operatorCapabilities")));
}

#[test]
fn the_definition_and_the_example_that_are_shown_are_what_the_operator_takes() {
    let definition = serde_json::to_value(crd()).unwrap();
    let versions: Vec<_> = definition["spec"]["versions"].as_array().unwrap().iter().map(|v| &v["name"]).collect();
    for name in ["retrylab", "retrylab-crds"] {
        let of = annotations(name);
        let shown: Value = serde_saphyr::from_str(&of("crds")).unwrap();
        let [shown] = &shown.as_array().unwrap()[..] else { panic!("{shown}") };
        assert_eq!(
            (&shown["name"], &shown["kind"]),
            (&definition["metadata"]["name"], &definition["spec"]["names"]["kind"])
        );
        assert!(versions.contains(&&shown["version"]), "{shown}");
        let examples: Value = serde_saphyr::from_str(&of("crdsExamples")).unwrap();
        for example in examples.as_array().unwrap() {
            let experiment: RetryExperiment = serde_json::from_value(example.clone()).unwrap();
            validate(&experiment.spec, Caps::default()).unwrap();
        }
    }
}
