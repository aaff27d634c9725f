//! A client of the test's own, called without a socket, and something on a socket for it to call.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, header::AUTHORIZATION},
};
use http_body_util::BodyExt;
use retrylab_client::Config;
use retrylab_core::wire::{BackendResults, ClientResults, RunReport};
use retrylab_runtime::{Peer, Spans, serve_on};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt;

/// A caller from elsewhere in the cluster.
pub const FAR: &str = "10.1.2.3:4000";
/// A port-forward.
pub const NEAR: &str = "127.0.0.1:4000";

/// A service under test, client or backend.
#[derive(Clone)]
pub struct Service(pub Router);

/// A server on a port of its own, until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    _task: JoinSet<()>,
}

pub async fn serve(router: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move { serve_on(listener, router, std::future::pending()).await.unwrap() });
    Server { address, _task: task }
}

/// A client of whatever is at `address`.
pub fn client_of(address: SocketAddr, settle: impl FnOnce(&mut Config)) -> Service {
    let mut config = Config::new(format!("http://{address}").parse().unwrap());
    settle(&mut config);
    Service(retrylab_client::app(config, Spans::default()).unwrap())
}

/// A client of nobody.
pub fn lonely(settle: impl FnOnce(&mut Config)) -> Service {
    client_of("127.0.0.1:9".parse().unwrap(), settle)
}

/// A client and a backend that takes `service_ms` for each of 64 requests at one time.
pub async fn pair(service_ms: u64) -> (Service, Service, Server) {
    let config =
        retrylab_backend::Config { service_time_us: service_ms * 1_000, ..retrylab_backend::Config::default() };
    let backend = Service(retrylab_backend::app(config, Spans::default()).unwrap());
    let server = serve(backend.0.clone()).await;
    (client_of(server.address, |_| {}), backend, server)
}

impl Service {
    pub async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(request("GET", path, NEAR, None, "")).await.1
    }

    pub async fn admin(&self, method: &str, path: &str, body: impl ToString) -> (u16, Value) {
        self.send(request(method, path, NEAR, None, &body.to_string())).await
    }

    pub async fn put_strategy(&self, body: Value) {
        assert_eq!(self.admin("POST", "/admin/strategy", body).await.0, 200);
    }

    pub async fn process(&self) -> (u16, Value) {
        self.send(request("GET", "/process", FAR, None, "")).await
    }

    /// Hands run r over to start now.
    pub async fn hand_over(&self, plan: Value) {
        let (status, answer) = self.admin("PUT", "/admin/runs/r", json!({"starts_in_ms": 0, "plan": plan})).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub async fn client_report(&self) -> RunReport<ClientResults> {
        serde_json::from_value(self.get("/admin/runs/r").await).unwrap()
    }

    pub async fn backend_report(&self) -> RunReport<BackendResults> {
        serde_json::from_value(self.get("/admin/runs/r").await).unwrap()
    }

    pub async fn metric(&self, line_start: &str) -> Option<f64> {
        let text = self.get("/metrics").await;
        let line = text.as_str().unwrap().lines().find(|line| line.starts_with(line_start))?.to_owned();
        line.rsplit(' ').next()?.parse().ok()
    }
}

/// The plan of a run under a policy.
pub fn plan(strategy: &str, policy: &Value, timeout_ms: u64) -> Value {
    json!({"seed": 7, "duration_ms": 60_000, "timeout_ms": timeout_ms,
           "strategy": {"strategy": strategy, "policy": policy}})
}

/// A policy of `max_attempts` with a fixed delay.
pub fn fixed(max_attempts: u32, delay_ms: u64) -> Value {
    json!({"max_attempts": max_attempts, "delay": {"law": "fixed", "delay_ms": delay_ms}})
}

pub fn request(method: &str, path: &str, peer: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(ConnectInfo(Peer::at(peer.parse().unwrap())));
    if let Some(token) = token {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    request
}

/// Request `serial` of run `run`, meant to arrive `offset_ms` after its start.
pub fn of_run(run: &str, offset_ms: u64, serial: u64) -> Request<Body> {
    let mut request = request("GET", "/process", FAR, None, "");
    request.headers_mut().insert("x-retrylab-run", format!("{run};{};{serial}", offset_ms * 1_000).parse().unwrap());
    request
}

/// Waits until something is so; a test that waits for more than 2 s has failed.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("waited in vain until {what}");
}
