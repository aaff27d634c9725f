//! The Secret with the token that opens `/admin` of the experiment's pods.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use retrylab_api::RetryExperiment;

use super::{labels, metadata, secret_name};
use crate::settings::WorkloadSettings;

/// The key of the token in the Secret.
pub const TOKEN_KEY: &str = "token";

/// The Secret with this token. It is created once and never changed.
pub fn secret(experiment: &RetryExperiment, token: String, settings: &WorkloadSettings) -> Secret {
    Secret {
        metadata: metadata(experiment, secret_name(experiment), labels(experiment, settings)),
        data: Some(BTreeMap::from([(TOKEN_KEY.to_owned(), ByteString(token.into_bytes()))])),
        immutable: Some(true),
        ..Secret::default()
    }
}
