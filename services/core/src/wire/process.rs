//! `GET /process` and `GET /health`.

use serde::{Deserialize, Serialize};

/// The client's answer to `GET /process`: 200 when `success`, else 502.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientAnswer {
    /// Always `client`.
    pub service: String,
    /// The request's trace id (32 hexadecimal digits), the same in the backend's answer.
    pub trace_id: String,
    /// From the request's arrival to its final outcome, waits included, in milliseconds.
    pub duration_ms: f64,
    /// The strategy in force when the request arrived.
    pub retry_strategy: String,
    /// Attempts made, the first included.
    pub attempts: u32,
    /// Whether the backend answered in the end.
    pub success: bool,
    /// The backend's answer, on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendAnswer>,
    /// Why the last attempt failed, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The backend's answer to `GET /process`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendAnswer {
    /// Always `backend`.
    pub service: String,
    /// The trace id that came with the request, or a new one.
    pub trace_id: String,
    /// Time in service, in milliseconds: 0 for an injected failure.
    pub processing_ms: f64,
    /// From arrival to answer, waiting in the queue included, in milliseconds.
    pub total_duration_ms: f64,
    /// When it was answered: RFC 3339, UTC.
    pub timestamp: String,
    /// Whether a fault made this answer: then the status is the fault's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failure_injected: bool,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer to `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always `healthy`: a service that can't say so doesn't answer.
    pub status: String,
    /// Which service this is.
    pub service: String,
    /// On the backend: whether a fault is active now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_active: Option<bool>,
}
