//! Binding, serving and ending: the whole of a binary's I/O.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::{SignalKind, signal},
};

/// How long requests may go on after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// Connections that may wait to be accepted. A burst opens thousands at one instant; beyond tokio's 128 they would be
/// dropped and come again after a second.
const BACKLOG: u32 = 4_096;

/// Serves `app` on `addr` until SIGTERM or SIGINT, then ends within three seconds.
///
/// # Errors
/// When the address can't be bound or a signal handler can't be set.
pub async fn serve(addr: SocketAddr, app: Router) -> io::Result<()> {
    crate::raised_descriptor_limit();
    let listener = listen(addr)?.tap_io(|stream| {
        // Without it small answers wait for the peer's delayed acknowledgement.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {e}");
        }
    });
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    tracing::info!(%addr, "serving");
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(end.await) });
    let server = tokio::spawn(server.into_future());
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("ending");
    drop(ended);
    match tokio::time::timeout(GRACE, server).await {
        Ok(Ok(result)) => result,
        Ok(Err(e)) => Err(io::Error::other(e)),
        Err(_) => Ok(()),
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}
