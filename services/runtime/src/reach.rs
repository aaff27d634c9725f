//! Readiness of a service that calls another one: whether a connection to it can be opened.
//!
//! A node learns where a new Service leads a moment after its pods are ready. Load that is sent before then waits for a
//! lost SYN to be sent again, a second or more, and looks like a late load generator. So a caller says that it is ready
//! when it has got through once; after that it stays ready, whatever becomes of the other side, or an experiment's fault
//! would take its caller out of service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use tokio::{net::TcpStream, time};

/// How long `/ready` tries before it answers that it could not get through: less than a probe waits.
const TRY_FOR: Duration = Duration::from_secs(4);
/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// `GET /ready`: 200 as soon as a connection to `callee` (`host:port`) could be opened, and from then on; 503 after four
/// seconds without one. Who calls nobody is ready.
pub fn ready_route(callee: Option<String>) -> Router {
    let reached = Arc::new(AtomicBool::new(callee.is_none()));
    let ready = move || {
        let (reached, callee) = (Arc::clone(&reached), callee.clone());
        async move {
            if !reached.load(Ordering::Relaxed) && !gets_through(callee.as_deref().unwrap_or_default()).await {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            reached.store(true, Ordering::Relaxed);
            StatusCode::OK
        }
    };
    Router::new().route("/ready", get(ready))
}

async fn gets_through(callee: &str) -> bool {
    let tries = async {
        while !matches!(time::timeout(CONNECT_TIMEOUT, TcpStream::connect(callee)).await, Ok(Ok(_))) {
            time::sleep(PAUSE).await;
        }
    };
    time::timeout(TRY_FOR, tries).await.is_ok()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tokio::net::TcpListener;
    use tower::ServiceExt;

    use super::*;

    async fn check(routes: &Router, expected: StatusCode) {
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), expected);
    }

    #[tokio::test]
    async fn who_calls_nobody_is_ready() {
        check(&ready_route(None), StatusCode::OK).await;
    }

    #[tokio::test]
    async fn a_caller_is_ready_once_it_got_through_and_stays_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = ready_route(Some(address.to_string()));
        check(&routes, StatusCode::OK).await;
        drop(listener);
        check(&routes, StatusCode::OK).await;
    }

    #[tokio::test]
    async fn a_probe_is_answered_as_soon_as_the_callee_is_there() {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let routes = ready_route(Some(address.to_string()));
        let probe = tokio::spawn(async move { check(&routes, StatusCode::OK).await });
        tokio::task::yield_now().await;
        assert!(!probe.is_finished(), "nobody listens yet");
        let _listener = TcpListener::bind(address).await.unwrap();
        probe.await.unwrap();
    }
}
