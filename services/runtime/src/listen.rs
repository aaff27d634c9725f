//! Listening: on IPv6 and IPv4 by one socket, and with room for a storm.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use rustix::{io::Errno, net::sockopt::set_ipv6_v6only};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted. A burst opens thousands at one instant; beyond tokio's 128 they would be
/// dropped and come again after a second.
const BACKLOG: u32 = 4_096;

/// A listener on `addr` with room for as many connections as a storm opens at one instant. `[::]` stands for every address of
/// this machine, and is `0.0.0.0` where the kernel has no IPv6.
///
/// # Errors
/// When the address can't be bound.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    everywhere(addr, open)
}

/// Opens the address; where there is no IPv6 to have every address of, every one of IPv4.
fn everywhere<T>(addr: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    match open(addr) {
        Err(e) if addr.is_ipv6() && addr.ip().is_unspecified() && lacks_ipv6(&e) => {
            open((Ipv4Addr::UNSPECIFIED, addr.port()).into())
        }
        opened => opened,
    }
}

fn lacks_ipv6(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

fn open(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if addr.is_ipv6() {
        set_ipv6_v6only(&socket, false)?; // which may be otherwise by default: net.ipv6.bindv6only
    }
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, net::Ipv6Addr};

    use tokio::net::TcpStream;

    use super::*;
    use crate::Peer;

    #[tokio::test]
    async fn one_socket_takes_callers_of_both_families_and_the_guard_sees_loopback_as_loopback() {
        let listener = listen((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let callers: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
        for address in callers {
            let (caller, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (caller, (_, peer)) = (caller.unwrap(), accepted.unwrap());
            assert_eq!(Peer::at(peer).ip(), caller.local_addr().unwrap().ip());
            assert!(Peer::at(peer).ip().is_loopback(), "{peer}");
        }
    }

    /// What is opened when the first opening fails, if it does.
    fn check(addr: &str, failure: Option<Errno>, expected: &[&str]) {
        let tried = RefCell::new(Vec::new());
        let outcome = everywhere(addr.parse().unwrap(), |addr| {
            tried.borrow_mut().push(addr.to_string());
            match failure {
                Some(errno) if tried.borrow().len() == 1 => Err(errno.into()),
                _ => Ok(()),
            }
        });
        assert_eq!(tried.into_inner(), expected, "{addr} {failure:?}");
        assert_eq!(outcome.is_err(), failure.is_some() && expected.len() == 1);
    }

    #[test]
    fn without_ipv6_every_address_is_every_one_of_ipv4_and_nothing_else_is_taken_for_another() {
        for lack in [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL] {
            check("[::]:8000", Some(lack), &["[::]:8000", "0.0.0.0:8000"]);
            check("[::1]:8000", Some(lack), &["[::1]:8000"]);
            check("0.0.0.0:8000", Some(lack), &["0.0.0.0:8000"]);
        }
        check("[::]:8000", None, &["[::]:8000"]);
        check("[::]:8000", Some(Errno::ADDRINUSE), &["[::]:8000"]);
        check("[::]:80", Some(Errno::ACCESS), &["[::]:80"]);
    }
}
