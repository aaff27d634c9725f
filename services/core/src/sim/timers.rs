//! Events at any time ahead. The next few stand in a heap; those further off lie in the slot of their time, unsorted, until
//! their turn comes: a storm parks a great many, and a heap of all of them would not fit into a cache.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
};

use super::Nanos;

/// A slot is 2²⁴ ns long, about 17 ms.
const SLOT_BITS: u32 = 24;

/// An event with its place in time.
#[derive(Clone, Copy, Debug)]
pub struct Entry<E> {
    pub at: Nanos,
    pub number: u64,
    pub event: E,
}

/// The events.
#[derive(Debug)]
pub struct Timers<E> {
    /// Those up to the end of `slot`; empty only if there are no others.
    near: BinaryHeap<Reverse<Entry<E>>>,
    slot: u64,
    far: BTreeMap<u64, Vec<Reverse<Entry<E>>>>,
    len: usize,
}

impl<E> Timers<E> {
    /// None.
    pub const fn new() -> Self {
        Self { near: BinaryHeap::new(), slot: 0, far: BTreeMap::new(), len: 0 }
    }

    /// Adds an event.
    pub fn push(&mut self, entry: Entry<E>) {
        let slot = entry.at >> SLOT_BITS;
        self.len += 1;
        if slot <= self.slot {
            self.near.push(Reverse(entry));
        } else if self.near.is_empty() {
            self.slot = slot;
            self.near.push(Reverse(entry));
        } else {
            self.far.entry(slot).or_default().push(Reverse(entry));
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Throws out those that `is_live` is false of: O(n).
    pub fn retain(&mut self, mut is_live: impl FnMut(&Entry<E>) -> bool) {
        self.near.retain(|Reverse(entry)| is_live(entry));
        self.far.retain(|_, entries| {
            entries.retain(|Reverse(entry)| is_live(entry));
            !entries.is_empty()
        });
        self.len = self.near.len() + self.far.values().map(Vec::len).sum::<usize>();
        self.draw_near();
    }

    /// The next event.
    pub fn peek(&self) -> Option<&Entry<E>> {
        self.near.peek().map(|Reverse(entry)| entry)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Entry<E>> {
        let Reverse(entry) = self.near.pop()?;
        self.len -= 1;
        self.draw_near();
        Some(entry)
    }

    /// The next slot's events take their turn, if there are none before them.
    fn draw_near(&mut self) {
        if self.near.is_empty()
            && let Some((slot, entries)) = self.far.pop_first()
        {
            self.slot = slot;
            self.near = entries.into();
        }
    }
}

impl<E> Entry<E> {
    /// Its place among all: by time, then by number.
    pub const fn key(&self) -> u128 {
        (self.at as u128) << 64 | self.number as u128
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Adding and taking in turn, near and far, up to hours ahead; nothing is added before what was taken last.
        #[test]
        fn events_come_in_order_however_far_ahead_they_were_added(
            steps in prop::collection::vec((0u32..44, 0u64..16, 0u8..12), 1..300)
        ) {
            let (mut timers, mut model, mut now) = (Timers::new(), BTreeMap::new(), 0);
            for (number, (bits, ahead, what)) in (0..).zip(steps) {
                if what == 0 {
                    timers.retain(|entry| entry.event % 3 > 0);
                    model.retain(|_, event| *event % 3 > 0);
                } else if what < 7 {
                    let at = now + (ahead << bits >> 4);
                    timers.push(Entry { at, number, event: number });
                    model.insert((at, number), number);
                } else {
                    let expected = model.pop_first();
                    prop_assert_eq!(timers.peek().map(|e| (e.at, e.number)), expected.map(|(key, _)| key));
                    let taken = timers.pop();
                    prop_assert_eq!(taken.map(|e| ((e.at, e.number), e.event)), expected);
                    now = taken.map_or(now, |e| e.at);
                }
                prop_assert_eq!(timers.len(), model.len());
            }
        }
    }
}
