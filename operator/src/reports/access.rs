//! Who gets a report: callers on loopback, as a port-forward is, or everybody, if the operator's owner says so.

use std::net::IpAddr;

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use retrylab_runtime::Peer;

const REFUSED: &str = "Reports are for callers on loopback:\n\n  \
    kubectl -n retrylab-system port-forward svc/retrylab-operator 8080\n\n\
    and then http://localhost:8080/reports/. The operator's owner can open them to everybody who reaches this port, with \
    RETRYLAB_REPORTS_OPEN=true.\n";

/// Lets a caller through, or says why not. `is_open`: everybody may read. Otherwise the name by which this was called must be
/// one of loopback, too: a page of another site whose name leads to loopback is the browser's own (DNS rebinding).
pub async fn admit(State(is_open): State<bool>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.ip());
    if is_open || (peer.is_some_and(|ip| ip.is_loopback()) && is_called_loopback(&request)) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], REFUSED).into_response()
}

/// Whether the `Host` that was asked for, if any, is one of loopback.
fn is_called_loopback(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Some(authority) = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok()) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_name_that_only_leads_to_loopback_is_none_of_its() {
        let called = |host: &str| {
            is_called_loopback(&Request::builder().header(header::HOST, host).body(Body::empty()).unwrap())
        };
        for host in
            ["localhost:8080", "localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::ffff:127.0.0.1]:1"]
        {
            assert!(called(host), "{host}");
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1:8080",
            "127.0.0.1.evil.example",
            "[::ffff:10.0.0.1]:1",
            "[::127.0.0.1]:1",
            "@",
            "",
        ] {
            assert!(!called(host), "{host}");
        }
        assert!(is_called_loopback(&Request::new(Body::empty())), "a browser always says it");
    }
}
