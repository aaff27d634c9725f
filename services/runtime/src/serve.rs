//! Binding, serving and ending: the whole of a binary's I/O.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::{Router, serve::Listener};
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
};

use crate::{
    listen,
    peer::{Doors, Peer},
};

/// How long requests may go on after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// Serves `app` on `addr` until SIGTERM or SIGINT, then ends within three seconds.
///
/// # Errors
/// When the address can't be bound or a signal handler can't be set.
pub async fn serve(addr: SocketAddr, app: Router) -> io::Result<()> {
    crate::raised_descriptor_limit();
    let listener = listen(addr)?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    tracing::info!(addr = %listener.local_addr()?, "serving");
    let server = serve_on(listener, app, async { drop(end.await) });
    let server = tokio::spawn(server);
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

/// Serves `app` on a listener until `end`, and then what is under way. Its handlers get a `ConnectInfo<Peer>`.
///
/// # Errors
/// When accepting fails for good.
pub async fn serve_on<L: Listener<Io = TcpStream, Addr = SocketAddr>>(
    listener: L,
    app: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = app.into_make_service_with_connect_info::<Peer>();
    axum::serve(Doors(listener), app).with_graceful_shutdown(end).await
}
