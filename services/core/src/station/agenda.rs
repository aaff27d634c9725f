//! What is due when. Things that come in the order in which they will be due, as constant service times do, take a place
//! at the end of a list: O(1), and nothing is allocated once the list has grown. Only what is due before the last of
//! those goes into a tree: O(log n). Whatever is taken out of turn is found by its place: O(log n), too.

use std::collections::{BTreeMap, VecDeque};

/// Things by the time `K` at which they are due; among equals, in the order in which they came.
#[derive(Debug)]
pub struct Agenda<K, V> {
    /// `None`: taken out of turn. The first one is there.
    in_order: VecDeque<(Place<K>, Option<V>)>,
    others: BTreeMap<Place<K>, V>,
    /// How many have come so far.
    so_far: u64,
    /// How many are there.
    len: usize,
}

/// Where a thing stands: no other one ever has the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<K> {
    due: K,
    number: u64,
}

impl<K: Ord + Copy, V> Agenda<K, V> {
    /// Nothing is due.
    pub const fn new() -> Self {
        Self { in_order: VecDeque::new(), others: BTreeMap::new(), so_far: 0, len: 0 }
    }

    /// Notes that `value` is due at `due`.
    pub fn push(&mut self, due: K, value: V) -> Place<K> {
        let place = Place { due, number: self.so_far };
        self.so_far += 1;
        self.len += 1;
        if self.in_order.back().is_none_or(|(last, _)| last.due <= due) {
            self.in_order.push_back((place, Some(value)));
        } else {
            self.others.insert(place, value);
        }
        place
    }

    /// When the first thing is due.
    pub fn first(&self) -> Option<K> {
        let ordered = self.in_order.front().map(|(place, _)| place.due);
        let Some((other, _)) = self.others.first_key_value() else { return ordered };
        Some(ordered.map_or(other.due, |due| due.min(other.due)))
    }

    /// Takes the first thing, with the time at which it was due.
    pub fn pop(&mut self) -> Option<(K, V)> {
        let first = match (self.in_order.front(), self.others.first_key_value()) {
            (Some((ordered, _)), Some((other, _))) => *ordered.min(other),
            (Some((place, _)), None) | (None, Some((place, _))) => *place,
            (None, None) => return None,
        };
        self.remove(first).map(|value| (first.due, value))
    }

    /// Takes what has this place, if it is still there.
    pub fn remove(&mut self, place: Place<K>) -> Option<V> {
        let value = if self.in_order.front().is_some_and(|(first, _)| *first == place) {
            self.in_order.pop_front().and_then(|(_, value)| value)
        } else if let Ok(i) = self.in_order.binary_search_by_key(&place, |(place, _)| *place) {
            self.in_order[i].1.take()
        } else {
            self.others.remove(&place)
        };
        self.len -= usize::from(value.is_some());
        while self.in_order.front().is_some_and(|(_, value)| value.is_none()) {
            self.in_order.pop_front();
        }
        value
    }

    /// Does something with each thing, in no order: O(n).
    pub fn for_each(&mut self, act: impl FnMut(&mut V)) {
        self.in_order.iter_mut().filter_map(|(_, value)| value.as_mut()).chain(self.others.values_mut()).for_each(act);
    }

    /// How many things there are.
    pub const fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_in_order_never_gets_into_the_tree() {
        let mut agenda = Agenda::new();
        for due in [1, 2, 2, 9] {
            agenda.push(due, ());
        }
        assert!(agenda.others.is_empty());
        agenda.push(8, ());
        assert_eq!((agenda.others.len(), agenda.len()), (1, 5));
    }

    /// A million of each, which would take hours if one were a walk over the others.
    #[test]
    fn things_are_taken_out_of_turn_in_no_time_however_many_there_are() {
        let mut agenda = Agenda::new();
        let n = 1_000_000u64;
        let places: Vec<_> = (0..2 * n).map(|i| agenda.push(if i < n { n + i } else { 2 * n - i }, i)).collect();
        for (i, place) in places.iter().enumerate().rev() {
            assert_eq!(agenda.remove(*place), Some(i as u64));
            assert_eq!(agenda.remove(*place), None);
        }
        assert_eq!((agenda.len(), agenda.first(), agenda.in_order.len()), (0, None, 0));
    }

    proptest! {
        /// Against a sorted list, which is what it stands for.
        #[test]
        fn things_leave_by_time_and_among_equals_as_they_came(
            steps in prop::collection::vec((0u8..8, 0u32..20), 1..200),
        ) {
            let (mut agenda, mut sorted, mut number) = (Agenda::new(), Vec::<(u32, u32)>::new(), 0);
            let mut places = Vec::new();
            for (what, due) in steps {
                match what {
                    0 | 1 => {
                        let expected = (!sorted.is_empty()).then(|| sorted.remove(0));
                        prop_assert_eq!(agenda.pop(), expected);
                    }
                    2 | 3 if !places.is_empty() => {
                        let value = due % places.len() as u32;
                        let at = sorted.iter().position(|&(_, other)| other == value);
                        let expected = at.map(|at| sorted.remove(at).1);
                        prop_assert_eq!(agenda.remove(places[value as usize]), expected);
                    }
                    _ => {
                        places.push(agenda.push(due, number));
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
