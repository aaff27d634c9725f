//! Slots for what is under way, used again when it is over: memory is bounded by the most that was under way at once.

/// Names the tenant of a slot. The slot is used again, the name is not (until 2³² tenants later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    slot: u32,
    generation: u32,
}

/// The slots.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Slab<T> {
    /// No slot yet.
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Gives a tenant a slot.
    pub fn insert(&mut self, tenant: T) -> Key {
        if let Some(slot) = self.free.pop() {
            let Slot { generation, tenant: empty } = &mut self.slots[slot as usize];
            *empty = Some(tenant);
            return Key { slot, generation: *generation };
        }
        self.slots.push(Slot { generation: 0, tenant: Some(tenant) });
        Key { slot: (self.slots.len() - 1) as u32, generation: 0 }
    }

    /// The tenant, if it is still there.
    pub fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.slot as usize).filter(|slot| slot.generation == key.generation)?;
        slot.tenant.as_ref()
    }

    /// The tenant, to be changed.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.slot as usize).filter(|slot| slot.generation == key.generation)?;
        slot.tenant.as_mut()
    }

    /// Empties the tenant's slot.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.slot as usize).filter(|slot| slot.generation == key.generation)?;
        let tenant = slot.tenant.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.slot);
        Some(tenant)
    }

    /// How many tenants there are.
    pub const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_and_an_old_key_does_not_open_it() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        assert_eq!((slab.get(first), slab.len()), (Some(&'a'), 1));
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get_mut(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!((slab.get(second), slab.len(), slab.slots.len()), (Some(&'b'), 1, 1));
    }
}
