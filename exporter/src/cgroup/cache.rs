//! A bounded map of places by the ids of their cgroups. What was used least recently goes first.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{Place, mounts::Hierarchy};

/// A cgroup: inode numbers are unique within a hierarchy only.
pub(super) type Key = (Hierarchy, u64);

/// When it is full, one of so many goes: to look for them costs a pass over all.
const SHARE_THAT_GOES: usize = 8;

/// Reading needs no exclusive access: the time of use is written in passing.
#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    capacity: usize,
    /// Rises with each insertion: time, as far as use is told by it.
    now: u64,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    used: AtomicU64,
}

/// What is known of a cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Where it is, or was.
    At(Arc<Place>),
    /// It was looked for everywhere, and is not there.
    Gone,
}

impl Known {
    pub(super) fn place(&self) -> Option<&Arc<Place>> {
        match self {
            Self::At(place) => Some(place),
            Self::Gone => None,
        }
    }
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), capacity: capacity.max(1), now: 0 }
    }

    /// What is known of a cgroup, which counts as a use.
    pub(super) fn get(&self, key: Key) -> Option<&Known> {
        let entry = self.entries.get(&key)?;
        // Most uses follow another without an insertion in between: nothing is written then.
        if entry.used.load(Relaxed) != self.now {
            entry.used.store(self.now, Relaxed);
        }
        Some(&entry.known)
    }

    pub(super) fn insert(&mut self, key: Key, known: Known) {
        if self.is_full() && !self.entries.contains_key(&key) {
            self.make_room();
        }
        self.now += 1;
        self.entries.insert(key, Entry { known, used: AtomicU64::new(self.now) });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    fn make_room(&mut self) {
        let mut n_go = self.capacity.div_ceil(SHARE_THAT_GOES);
        let mut used: Vec<u64> = self.entries.values().map(|entry| entry.used.load(Relaxed)).collect();
        let (_, last_to_go, _) = used.select_nth_unstable(n_go - 1);
        let last_to_go = *last_to_go;
        // Several may have been used at the same time: not more go than need to.
        self.entries.retain(|_, entry| {
            let goes = n_go > 0 && *entry.used.get_mut() <= last_to_go;
            n_go -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(id: u64) -> Key {
        (Hierarchy::Unified, id)
    }

    #[test]
    fn hierarchies_have_ids_of_their_own() {
        let mut cache = Cache::new(8);
        cache.insert((Hierarchy::Memory, 7), Known::Gone);
        assert_eq!(cache.get((Hierarchy::Memory, 7)), Some(&Known::Gone));
        assert_eq!(cache.get((Hierarchy::Unified, 7)), None);
    }

    #[test]
    fn the_least_recently_used_goes_and_what_is_used_stays() {
        let mut cache = Cache::new(8);
        for id in 0..100 {
            cache.insert(key(id), Known::Gone);
            assert!(cache.get(key(0)).is_some());
            assert!(cache.get(key(id.saturating_sub(3))).is_some());
        }
        assert_eq!(cache.get(key(50)), None);
        assert_eq!(cache.len(), 8);
    }

    #[test]
    fn what_was_all_used_at_the_same_time_does_not_all_go() {
        let mut cache = Cache::new(16);
        (0..16).for_each(|id| cache.insert(key(id), Known::Gone));
        assert!((0..16).all(|id| cache.get(key(id)).is_some()));
        cache.insert(key(16), Known::Gone);
        assert_eq!(cache.len(), 15);
    }

    #[test]
    fn what_is_there_already_pushes_nothing_out() {
        let mut cache = Cache::new(2);
        for id in [1, 2, 1, 2, 1] {
            cache.insert(key(id), Known::Gone);
        }
        assert!(cache.get(key(1)).is_some() && cache.get(key(2)).is_some());
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may_and_always_the_last(
            capacity in 1_usize..40,
            ids in proptest::collection::vec(0_u64..100, 0..300),
        ) {
            let mut cache = Cache::new(capacity);
            for id in ids {
                cache.insert(key(id), Known::Gone);
                prop_assert!(cache.len() <= capacity);
                prop_assert!(cache.get(key(id)).is_some());
            }
        }
    }
}
