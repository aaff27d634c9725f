//! A backend of the test's own, called without a socket.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, header::AUTHORIZATION},
};
use http_body_util::BodyExt;
use retrylab_backend::Config;
use retrylab_core::wire::{BackendResults, RunReport};
use retrylab_runtime::{Peer, Spans};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

/// A caller from elsewhere in the cluster.
pub const FAR: &str = "10.1.2.3:4000";
/// A port-forward.
pub const NEAR: &str = "127.0.0.1:4000";

#[derive(Clone)]
pub struct Backend(pub Router);

pub fn backend(config: Config) -> Backend {
    Backend(retrylab_backend::app(config, Spans::default()).unwrap())
}

/// One worker for `service_ms`, and a queue.
pub fn small(service_ms: u64, queue: u32) -> Backend {
    backend(Config { concurrency: 1, queue, service_time_us: service_ms * 1_000, ..Config::default() })
}

/// A backend that answers at once, where nothing is wrong.
pub fn quick() -> Backend {
    backend(Config { service_time_us: 0, ..Config::default() })
}

impl Backend {
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

    pub async fn fail(&self, body: Value) {
        assert_eq!(self.admin("POST", "/admin/fail", body).await.0, 200);
    }

    pub async fn process(&self) -> (u16, Value) {
        self.send(request("GET", "/process", FAR, None, "")).await
    }

    /// Attempt `attempt` of request `serial` of run r.
    pub async fn process_in_run(&self, serial: u64, attempt: u32) -> (u16, Value) {
        self.send(attempt_of_run("r", serial, attempt)).await
    }

    /// Hands run r over.
    pub async fn hand_over(&self, starts_in_ms: i64, duration_ms: u64, faults: Value) {
        let plan = json!({"seed": 7, "duration_ms": duration_ms, "faults": faults});
        let body = json!({"starts_in_ms": starts_in_ms, "plan": plan});
        let (status, answer) = self.admin("PUT", "/admin/runs/r", body).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub async fn report(&self) -> RunReport<BackendResults> {
        serde_json::from_value(self.get("/admin/runs/r").await).unwrap()
    }

    pub async fn metric(&self, line_start: &str) -> Option<f64> {
        let text = self.get("/metrics").await;
        let line = text.as_str().unwrap().lines().find(|line| line.starts_with(line_start))?.to_owned();
        line.rsplit(' ').next()?.parse().ok()
    }
}

/// A backend on a socket; it ends with the test's runtime.
pub async fn on_a_socket(backend: &Backend) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(retrylab_runtime::serve_on(listener, backend.0.clone(), std::future::pending()));
    address
}

/// One connection to a backend.
pub struct Caller(TcpStream);

impl Caller {
    pub async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends a request.
    pub async fn send(&mut self, path: &str, headers: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Sends attempt 1 of request `serial` of run r.
    pub async fn send_in_run(&mut self, serial: u64) {
        self.send("/process", &format!("x-retrylab-run: r;0;{serial}\r\nx-retrylab-attempt: 1\r\n")).await;
    }

    /// The status of the answer, or how the connection ended instead.
    pub async fn answer(&mut self) -> Result<u16, ErrorKind> {
        let mut head = [0; 1_024];
        match self.0.read(&mut head).await {
            Ok(0) => Err(ErrorKind::UnexpectedEof),
            Ok(_) => Ok(std::str::from_utf8(&head[9..12]).unwrap().parse().unwrap()),
            Err(e) => Err(e.kind()),
        }
    }

    /// Whether nothing comes for a while.
    pub async fn hears_nothing(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(40), self.answer()).await.is_err()
    }
}

pub fn request(method: &str, path: &str, peer: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(ConnectInfo(Peer::at(peer.parse().unwrap())));
    if let Some(token) = token {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    request
}

pub fn attempt_of_run(run: &str, serial: u64, attempt: u32) -> Request<Body> {
    let mut request = request("GET", "/process", FAR, None, "");
    request.headers_mut().insert("x-retrylab-run", format!("{run};0;{serial}").parse().unwrap());
    request.headers_mut().insert("x-retrylab-attempt", attempt.to_string().parse().unwrap());
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
