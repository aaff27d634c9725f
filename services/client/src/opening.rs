//! The opening of a connection for a request.
//!
//! Whoever gives an attempt up while its connection is being opened has counted an attempt that its backend never hears
//! of. So the opening goes on by itself: the request is sent, and then the connection is closed. Until then the run is not
//! over: the attempt is still to come to the backend's books.

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

use crate::{
    addresses::Addresses,
    books::{Books, SeenOut},
    connection::Connection,
};

/// How long the opening of a connection goes on after it was given up: enough for SYNs that were lost and are sent again, and
/// for a process that is kept from running, and within what the operator lets a run be late.
const SEEN_OUT_WITHIN: Duration = Duration::from_secs(20);

type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>;

/// A connection that is being opened for a request.
pub struct Opening {
    connecting: Connecting,
    /// `None`: it is open, or could not be opened.
    request: Option<Request<Empty<Bytes>>>,
    /// Of the run that the request belongs to.
    books: Option<Arc<Books>>,
}

impl Opening {
    /// A connection to one of these addresses, for this request, an attempt of the run with these books.
    pub fn new(addresses: Arc<Addresses>, request: Request<Empty<Bytes>>, books: Option<Arc<Books>>) -> Self {
        let connecting = async move { Connection::over(addresses.connect().await?).await };
        Self { connecting: Box::pin(connecting), request: Some(request), books }
    }
}

impl Future for Opening {
    type Output = io::Result<(Connection, Request<Empty<Bytes>>)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let opened = ready!(self.connecting.as_mut().poll(context));
        let request = self.request.take().unwrap_or_default();
        if let (Err(e), Some(books)) = (&opened, &self.books) {
            books.unsent(|| e.to_string());
        }
        Poll::Ready(opened.map(|connection| (connection, request)))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // Without a runtime the process is ending.
        let (Some(request), Ok(runtime)) = (self.request.take(), Handle::try_current()) else { return };
        let connecting = mem::replace(&mut self.connecting, Box::pin(ready(Err(io::ErrorKind::NotConnected.into()))));
        let books = self.books.take();
        let under_way = books.clone().map(SeenOut::begin);
        runtime.spawn(async move {
            let opened = timeout(SEEN_OUT_WITHIN, connecting).await.unwrap_or_else(|e| Err(e.into()));
            match (opened, books) {
                (Ok(mut connection), _) => connection.send(request),
                (Err(e), Some(books)) => books.unsent(|| e.to_string()),
                (Err(_), None) => {}
            }
            drop(under_way);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Read};

    use retrylab_core::{
        policy::StrategyName,
        wire::{ClientPlan, StrategySetting, Unsent},
    };
    use retrylab_runtime::RunClock;
    use tokio::{net::TcpListener, task::spawn_blocking};

    use super::*;

    /// Books in which no request is under way.
    fn some_books() -> Arc<Books> {
        let strategy = StrategySetting::preset(StrategyName::None);
        let plan = ClientPlan { seed: 1, duration_ms: 1_000, strategy, timeout_ms: 1_000 };
        Arc::new(Books::new("run", &plan, RunClock::starting_in(0)))
    }

    #[tokio::test]
    async fn who_is_given_up_before_the_connection_is_open_is_heard_of_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Arc::new(Addresses::new(listener.local_addr().unwrap().to_string()));
        let books = some_books();
        let mut opening = Opening::new(addresses, Request::new(Empty::new()), Some(Arc::clone(&books)));
        let begun = poll_fn(|context| Poll::Ready(Pin::new(&mut opening).poll(context).is_pending()));
        assert!(begun.await, "it is not open at once");
        drop(opening);
        assert!(!books.is_idle(), "the backend has not heard of it yet");
        let (stream, _) = timeout(Duration::from_secs(2), listener.accept()).await.expect("it opens").unwrap();
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let mut heard = String::new();
        let to_the_end = spawn_blocking(move || stream.read_to_string(&mut heard).map(|_| heard));
        assert_eq!(to_the_end.await.unwrap().unwrap().trim_end(), "GET / HTTP/1.1");
        assert!(books.is_idle());
        assert_eq!(books.results().unsent, None);
    }

    /// Waited for, and given up at once.
    #[tokio::test]
    async fn who_gets_no_connection_is_noted_with_the_reason() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and gone again
        let addresses = Arc::new(Addresses::new(nobody.to_string()));
        let books = some_books();
        let opening = || Opening::new(Arc::clone(&addresses), Request::new(Empty::new()), Some(Arc::clone(&books)));
        opening().await.unwrap_err();
        drop(opening());
        timeout(Duration::from_secs(2), async {
            while !books.is_idle() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        let Unsent { attempts, why } = books.results().unsent.unwrap();
        assert_eq!((attempts, why.contains("refused")), (2, true), "{why}");
    }
}
