//! JSON in and out: a bad body is answered with 4xx and one JSON error that names the field.

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequest, Request},
    http::{Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use retrylab_core::wire::{ErrorBody, FieldError};
use serde::{Serialize, de::DeserializeOwned};

/// A JSON body. As an extractor it asks for no content type: `curl -d` sends none that fits.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// An error answer: a status of 4xx or 5xx with an [`ErrorBody`].
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

impl ApiError {
    /// An error that is no single field's.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: ErrorBody { error: error.into(), field: None } }
    }
}

impl From<FieldError> for ApiError {
    fn from(field: FieldError) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: field.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(512); // most answers fit, so that it needn't grow
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the answer: {e}")).into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|e| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("cannot read the body: {e}")))?;
        parse(&body).map(Self)
    }
}

/// The routes, with unknown paths and wrong methods answered by a JSON error as well.
pub fn with_json_errors<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let unknown = |uri: Uri| async move { ApiError::new(StatusCode::NOT_FOUND, format!("there is no {}", uri.path())) };
    let wrong = |method: Method, uri: Uri| async move {
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
    };
    routes.fallback(unknown).method_not_allowed_fallback(wrong)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let whole: serde_json::Value = serde_json::from_slice(body)
        .map_err(|e| ApiError::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {e}")))?;
    if !whole.is_object() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "the body is no JSON object"));
    }
    serde_path_to_error::deserialize(&whole).map_err(|e| {
        let path = e.path().to_string();
        let reason = e.into_inner().to_string();
        // A missing or unknown field is named in the reason; its path is that of the object around it.
        let named =
            reason.split('`').nth(1).filter(|_| reason.starts_with("missing") || reason.starts_with("unknown field"));
        let field = match (path.as_str(), named) {
            (".", Some(name)) => name.to_owned(),
            (path, Some(name)) if !path.ends_with(name) => format!("{path}.{name}"),
            (path, _) => path.to_owned(),
        };
        let given = lookup(&whole, &field).map_or_else(|| "nothing".into(), ToString::to_string);
        FieldError::new(field, given, reason).into()
    })
}

/// The value at a path such as `plan.faults[0].kind`.
fn lookup<'v>(whole: &'v serde_json::Value, path: &str) -> Option<&'v serde_json::Value> {
    let pointer = path.replace(['.', '['], "/").replace(']', "");
    whole.pointer(if pointer == "/" { "" } else { &pointer }).or_else(|| whole.pointer(&format!("/{pointer}")))
}

#[cfg(test)]
mod tests {
    use retrylab_core::wire::{FailRequest, StrategyRequest};

    use super::*;

    fn check<T: DeserializeOwned + std::fmt::Debug>(body: &str, field: Option<&str>, given: &str) {
        let error = parse::<T>(body.as_bytes()).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_REQUEST);
        assert_eq!(error.body.field.as_ref().map(|f| f.field.as_str()), field, "{:?}", error.body);
        assert_eq!(error.body.field.map_or_else(String::new, |f| f.given), given);
    }

    #[test]
    fn a_wrong_type_names_the_field_and_what_was_given() {
        check::<FailRequest>(r#"{"duration_seconds":"ten"}"#, Some("duration_seconds"), r#""ten""#);
    }

    #[test]
    fn json_that_is_no_object_is_said_to_be_none() {
        check::<FailRequest>("[]", None, "");
    }

    #[test]
    fn a_missing_field_is_named() {
        check::<FailRequest>("{}", Some("duration_seconds"), "nothing");
    }

    #[test]
    fn an_unknown_field_is_named() {
        check::<FailRequest>(r#"{"duration_seconds":1,"durations":2}"#, Some("durations"), "2");
    }

    #[test]
    fn an_unknown_strategy_is_named_with_what_is_allowed() {
        check::<StrategyRequest>(r#"{"strategy":"hope"}"#, Some("strategy"), r#""hope""#);
    }

    #[test]
    fn no_json_at_all_is_said_to_be_none() {
        check::<FailRequest>("{", None, "");
    }
}
