//! Calls the service's routes as a caller on loopback.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use http_body_util::BodyExt;
use retrylab_runtime::Peer;
use tower::ServiceExt;

/// Calls a route; gives the status and the body.
pub async fn call(app: &Router, method: &str, path: &str, body: String) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(Peer::at(SocketAddr::from(([127, 0, 0, 1], 1)))));
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
