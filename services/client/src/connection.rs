//! One connection to the backend, driven by the request that uses it: no task of its own, so no hand-over between tasks
//! on the hot path, and a request that is dropped closes its connection, which the backend then sees.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use axum::http::{Request, header::RETRY_AFTER};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use retrylab_core::policy::Pushback;
use tokio::net::TcpStream;

/// Most of an answer's body that is read.
const MAX_BODY_BYTES: usize = 64 * 1_024;

/// A connection; between two requests, idle.
pub struct Connection {
    requests: SendRequest<Empty<Bytes>>,
    io: Pin<Box<http1::Connection<TokioIo<TcpStream>, Empty<Bytes>>>>,
    /// The connection has ended; `io` must not be polled again.
    ended: bool,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What its `Retry-After` says.
    pub pushback: Option<Pushback>,
    /// Its body; `None` when it was too long to be read.
    pub body: Option<Bytes>,
}

impl Connection {
    /// A connection over a stream that nobody has used.
    ///
    /// # Errors
    /// When the stream has broken already.
    pub async fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (requests, io) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        Ok(Self { requests, io: Box::pin(io), ended: false })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks before the answer is whole.
    pub async fn exchange(&mut self, request: Request<Empty<Bytes>>) -> io::Result<Answer> {
        let response = self.requests.send_request(request);
        let response = self.drive(response).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let pushback = retry_after.and_then(|value| Pushback::of_header(status, value));
        let body = self.drive(Limited::new(response.into_body(), MAX_BODY_BYTES).collect()).await;
        match body {
            Ok(whole) => Ok(Answer { status, pushback, body: Some(whole.to_bytes()) }),
            Err(e) if e.is::<LengthLimitError>() => Ok(Answer { status, pushback, body: None }),
            Err(e) => Err(io::Error::other(e)),
        }
    }

    /// Sends a request whose answer nobody waits for, on a connection that nobody has used. A request is shorter than any
    /// send buffer, so one turn of the connection hands it to the kernel whole.
    pub fn send(&mut self, request: Request<Empty<Bytes>>) {
        let response = self.requests.send_request(request);
        self.poll_io(&mut Context::from_waker(Waker::noop()));
        drop(response);
    }

    /// Whether another request may be sent on it: the last answer was read to its end, and as far as is known the backend
    /// has not closed it.
    pub fn is_usable(&mut self) -> bool {
        self.poll_io(&mut Context::from_waker(Waker::noop()));
        !self.ended && self.requests.is_ready()
    }

    /// Does `work`, which waits for nothing but this connection; when the connection ends, it fails.
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            // Nobody but the connection wakes the work, and it is polled right after the connection: it needs no waker.
            let mut unwoken = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = work.as_mut().poll(&mut unwoken) {
                return Poll::Ready(done);
            }
            self.poll_io(context);
            work.as_mut().poll(&mut unwoken)
        })
        .await
    }

    fn poll_io(&mut self, context: &mut Context<'_>) {
        if !self.ended {
            self.ended = self.io.as_mut().poll(context).is_ready();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("ended", &self.ended).finish_non_exhaustive()
    }
}
