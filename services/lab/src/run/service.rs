//! The pods of a role, and the one address at which whoever calls the role finds them.
//!
//! A Service in a cluster sends each connection to any of its pods. So it is here: where there are several, one thread
//! accepts the connections and hands each to a pod drawn at random. What comes over a connection goes straight to the pod,
//! through no proxy, and costs nothing more than with one pod.

use std::{io, net::SocketAddr};

use axum::{Router, serve::Listener};
use rand::RngExt;
use retrylab_core::Rng;
use retrylab_plan::{PodSeen, Role};
use retrylab_runtime::serve_on;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::host::Host;

/// A connection, out of the runtime that accepted it, and who is at its other end.
type Handed = (std::net::TcpStream, SocketAddr);

/// A role's pods, as long as it isn't dropped.
#[derive(Debug)]
pub struct Service {
    /// Where several pods are found as one. Dropped first.
    front: Option<Host>,
    pods: Vec<(PodSeen, Host)>,
}

impl Service {
    /// Starts as many pods, each with so many threads. `app` makes one in its runtime.
    ///
    /// # Errors
    /// When one of them can't be started.
    pub fn start(
        role: Role,
        replicas: usize,
        threads: usize,
        app: impl Fn() -> anyhow::Result<Router> + Clone + Send + 'static,
        rng: Rng,
    ) -> anyhow::Result<Self> {
        let (mut pods, mut doors) = (Vec::new(), Vec::new());
        for n in 0..replicas {
            let (door, handed) = unbounded_channel();
            let (name, app) = (format!("{}-{n}", role.as_str()), app.clone());
            let host = Host::start(&name, threads, move |listener| {
                let (app, handed) = (app()?, HandedOn { address: listener.local_addr()?, connections: handed });
                Ok(async move {
                    tokio::try_join!(
                        serve_on(listener, app.clone(), std::future::pending()),
                        serve_on(handed, app, std::future::pending())
                    )
                    .map(|_| ())
                })
            })?;
            pods.push((PodSeen { name, address: host.address().to_string() }, host));
            doors.push(door);
        }
        let spreads = replicas > 1;
        let front = spreads.then(|| Host::start(role.as_str(), 1, |listener| Ok(spread(listener, doors, rng))));
        Ok(Self { front: front.transpose()?, pods })
    }

    /// The pods.
    pub fn pods(&self) -> impl Iterator<Item = &PodSeen> {
        self.pods.iter().map(|(seen, _)| seen)
    }

    /// Where the role is called; `None`: it has no pod.
    pub fn address(&self) -> Option<SocketAddr> {
        self.front.as_ref().or(self.pods.first().map(|(_, host)| host)).map(Host::address)
    }
}

/// Hands every connection to one of the doors.
async fn spread(mut listener: TcpListener, doors: Vec<UnboundedSender<Handed>>, mut rng: Rng) -> io::Result<()> {
    loop {
        let (stream, peer) = Listener::accept(&mut listener).await;
        if let (Ok(stream), Some(door)) = (stream.into_std(), doors.get(rng.random_range(0..doors.len()))) {
            // A pod that has gone hangs up.
            door.send((stream, peer)).ok();
        }
    }
}

/// The connections that a pod is handed.
struct HandedOn {
    address: SocketAddr,
    connections: UnboundedReceiver<Handed>,
}

impl Listener for HandedOn {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.connections.recv().await {
                Some((stream, peer)) => match TcpStream::from_std(stream) {
                    Ok(stream) => return (stream, peer),
                    Err(e) => tracing::warn!("a connection is lost: {e}"),
                },
                None => std::future::pending().await, // there is no front, or none any more
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::{extract::State, routing::get};
    use retrylab_core::rng;

    use super::*;

    /// Opens connections to a service whose pods say who they are; gives how many each pod got.
    async fn check(replicas: usize, connections: u32) -> BTreeMap<String, u32> {
        let app = || {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            Ok(Router::new().route("/who", get(|State(name): State<String>| async { name })).with_state(name))
        };
        let service = Service::start(Role::Backend, replicas, 1, app, rng(42, 0)).unwrap();
        let (url, mut got) = (format!("http://{}/who", service.address().unwrap()), BTreeMap::new());
        for _ in 0..connections {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let name = client.get(&url).send().await.unwrap().text().await.unwrap();
            *got.entry(name).or_default() += 1;
        }
        got
    }

    #[tokio::test]
    async fn one_pod_gets_everything() {
        assert_eq!(check(1, 5).await, BTreeMap::from([("backend-0".to_owned(), 5)]));
    }

    /// Binomial: 60 connections at 1/3 each are 20 ± 3.65; five standard deviations are 2 to 38.
    #[tokio::test]
    async fn connections_are_spread_over_the_pods_and_served_by_them() {
        let got = check(3, 60).await;
        assert_eq!(got.keys().collect::<Vec<_>>(), ["backend-0", "backend-1", "backend-2"]);
        assert_eq!(got.values().sum::<u32>(), 60);
        assert!(got.values().all(|n| (2..=38).contains(n)), "{got:?}");
    }

    #[tokio::test]
    async fn requests_on_one_connection_stay_with_one_pod() {
        let app = || {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            Ok(Router::new().route("/who", get(|State(name): State<String>| async { name })).with_state(name))
        };
        let service = Service::start(Role::Backend, 3, 1, app, rng(42, 0)).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..10 {
            let answer = client.get(format!("http://{}/who", service.address().unwrap())).send().await.unwrap();
            names.insert(answer.text().await.unwrap());
        }
        assert_eq!(names.len(), 1, "{names:?}");
    }
}
