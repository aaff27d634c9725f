//! What is generated and committed is what the code says now. `UPDATE=1 cargo test -p retrylab-operator` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::PathBuf};

fn check(file: &str, expected: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == expected, "{file} is out of date: run `make chart`");
}

#[test]
fn the_committed_definition_is_that_of_the_types() {
    let definition = serde_saphyr::to_string(&retrylab_api::crd()).unwrap();
    assert!(!definition.contains("{{"), "Helm would take it for an action");
    check("charts/retrylab-crds/templates/retryexperiments.yaml", &definition);
}

#[test]
fn every_sample_is_valid_and_explained() {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/samples");
    let mut count = 0;
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{} has no explanation in its first lines", path.display());
        let sample: retrylab_api::RetryExperiment = serde_saphyr::from_str(&text).unwrap();
        retrylab_api::validate(&sample.spec, retrylab_api::Caps::default()).unwrap();
        assert_eq!(path.file_stem().and_then(|s| s.to_str()), sample.metadata.name.as_deref());
        count += 1;
    }
    assert!(count >= 6, "{count} samples");
}
