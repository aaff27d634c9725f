//! One connection to the target: opened, written and read without ever waiting.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt},
};

use super::{agenda::Due, clock::Nanos};
use crate::http::{Answer, AnswerReader, Progress};

/// Most pieces of an answer that are read before it is somebody else's turn.
const MAX_READS: usize = 16;

/// What a connection is doing.
#[derive(Debug)]
pub enum Phase {
    /// It is being opened.
    Opening,
    /// Nothing, since then.
    Idle(Nanos),
    /// It carries this request.
    Busy(Due),
}

/// How far an answer has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// There is more to come; the poller will say so.
    More,
    /// There is more already, but others want their turn.
    Again,
    /// To its end.
    Whole(Answer),
    /// It never will: the connection broke, or what came is no answer.
    Broken,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    reader: AnswerReader,
    /// What is left of a request that the socket had no room for; nearly always empty.
    unsent: Vec<u8>,
    /// What it is doing.
    pub phase: Phase,
}

impl Connection {
    /// Begins to open a connection; the poller says when it stands.
    ///
    /// # Errors
    /// When the operating system knows at once that it can't be opened.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        // Without it a request could wait for the acknowledgement of the one before.
        sockopt::set_tcp_nodelay(&socket, true)?;
        // Closed at once and without TIME_WAIT: thousands of connections of one run would take the ports of the next.
        sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(Self {
            socket: TcpStream::from(socket),
            reader: AnswerReader::default(),
            unsent: Vec::new(),
            phase: Phase::Opening,
        })
    }

    /// Whether it could be opened, once the poller says that this is decided.
    ///
    /// # Errors
    /// Says why it could not.
    pub fn opened(&self) -> io::Result<()> {
        self.socket.take_error()?.map_or(Ok(()), Err)
    }

    /// Whether an idle connection can still carry a request: the peer has not closed it, as far as is known here.
    pub fn is_usable(&self) -> bool {
        matches!(self.socket.peek(&mut [0]), Err(e) if e.kind() == ErrorKind::WouldBlock)
    }

    /// Begins to write a request; gives whether any of it was written. If not, it can be sent on another connection.
    pub fn write(&mut self, request: &[u8]) -> bool {
        match self.socket.write(request) {
            Ok(0) | Err(_) => false,
            Ok(written) => {
                self.unsent.extend_from_slice(&request[written..]);
                true
            }
        }
    }

    /// Writes what is left of the request. An error shows when the answer is read.
    pub fn write_on(&mut self) {
        if !self.unsent.is_empty()
            && let Ok(written) = self.socket.write(&self.unsent)
        {
            self.unsent.drain(..written);
        }
    }

    /// Reads what has come of the answer, into `scratch`, which is then forgotten. `closing`: the peer sends no more.
    pub fn read(&mut self, scratch: &mut [u8], closing: bool) -> Received {
        for _ in 0..MAX_READS {
            let bytes = match self.socket.read(scratch) {
                Ok(0) => return self.reader.end().map_or(Received::Broken, Received::Whole),
                Ok(length) => &scratch[..length],
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Received::More,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Received::Broken,
            };
            let is_all = bytes.len() < scratch.len();
            match self.reader.read(bytes) {
                Ok(Progress::Whole(answer)) => {
                    // Not if more has come already, or if the request wasn't even needed to the end.
                    let reusable = answer.reusable && is_all && !closing && self.unsent.is_empty();
                    return Received::Whole(Answer { reusable, ..answer });
                }
                Ok(Progress::More) if is_all && !closing => return Received::More,
                Ok(Progress::More) => {}
                Err(_) => return Received::Broken,
            }
        }
        Received::Again
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
