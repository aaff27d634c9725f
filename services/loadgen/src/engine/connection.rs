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

use retrylab_core::load::Due;

use super::clock::Nanos;
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
    /// Where it leads.
    pub address: SocketAddr,
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
            address,
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

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Instant};

    use super::*;

    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = Connection::open(listener.local_addr().unwrap()).unwrap();
        (connection, listener.accept().unwrap().0)
    }

    /// Waits until `condition` holds; what a peer does takes a moment.
    fn soon(mut condition: impl FnMut() -> bool) -> bool {
        let begun = Instant::now();
        loop {
            if condition() {
                return true;
            } else if begun.elapsed() > Duration::from_secs(5) {
                return false;
            }
        }
    }

    #[test]
    fn a_connection_is_usable_until_the_peer_closes_it_or_says_something() {
        let (connection, peer) = pair();
        assert!(soon(|| connection.is_usable()));
        drop(peer);
        assert!(soon(|| !connection.is_usable()));
        let (connection, mut peer) = pair();
        peer.write_all(b"x").unwrap();
        assert!(soon(|| !connection.is_usable()));
    }

    #[test]
    fn a_request_that_does_not_fit_is_written_on_when_there_is_room() {
        let (mut connection, mut peer) = pair();
        assert!(soon(|| connection.opened().is_ok() && connection.is_usable()));
        let request = vec![b'x'; 30_000_000];
        assert!(connection.write(&request) && !connection.unsent.is_empty());
        let reader = std::thread::spawn(move || io::copy(&mut peer, &mut io::sink()).unwrap());
        assert!(soon(|| {
            connection.write_on();
            connection.unsent.is_empty()
        }));
        connection.socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(reader.join().unwrap(), 30_000_000);
    }

    #[test]
    fn nothing_is_written_to_a_connection_that_is_broken() {
        let (mut connection, peer) = pair();
        sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
        drop(peer);
        assert!(soon(|| !connection.write(b"x")));
    }

    #[test]
    fn a_long_answer_is_read_in_turns() {
        let (mut connection, mut peer) = pair();
        let writer = std::thread::spawn(move || {
            peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").unwrap();
            peer.write_all(&vec![b'x'; 1_000_000]).unwrap();
        });
        writer.join().unwrap();
        let (mut scratch, mut turns) = ([0; 1_024], 0);
        assert!(soon(|| {
            turns += 1;
            matches!(connection.read(&mut scratch, false), Received::Whole(_))
        }));
        assert!(turns > 1_000_000 / 1_024 / MAX_READS, "{turns} turns");
    }
}
