//! Who gets a report: callers on loopback, as a port-forward is, or everybody, if the operator's owner says so.

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use retrylab_runtime::Peer;

const REFUSED: &str = "Reports are for callers on loopback:\n\n  \
    kubectl -n retrylab-system port-forward svc/retrylab-operator 8080\n\n\
    and then http://localhost:8080/reports/. The operator's owner can open them to everybody who reaches this port, with \
    RETRYLAB_REPORTS_OPEN=true.\n";

/// Lets a caller through, or says why not. `is_open`: everybody may read.
pub async fn admit(State(is_open): State<bool>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.ip());
    if is_open || peer.is_some_and(|ip| ip.is_loopback()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], REFUSED).into_response()
}
