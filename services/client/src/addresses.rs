//! The backend's addresses. A storm opens many connections at once; without this each of them would ask the name server.
//!
//! What is known is had without waiting, so that an attempt's SYN is on its way in the attempt's first turn. Behind a lock that
//! tasks queue for, each would need a turn to be given the lock and the next one waits for that: on a busy machine, where a
//! turn takes long, attempts were given up before they had called anybody.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, sync::Mutex};

/// For how long a name is not looked up again.
const TTL: Duration = Duration::from_secs(5);

/// A name with its addresses.
#[derive(Debug)]
pub struct Addresses {
    /// `host:port`.
    name: String,
    known: RwLock<Option<Known>>,
    /// Held during a look-up, so that there is one at a time and the others get its result.
    look_up: Mutex<()>,
}

#[derive(Debug)]
struct Known {
    /// When it was looked up; `None`: the name is an address, which holds for ever.
    since: Option<Instant>,
    addresses: Arc<[SocketAddr]>,
}

impl Known {
    fn holds(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed() < TTL)
    }
}

impl Addresses {
    /// The addresses of `host:port`; nothing is looked up yet.
    pub fn new(name: String) -> Self {
        let itself = name.parse().ok().map(|address: SocketAddr| Known { since: None, addresses: Arc::new([address]) });
        Self { name, known: RwLock::new(itself), look_up: Mutex::default() }
    }

    /// Connects to the first address that takes the connection. When an address is known, the first poll calls it.
    ///
    /// # Errors
    /// When the name has no address or none of them takes it. Then the name is looked up again next time.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let addresses = match self.known() {
            Some(known) => known,
            None => self.look_up().await?,
        };
        let connected = TcpStream::connect(&*addresses).await;
        if connected.is_err() {
            self.forget();
        }
        connected
    }

    async fn look_up(&self) -> io::Result<Arc<[SocketAddr]>> {
        let _turn = self.look_up.lock().await;
        if let Some(known) = self.known() {
            return Ok(known); // by whoever had the turn before
        }
        let addresses: Arc<[SocketAddr]> = tokio::net::lookup_host(&self.name).await?.collect();
        let known = Known { since: Some(Instant::now()), addresses: Arc::clone(&addresses) };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(addresses)
    }

    fn known(&self) -> Option<Arc<[SocketAddr]>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| known.holds()).map(|known| Arc::clone(&known.addresses))
    }

    fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|known| known.since.is_some());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        pin::pin,
        task::Poll,
    };

    use tokio::{net::TcpListener, time::timeout};

    use super::*;

    /// A name, not an address, so that there is something to look up.
    fn localhost(port: u16) -> Addresses {
        Addresses::new(format!("localhost:{port}"))
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_many_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = localhost(listener.local_addr().unwrap().port());
        addresses.connect().await.unwrap();
        let first = addresses.known().unwrap();
        addresses.connect().await.unwrap();
        assert!(Arc::ptr_eq(&first, &addresses.known().unwrap()));
    }

    #[tokio::test]
    async fn after_a_failure_the_name_is_looked_up_again() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and gone again
        let addresses = localhost(nobody.port());
        addresses.look_up().await.unwrap();
        addresses.connect().await.unwrap_err();
        assert!(addresses.known().is_none());
    }

    #[tokio::test]
    async fn what_is_known_is_called_at_once_whoever_is_looking_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Addresses::new(listener.local_addr().unwrap().to_string());
        // Whoever has the turn is not run for a long time, as on a busy machine.
        let _turn = addresses.look_up.lock().await;
        let mut connecting = pin!(addresses.connect());
        let _answer = poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context))).await;
        timeout(Duration::from_secs(2), listener.accept()).await.expect("called in the first poll").unwrap();
    }
}
