//! `kubectl port-forward`.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{Http, SOON};

/// A port-forward, for as long as this lives.
pub struct PortForward {
    pub http: Http,
    _child: Child,
}

impl PortForward {
    /// Forwards a local port that is free to an object's port.
    pub async fn new(namespace: &str, object: &str, remote: u16) -> Self {
        let ports = format!(":{remote}");
        let mut command = Command::new("kubectl");
        command.args(["port-forward", "--namespace", namespace, object, &ports]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(SOON, lines.next_line()).await.expect("kubectl port-forward said nothing").unwrap();
        let line = line.unwrap_or_else(|| panic!("there is no way to {object}"));
        // Forwarding from 127.0.0.1:40123 -> 8000
        let port = line.split(' ').nth(2).and_then(|address| address.rsplit(':').next()?.parse::<u16>().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        let http = Http::new(&format!("http://127.0.0.1:{port}"));
        // It says a line for each connection, and must not be stopped by a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { http, _child: child }
    }
}
