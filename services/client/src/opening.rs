//! The opening of a connection for a request.
//!
//! Whoever gives an attempt up while its connection is being opened has counted an attempt that its backend never hears
//! of. So the opening goes on by itself: the request is sent, and then the connection is closed.

use std::{
    future::{Future, ready},
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Empty;
use tokio::{runtime::Handle, time::timeout};

use crate::{addresses::Addresses, connection::Connection};

/// How long the opening of a connection goes on after it was given up: enough for a SYN that was lost and is sent again
/// after a second.
const SEEN_OUT_WITHIN: Duration = Duration::from_secs(2);

type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>;

/// A connection that is being opened for a request.
pub struct Opening {
    connecting: Connecting,
    /// `None`: it is open, or could not be opened.
    request: Option<Request<Empty<Bytes>>>,
}

impl Opening {
    /// A connection to one of these addresses, for this request.
    pub fn new(addresses: Arc<Addresses>, request: Request<Empty<Bytes>>) -> Self {
        let connecting = async move { Connection::over(addresses.connect().await?).await };
        Self { connecting: Box::pin(connecting), request: Some(request) }
    }
}

impl Future for Opening {
    type Output = io::Result<(Connection, Request<Empty<Bytes>>)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let opened = ready!(self.connecting.as_mut().poll(context));
        let request = self.request.take().unwrap_or_default();
        Poll::Ready(opened.map(|connection| (connection, request)))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // Without a runtime the process is ending.
        let (Some(request), Ok(runtime)) = (self.request.take(), Handle::try_current()) else { return };
        let connecting = mem::replace(&mut self.connecting, Box::pin(ready(Err(io::ErrorKind::NotConnected.into()))));
        runtime.spawn(timeout(SEEN_OUT_WITHIN, async move {
            if let Ok(mut connection) = connecting.await {
                connection.send(request);
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Read};

    use tokio::{net::TcpListener, task::spawn_blocking};

    use super::*;

    #[tokio::test]
    async fn who_is_given_up_before_the_connection_is_open_is_heard_of_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Arc::new(Addresses::new(listener.local_addr().unwrap().to_string()));
        let mut opening = Opening::new(addresses, Request::new(Empty::new()));
        let begun = poll_fn(|context| Poll::Ready(Pin::new(&mut opening).poll(context).is_pending()));
        assert!(begun.await, "it is not open at once");
        drop(opening);
        let (stream, _) = timeout(Duration::from_secs(2), listener.accept()).await.expect("it opens").unwrap();
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let mut heard = String::new();
        let to_the_end = spawn_blocking(move || stream.read_to_string(&mut heard).map(|_| heard));
        assert_eq!(to_the_end.await.unwrap().unwrap().trim_end(), "GET / HTTP/1.1");
    }
}
