//! Who is at the other end of a connection, and a way to cut it: a handler that can't answer, as if the process had died,
//! lets the peer see a reset instead of an answer.
//!
//! A peer may hang up right after its request, and hyper drops a handler that it has not polled yet when it reads the end
//! together with the request, so that nobody would ever hear of it. What has been sent has been received: the end is read
//! one turn of the connection later than what came before it.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The other end of a request's connection; to be had as `ConnectInfo<Peer>`.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
}

impl Peer {
    /// A peer without a connection that could be cut: a request of this process's own.
    pub fn at(address: SocketAddr) -> Self {
        Self { address, is_cut: Arc::default() }
    }

    /// Its IP address; IPv4's are not shown as IPv6's.
    pub fn ip(&self) -> IpAddr {
        self.address.ip().to_canonical()
    }

    /// Cuts the connection: the peer gets an RST. To be awaited by the handler of a request on it, which ends with it.
    pub async fn cut(&self) -> Infallible {
        self.is_cut.store(true, Ordering::Release);
        poll_fn(|context| {
            // The handler runs in the connection's task, which looks at the connection whenever it is woken.
            context.waker().wake_by_ref();
            Poll::Ready(())
        })
        .await;
        std::future::pending().await
    }
}

/// Accepts connections that can be cut, from wherever they come.
#[derive(Debug)]
pub struct Doors<L>(pub L);

impl<L: Listener<Io = TcpStream, Addr = SocketAddr>> Listener for Doors<L> {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = self.0.accept().await;
        // Without it small answers wait for the peer's delayed acknowledgement.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {e}");
        }
        (Connection { stream, is_cut: Arc::default(), has_news: false }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl<L: Listener<Io = TcpStream, Addr = SocketAddr>> Connected<IncomingStream<'_, Doors<L>>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Doors<L>>) -> Self {
        Self { address: *stream.remote_addr(), is_cut: Arc::clone(&stream.io().is_cut) }
    }
}

/// A connection that breaks once it is cut, for whoever reads or writes next.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    is_cut: Arc<AtomicBool>,
    /// Something has been read since its task was last made to wait for the end.
    has_news: bool,
}

impl Connection {
    /// The stream, unless it is cut. What is closed with data that lingers for no time is closed with an RST.
    fn whole(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        let connection = self.get_mut();
        if connection.is_cut.load(Ordering::Acquire) {
            connection.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(Pin::new(&mut connection.stream))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let already = buffer.filled().len();
        let read = self.as_mut().whole()?.poll_read(context, buffer);
        if buffer.filled().len() > already {
            self.has_news = true;
        } else if read.is_ready() && self.has_news {
            // The end, or that it broke, which the stream will say again: first the handlers have their turn.
            self.has_news = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.whole()?.poll_write(context, data)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.whole()?.poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
