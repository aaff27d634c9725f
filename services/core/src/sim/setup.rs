//! What is simulated: an arm, the workloads that it runs on, and the network between them.

use std::time::Duration;

use crate::{
    load::LoadPlan,
    station::BackendModel,
    wire::{BackendPlan, ClientPlan, FieldError, RunPlan},
};

/// How long a message takes one way unless something else is said: what a hop takes between two pods on one node, the
/// peers' own work included.
pub const DEFAULT_NETWORK: Duration = Duration::from_micros(100);
/// Most clients of a layer.
pub const MAX_CLIENTS: u32 = 10_000_000;
/// Most clients in a chain: an attempt's number has a digit for each.
pub const MAX_LAYERS: u32 = 4;
/// Most backends.
pub const MAX_BACKENDS: u32 = 10_000;

/// One arm, complete: with its seeds it says exactly what happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// What is sent, and when.
    pub load: LoadPlan,
    /// What every client follows; of the first one, where several are in a chain.
    pub client: ClientPlan,
    /// What each inner client of a chain follows, from the second one on: the attempts of one are the requests of the next,
    /// those of the last go to the backends.
    pub inner: Vec<ClientPlan>,
    /// What breaks at every backend, and when.
    pub backend: BackendPlan,
    /// Clients, in each place of the chain so many; each has limits of its own, and requests are spread over them evenly and
    /// at random.
    pub clients: u32,
    /// Backends; attempts are spread over them evenly and at random.
    pub backends: u32,
    /// What each backend is like.
    pub model: BackendModel,
    /// How long a message takes, one way.
    pub network: Duration,
}

impl Setup {
    /// The same with other random draws: repetition 0 is the setup itself.
    #[must_use]
    pub fn repetition(&self, number: u32) -> Self {
        // The plans' seeds lie next to each other; the golden ratio's multiples lie far apart.
        let shift = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut other = self.clone();
        let clients = std::iter::once(&mut other.client).chain(&mut other.inner).map(|plan| &mut plan.seed);
        for seed in clients.chain([&mut other.load.seed, &mut other.backend.seed]) {
            *seed = seed.wrapping_add(shift);
        }
        other
    }

    /// Moves the end of the schedule.
    pub fn last_until(&mut self, duration_ms: u64) {
        (self.load.duration_ms, self.backend.duration_ms) = (duration_ms, duration_ms);
        for client in std::iter::once(&mut self.client).chain(&mut self.inner) {
            client.duration_ms = duration_ms;
        }
    }

    /// Each client of the chain, the first one first.
    pub fn layers(&self) -> impl Iterator<Item = &ClientPlan> {
        std::iter::once(&self.client).chain(&self.inner)
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// Names the first field that is out of bounds.
    pub fn validate(&self) -> Result<(), FieldError> {
        self.load.validate().map_err(|e| e.within("load"))?;
        for (layer, client) in self.layers().enumerate() {
            client.validate().map_err(|e| e.within(&format!("clients[{layer}]")))?;
        }
        self.backend.validate().map_err(|e| e.within("backend"))?;
        self.model.validate().map_err(|e| e.within("model"))?;
        for (field, value, most) in [
            ("clients", self.clients, MAX_CLIENTS),
            ("inner (their number)", self.inner.len() as u32 + 1, MAX_LAYERS),
            ("backends", self.backends, MAX_BACKENDS),
        ] {
            if !(1..=most).contains(&value) {
                return Err(FieldError::new(field, value, format!("1 to {most}")));
            }
        }
        Ok(())
    }
}
