//! Who may use `/admin/*`: callers on loopback (a port-forward) and callers with the experiment's bearer token.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use retrylab_core::wire::ErrorBody;

use crate::{json::Json, peer::Peer};

/// The experiment's bearer token; without one only loopback callers get in.
#[derive(Clone, Default)]
pub struct AdminToken(Option<Arc<str>>);

impl AdminToken {
    /// The token, if one is set; an empty one is none.
    pub fn new(token: Option<String>) -> Self {
        Self(token.filter(|t| !t.is_empty()).map(Arc::from))
    }

    fn admits(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        matches!((&self.0, given), (Some(token), Some(given)) if equal_in_constant_time(token.as_bytes(), given.as_bytes()))
    }
}

/// So that a flag can be one.
impl From<String> for AdminToken {
    fn from(token: String) -> Self {
        Self::new(Some(token))
    }
}

/// Never `{:?}` a secret.
impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "AdminToken(set)" } else { "AdminToken(none)" })
    }
}

fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

/// The routes, closed to everybody but loopback and bearers of the token: 401.
pub fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, token: AdminToken) -> Router<S> {
    routes.layer(from_fn_with_state(token, admit))
}

async fn admit(State(token): State<AdminToken>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.ip());
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if peer.is_some_and(|ip| ip.is_loopback()) || token.admits(authorization) {
        return next.run(request).await;
    }
    let error = "/admin is open to callers on loopback (kubectl port-forward) and to bearers of the experiment's token";
    (StatusCode::UNAUTHORIZED, Json(ErrorBody { error: error.into(), field: None })).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::header::HeaderValue, routing::get};
    use tower::ServiceExt;

    use super::*;

    /// What a caller at this address is answered, with this header if there is one.
    async fn check(peer: Option<&str>, authorization: Option<&str>, expected: StatusCode) {
        let routes = guarded(Router::new().route("/admin", get(|| async {})), AdminToken::new(Some("token".into())));
        let mut request = Request::builder().uri("/admin").body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(Peer::at(peer.parse().unwrap())));
        }
        let authorization = authorization.map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()));
        request.headers_mut().extend(authorization);
        assert_eq!(routes.oneshot(request).await.unwrap().status(), expected, "{peer:?}");
    }

    #[tokio::test]
    async fn loopback_is_let_in_whichever_family_it_is_told_in() {
        for peer in ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "[::ffff:7f08:901]:1"] {
            check(Some(peer), None, StatusCode::OK).await;
        }
    }

    #[tokio::test]
    async fn an_address_that_only_looks_like_loopback_is_not_let_in_and_neither_is_one_that_is_not_known() {
        for peer in [
            "10.0.0.7:1",
            "0.0.0.0:1",
            "[::]:1",
            "[::ffff:10.0.0.7]:1",
            "[::127.0.0.1]:1",        // IPv4-compatible: not what the kernel maps IPv4 to
            "[::ffff:0:127.0.0.1]:1", // IPv4-translated
            "[64:ff9b::127.0.0.1]:1", // NAT64
            "[2002:7f00:1::]:1",      // 6to4
            "[fe80::1]:1",
            "[fd00::1]:1",
            "[::1:0:0:1]:1",
        ] {
            check(Some(peer), None, StatusCode::UNAUTHORIZED).await;
            check(Some(peer), Some("Bearer token"), StatusCode::OK).await;
            check(Some(peer), Some("Bearer tokens"), StatusCode::UNAUTHORIZED).await;
        }
        check(None, None, StatusCode::UNAUTHORIZED).await;
    }
}
