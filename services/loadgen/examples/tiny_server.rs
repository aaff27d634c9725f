//! The smallest server there can be: answers everything with 200, on one thread. For measurements.
//!
//! ```text
//! tiny_server [STALL_MS PERIOD_MS]        stalls for so long at the end of every period
//! ```
//!
//! It prints its address.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};

const LISTENER: u64 = 0;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"success\":true}";

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse().map(Duration::from_millis));
    let (stall, period) =
        (args.next().transpose()?.unwrap_or_default(), args.next().transpose()?.unwrap_or(Duration::MAX));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // The standard library's 128 connections that may wait to be accepted are few for a server that stalls.
    rustix::net::listen(&listener, 4_096)?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?);
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    watch(&epoll, &listener, LISTENER)?;
    let (mut connections, mut next, mut events) =
        (HashMap::<u64, TcpStream>::new(), LISTENER + 1, Vec::with_capacity(256));
    let mut stalls_at = Instant::now().checked_add(period.saturating_sub(stall));
    loop {
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        if stalls_at.is_some_and(|at| at <= Instant::now()) {
            thread::sleep(stall.saturating_sub(stalls_at.map_or(Duration::ZERO, |at| at.elapsed())));
            stalls_at = stalls_at.and_then(|at| at.checked_add(period));
        }
        for event in events.drain(..) {
            let event: epoll::Event = event;
            match event.data.u64() {
                LISTENER => {
                    while let Ok((connection, _)) = listener.accept() {
                        connection.set_nonblocking(true)?;
                        connection.set_nodelay(true)?;
                        watch(&epoll, &connection, next)?;
                        connections.insert(next, connection);
                        next += 1;
                    }
                }
                token => {
                    if connections.get_mut(&token).is_some_and(|connection| !answer(connection)) {
                        connections.remove(&token);
                    }
                }
            }
        }
    }
}

/// Answers what has come in; gives whether the connection goes on. A request is taken to come in one piece.
fn answer(connection: &mut TcpStream) -> bool {
    let mut bytes = [0; 4_096];
    match connection.read(&mut bytes) {
        Ok(0) => false,
        Ok(length) if bytes[..length].ends_with(b"\r\n\r\n") => connection.write_all(ANSWER).is_ok(),
        Ok(_) => false,
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    }
}

fn watch(epoll: impl AsFd, socket: impl AsFd, token: u64) -> io::Result<()> {
    Ok(epoll::add(epoll, socket, EventData::new_u64(token), EventFlags::IN)?)
}
