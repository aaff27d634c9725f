//! What is due when. Things that come in the order in which they will be due, as constant service times do, take a place
//! at the end of a list: O(1), and nothing is allocated once the list has grown. Only what is due before the last of
//! those goes into a heap: O(log n).

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
};

/// Things by the time `K` at which they are due; among equals, in the order in which they came.
#[derive(Debug)]
pub struct Agenda<K, V> {
    in_order: VecDeque<Entry<K, V>>,
    others: BinaryHeap<Reverse<Entry<K, V>>>,
    /// How many have come so far.
    so_far: u64,
}

#[derive(Debug)]
struct Entry<K, V> {
    due: K,
    number: u64,
    value: V,
}

impl<K: Ord + Copy, V> Agenda<K, V> {
    /// Nothing is due.
    pub const fn new() -> Self {
        Self { in_order: VecDeque::new(), others: BinaryHeap::new(), so_far: 0 }
    }

    /// Notes that `value` is due at `due`.
    pub fn push(&mut self, due: K, value: V) {
        let entry = Entry { due, number: self.so_far, value };
        self.so_far += 1;
        if self.in_order.back().is_none_or(|last| last.due <= due) {
            self.in_order.push_back(entry);
        } else {
            self.others.push(Reverse(entry));
        }
    }

    /// When the first thing is due.
    pub fn first(&self) -> Option<K> {
        let ordered = self.in_order.front().map(|entry| entry.due);
        let Some(Reverse(other)) = self.others.peek() else { return ordered };
        Some(ordered.map_or(other.due, |due| due.min(other.due)))
    }

    /// Takes the first thing, with the time at which it was due.
    pub fn pop(&mut self) -> Option<(K, V)> {
        let other_is_first = match (self.in_order.front(), self.others.peek()) {
            (Some(ordered), Some(Reverse(other))) => other < ordered,
            (None, other) => other.is_some(),
            (Some(_), None) => false,
        };
        let entry =
            if other_is_first { self.others.pop().map(|Reverse(entry)| entry) } else { self.in_order.pop_front() };
        entry.map(|entry| (entry.due, entry.value))
    }

    /// Takes one of the things that `is_it` is true of, out of turn: O(n).
    pub fn remove(&mut self, is_it: impl Fn(&V) -> bool) -> Option<V> {
        if let Some(place) = self.in_order.iter().position(|entry| is_it(&entry.value)) {
            return self.in_order.remove(place).map(|entry| entry.value);
        }
        self.others.iter().position(|Reverse(entry)| is_it(&entry.value)).map(|place| {
            let mut others = std::mem::take(&mut self.others).into_vec();
            let Reverse(entry) = others.swap_remove(place);
            self.others = others.into();
            entry.value
        })
    }

    /// Does something with each thing, in no order: O(n).
    pub fn for_each(&mut self, mut act: impl FnMut(&mut V)) {
        for entry in &mut self.in_order {
            act(&mut entry.value);
        }
        let mut others = std::mem::take(&mut self.others).into_vec();
        for Reverse(entry) in &mut others {
            act(&mut entry.value);
        }
        self.others = others.into();
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.in_order.len() + self.others.len()
    }
}

impl<K: Ord, V> PartialEq for Entry<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K: Ord, V> Eq for Entry<K, V> {}

impl<K: Ord, V> PartialOrd for Entry<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, V> Ord for Entry<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.due, self.number).cmp(&(&other.due, other.number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_in_order_never_gets_into_the_heap() {
        let mut agenda = Agenda::new();
        for due in [1, 2, 2, 9] {
            agenda.push(due, ());
        }
        assert!(agenda.others.is_empty());
        agenda.push(8, ());
        assert_eq!((agenda.others.len(), agenda.len()), (1, 5));
    }

    proptest! {
        /// Against a sorted list, which is what it stands for.
        #[test]
        fn things_leave_by_time_and_among_equals_as_they_came(
            steps in prop::collection::vec((0u8..8, 0u32..20), 1..200),
        ) {
            let (mut agenda, mut sorted, mut number) = (Agenda::new(), Vec::<(u32, u32)>::new(), 0);
            for (what, due) in steps {
                match what {
                    0 | 1 => {
                        let expected = (!sorted.is_empty()).then(|| sorted.remove(0));
                        prop_assert_eq!(agenda.pop(), expected);
                    }
                    2 => {
                        let place = sorted.iter().position(|&(_, value)| value == due);
                        let expected = place.map(|place| sorted.remove(place).1);
                        prop_assert_eq!(agenda.remove(|&value| value == due), expected);
                    }
                    _ => {
                        agenda.push(due, number);
                        sorted.push((due, number));
                        sorted.sort_by_key(|&(due, _)| due);
                        number += 1;
                    }
                }
                prop_assert_eq!((agenda.first(), agenda.len()), (sorted.first().map(|first| first.0), sorted.len()));
            }
            let mut met = Vec::new();
            agenda.for_each(|&mut value| met.push(value));
            met.sort_unstable();
            let mut all: Vec<_> = sorted.iter().map(|&(_, value)| value).collect();
            all.sort_unstable();
            prop_assert_eq!(met, all);
        }
    }
}
