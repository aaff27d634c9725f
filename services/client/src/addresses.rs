//! The backend's addresses. A storm opens many connections at once; without this each of them would ask the name server.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
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
    /// Held during a look-up, so that there is one at a time and the others get its result.
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    since: Instant,
    addresses: Arc<[SocketAddr]>,
}

impl Addresses {
    /// The addresses of `host:port`; nothing is looked up yet.
    pub fn new(name: String) -> Self {
        Self { name, known: Mutex::default() }
    }

    /// Connects to the first address that takes the connection.
    ///
    /// # Errors
    /// When the name has no address or none of them takes it. Then the name is looked up again next time.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let addresses = self.look_up().await?;
        let connected = TcpStream::connect(&*addresses).await;
        if connected.is_err() {
            *self.known.lock().await = None;
        }
        connected
    }

    async fn look_up(&self) -> io::Result<Arc<[SocketAddr]>> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.since.elapsed() < TTL) {
            return Ok(Arc::clone(&known.addresses));
        }
        let addresses: Arc<[SocketAddr]> = tokio::net::lookup_host(&self.name).await?.collect();
        *known = Some(Known { since: Instant::now(), addresses: Arc::clone(&addresses) });
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_many_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = Addresses::new(listener.local_addr().unwrap().to_string());
        addresses.connect().await.unwrap();
        let first = addresses.look_up().await.unwrap();
        addresses.connect().await.unwrap();
        assert!(Arc::ptr_eq(&first, &addresses.look_up().await.unwrap()));
    }

    #[tokio::test]
    async fn after_a_failure_the_name_is_looked_up_again() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(); // and gone again
        let addresses = Addresses::new(nobody.to_string());
        let first = addresses.look_up().await.unwrap();
        addresses.connect().await.unwrap_err();
        assert!(!Arc::ptr_eq(&first, &addresses.look_up().await.unwrap()));
    }
}
