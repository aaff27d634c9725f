//! What a pod has to itself in a cluster, and here too: a port, a tokio runtime and threads. So one service never waits
//! for another's tasks, and it is the operating system that shares out the cores, as it would between processes.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::oneshot,
};

/// The operating system chooses the port.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Something that serves on a port of its own until it is dropped. Then nothing of it is left: no thread, no socket.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts it. `serve` is called in the runtime, with the listener.
    ///
    /// # Errors
    /// When the operating system has no port or no thread left, or `serve` fails.
    pub fn start<F>(
        name: &str,
        threads: usize,
        serve: impl FnOnce(TcpListener) -> anyhow::Result<F> + Send + 'static,
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = io::Result<()>>,
    {
        let ((end, ended), (started, start)) = (oneshot::channel(), mpsc::channel());
        let runtime = runtime(name, threads).with_context(|| format!("cannot start {name}"))?;
        let body = move || {
            runtime.block_on(async {
                match begin(serve) {
                    Ok((address, serving)) => {
                        started.send(Ok(address)).ok();
                        tokio::select! {
                            served = serving => if let Err(e) = served { tracing::error!("serving has ended: {e}") },
                            _ = ended => {}
                        }
                    }
                    Err(e) => drop(started.send(Err(e))),
                }
            });
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
        let thread = thread.with_context(|| format!("cannot start {name}"))?;
        let address = start.recv().map_err(Into::into).flatten().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { address, end: Some(end), thread: Some(thread) })
    }

    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Whatever is still under way is cut off: its results have been asked for.
impl Drop for Host {
    fn drop(&mut self) {
        drop(self.end.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(address = %self.address, "a service had panicked");
        }
    }
}

fn runtime(name: &str, threads: usize) -> io::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.thread_name(name).enable_all().build()
}

fn begin<F>(serve: impl FnOnce(TcpListener) -> anyhow::Result<F>) -> anyhow::Result<(SocketAddr, F)> {
    let listener = retrylab_runtime::listen(LOOPBACK).context("there is no port to be had on 127.0.0.1")?;
    let address = listener.local_addr()?;
    Ok((address, serve(listener)?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use anyhow::bail;

    use super::*;

    fn start(threads: usize) -> Host {
        Host::start("test", threads, |listener| {
            Ok(async move {
                loop {
                    drop(listener.accept().await?);
                }
            })
        })
        .unwrap()
    }

    #[test]
    fn a_host_serves_until_it_is_dropped_and_leaves_no_port_behind() {
        for threads in [1, 2] {
            let host = start(threads);
            let address = host.address();
            assert!(address.ip().is_loopback());
            TcpStream::connect(address).unwrap();
            drop(host);
            TcpStream::connect(address).unwrap_err();
        }
    }

    #[test]
    fn hosts_never_share_a_port() {
        let (one, another) = (start(1), start(1));
        assert_ne!(one.address(), another.address());
    }

    #[test]
    fn what_cannot_start_says_why() {
        let refused = Host::start("backend-0", 1, |_| -> anyhow::Result<std::future::Pending<_>> { bail!("no timer") });
        assert_eq!(format!("{:#}", refused.unwrap_err()), "cannot start backend-0: no timer");
    }
}
