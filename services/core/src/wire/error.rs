//! The one shape of an error answer.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// A value that is not allowed: which field, what was given, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {given} is not allowed; allowed: {allowed}")]
pub struct FieldError {
    /// The field, with a dot between levels.
    pub field: String,
    /// What was given, as text.
    pub given: String,
    /// What is allowed, in words.
    pub allowed: String,
}

impl FieldError {
    /// The error for `field`.
    pub fn new(field: impl Into<String>, given: impl Display, allowed: impl Into<String>) -> Self {
        Self { field: field.into(), given: given.to_string(), allowed: allowed.into() }
    }

    /// The same error, seen from the structure that holds the field.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

/// Checks that a number is within its bounds.
pub(crate) fn within(field: &str, value: impl Into<u64>, low: u64, high: u64) -> Result<(), FieldError> {
    let value = value.into();
    if (low..=high).contains(&value) { Ok(()) } else { Err(FieldError::new(field, value, format!("{low} to {high}"))) }
}

/// The body of every 4xx and 5xx answer to `/admin/*`: `{"error": "…", "field": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong, in one sentence.
    pub error: String,
    /// Where one field is wrong: which, what was given, what is allowed.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldError>,
}

impl From<FieldError> for ErrorBody {
    fn from(field: FieldError) -> Self {
        Self { error: field.to_string(), field: Some(field) }
    }
}
