//! The connections, in slots; those that carry nothing lie on a stack, the latest used on top.

use retrylab_core::load::Due;

use super::{
    clock::Nanos,
    connection::{Connection, Phase},
};

/// Names a connection. The slot is used again when the connection is closed, the token is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    slot: u32,
    generation: u32,
}

impl From<Token> for u64 {
    fn from(token: Token) -> Self {
        Self::from(token.generation) << 32 | Self::from(token.slot)
    }
}

impl From<u64> for Token {
    fn from(token: u64) -> Self {
        Self { slot: token as u32, generation: (token >> 32) as u32 }
    }
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// All connections of a run.
#[derive(Debug)]
pub struct Pool {
    slots: Vec<Slot>,
    free: Vec<u32>,
    idle: Vec<Token>,
    max: usize,
    busy: usize,
    opening: usize,
}

impl Pool {
    /// No connections, and never more than `max`.
    pub const fn new(max: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), idle: Vec::new(), max, busy: 0, opening: 0 }
    }

    /// How many connections there may be.
    pub const fn max(&self) -> usize {
        self.max
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is no room for another one.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    /// How many carry a request.
    pub const fn busy(&self) -> usize {
        self.busy
    }

    /// How many are being opened.
    pub const fn opening(&self) -> usize {
        self.opening
    }

    /// Takes in a connection that is being opened.
    pub fn insert(&mut self, connection: Connection) -> Token {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, connection: None });
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        place.connection = Some(connection);
        self.opening += 1;
        Token { slot, generation: place.generation }
    }

    /// The connection, unless it has been closed.
    pub fn get(&mut self, token: Token) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(token.slot as usize)?;
        slot.connection.as_mut().filter(|_| slot.generation == token.generation)
    }

    /// The request that a connection carries.
    pub fn request(&mut self, token: Token) -> Option<Due> {
        match self.get(token)?.phase {
            Phase::Busy(due) => Some(due),
            _ => None,
        }
    }

    /// A connection carries a request from now on.
    pub fn begin(&mut self, token: Token, due: Due) {
        self.turn(token, Phase::Busy(due));
    }

    /// A connection carries nothing from now on.
    pub fn rest(&mut self, token: Token, now: Nanos) {
        self.turn(token, Phase::Idle(now));
        self.idle.push(token);
    }

    /// Takes the connection that was used last from the stack, with when that was.
    pub fn take_idle(&mut self) -> Option<(Token, Nanos)> {
        let token = self.idle.pop()?;
        match self.get(token)?.phase {
            Phase::Idle(since) => Some((token, since)),
            _ => None,
        }
    }

    /// Closes a connection.
    pub fn close(&mut self, token: Token) {
        if self.get(token).is_none() {
            return;
        }
        let slot = &mut self.slots[token.slot as usize];
        let closed = slot.connection.take();
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(token.slot);
        match closed.map(|connection| connection.phase) {
            Some(Phase::Opening) => self.opening -= 1,
            Some(Phase::Busy(_)) => self.busy -= 1,
            // Whoever takes one from the stack closes it when it is of no use; else it is closed where it lies.
            Some(Phase::Idle(_)) => self.idle.retain(|&idle| idle != token),
            None => {}
        }
    }

    /// Closes all connections; gives the requests that they carried.
    pub fn clear(&mut self) -> Vec<Due> {
        let open = self.slots.drain(..).filter_map(|slot| slot.connection);
        let carried = open.filter_map(|connection| match connection.phase {
            Phase::Busy(due) => Some(due),
            _ => None,
        });
        let carried = carried.collect();
        *self = Self::new(self.max);
        carried
    }

    fn turn(&mut self, token: Token, phase: Phase) {
        let Some(connection) = self.get(token) else { return };
        let before = std::mem::replace(&mut connection.phase, phase);
        let is_busy = matches!(connection.phase, Phase::Busy(_));
        self.busy += usize::from(is_busy);
        match before {
            Phase::Opening => self.opening -= 1,
            Phase::Busy(_) => self.busy -= 1,
            Phase::Idle(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pool(connections: usize) -> (Pool, Vec<Token>, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut pool = Pool::new(3);
        let open = |_| pool.insert(Connection::open(listener.local_addr().unwrap()).unwrap());
        let tokens = (0..connections).map(open).collect();
        (pool, tokens, listener)
    }

    const DUE: Due = Due { at: 0, serial: 7, user: None };

    #[test]
    fn every_connection_counts_once_wherever_it_is() {
        let (mut pool, tokens, _listener) = pool(3);
        assert_eq!((pool.len(), pool.opening(), pool.busy(), pool.is_full()), (3, 3, 0, true));
        pool.rest(tokens[0], 5);
        pool.begin(tokens[1], DUE);
        assert_eq!((pool.opening(), pool.busy()), (1, 1));
        pool.close(tokens[1]);
        pool.close(tokens[1]);
        pool.close(tokens[2]);
        assert_eq!((pool.len(), pool.opening(), pool.busy(), pool.is_full()), (1, 0, 0, false));
    }

    #[test]
    fn the_connection_that_was_used_last_is_taken_first() {
        let (mut pool, tokens, _listener) = pool(2);
        pool.rest(tokens[0], 5);
        pool.rest(tokens[1], 6);
        assert_eq!(pool.take_idle(), Some((tokens[1], 6)));
        assert_eq!(pool.take_idle(), Some((tokens[0], 5)));
        assert_eq!(pool.take_idle(), None);
    }

    #[test]
    fn a_closed_connection_is_not_taken_and_its_token_is_no_other_connections() {
        let (mut pool, tokens, listener) = pool(1);
        pool.rest(tokens[0], 5);
        pool.close(tokens[0]);
        assert_eq!(pool.take_idle(), None);
        let next = pool.insert(Connection::open(listener.local_addr().unwrap()).unwrap());
        assert!(pool.get(tokens[0]).is_none() && pool.get(next).is_some());
        assert_eq!(Token::from(u64::from(next)), next);
    }

    #[test]
    fn closing_all_gives_back_the_requests_under_way() {
        let (mut pool, tokens, _listener) = pool(3);
        pool.rest(tokens[0], 5);
        pool.begin(tokens[1], DUE);
        assert_eq!(pool.request(tokens[1]), Some(DUE));
        assert_eq!(pool.clear(), [DUE]);
        assert_eq!((pool.len(), pool.opening(), pool.busy()), (0, 0, 0));
    }
}
