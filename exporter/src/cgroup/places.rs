//! What is known of the cgroups of this machine, for whoever has their ids.
//!
//! A look-up never touches the file system: a thread keeps the map, see [`worker`](super::worker). What was not found
//! is noted, and the thread looks for it.

use std::{
    collections::HashSet,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::SyncSender,
    },
};

use super::{
    Place,
    cache::{Cache, Key, Known},
    mounts::Hierarchy,
    worker::Message,
};
use crate::event::{Death, Event, Memory, OomKill, Posted, Process};

#[cfg(test)]
mod tests;

/// Cgroups that are known at a time: some 10 MB. A removed one is known until others push it out, because a death is
/// told of when its cgroup may be gone.
pub(super) const CAPACITY: usize = 16_384;

/// Cgroups that are looked for at a time.
const MAX_MISSED: usize = 1_024;

/// The places of cgroups by their ids, shared by those who look them up and the thread that finds them.
#[derive(Debug)]
pub struct Places {
    cache: RwLock<Cache>,
    /// The hierarchy that has the memory controller.
    memory: Hierarchy,
    missed: Mutex<HashSet<Key>>,
    /// To wake the thread; it ends although this is here.
    worker: Weak<SyncSender<Message>>,
    unknown: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) cut: AtomicU64,
}

impl Places {
    pub(super) fn new(capacity: usize, memory: Hierarchy, worker: Weak<SyncSender<Message>>) -> Self {
        Self {
            cache: RwLock::new(Cache::new(capacity)),
            memory,
            missed: Mutex::default(),
            worker,
            unknown: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        }
    }

    /// Where a process runs, by the ids of its cgroups: in cgroup v2, and in the hierarchy of the memory controller.
    /// Of two places that of a container or a pod is told, else one that is not the root, else that in cgroup v2. An
    /// id of 0 is none. Neither waits nor reads files.
    #[must_use]
    pub fn lookup(&self, cgroup: u64, memory_cgroup: u64) -> Option<Arc<Place>> {
        let keys = [(Hierarchy::Unified, cgroup), (self.memory, memory_cgroup)];
        let (place, missed) = best(&self.read(), keys);
        for (key, _) in keys.into_iter().zip(missed).filter(|(key, is_missed)| *is_missed && key.1 != 0) {
            self.miss(key);
        }
        if place.is_none() && (cgroup, memory_cgroup) != (0, 0) {
            self.unknown.fetch_add(1, Relaxed);
        }
        place
    }

    /// Tells each process of an event, and the limit that was met, where they are.
    pub fn fill(&self, event: &mut Event) {
        match event {
            Event::Call(call) => self.fill_process(&mut call.sender),
            Event::Signal(signal) => {
                let signal = Arc::make_mut(signal);
                self.fill_process(&mut signal.target);
                self.fill_sender(Some(&mut signal.posted));
            }
            Event::Death(death) => {
                let Death { victim, fatal, before, memory, .. } = Arc::make_mut(death);
                self.fill_process(victim);
                self.fill_sender(fatal.as_mut());
                self.fill_sender(before.as_mut());
                if let Some(memory) = memory {
                    self.fill_limit(memory);
                }
            }
            Event::OomKill(kill) => {
                let OomKill { victim, trigger, memory, .. } = Arc::make_mut(kill);
                self.fill_process(victim);
                self.fill_process(trigger);
                self.fill_limit(memory);
            }
        }
    }

    /// How many processes and limits were looked up, and not found.
    #[must_use]
    pub fn n_unknown(&self) -> u64 {
        self.unknown.load(Relaxed)
    }

    /// How many new cgroups could not be told to the thread, because it had not kept up. They are found when somebody
    /// asks for them.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// How many times there were more cgroups than are looked at.
    #[must_use]
    pub fn n_cut(&self) -> u64 {
        self.cut.load(Relaxed)
    }

    /// How many cgroups are known, some of which may be gone.
    #[must_use]
    pub fn n_known(&self) -> usize {
        self.read().len()
    }

    /// Where a cgroup is, if that is known.
    pub(super) fn at(&self, key: Key) -> Option<Arc<Place>> {
        self.read().get(key)?.place().cloned()
    }

    pub(super) fn insert(&self, key: Key, known: Known) {
        self.write().insert(key, known);
    }

    pub(super) fn is_full(&self) -> bool {
        self.read().is_full()
    }

    pub(super) fn has_missed(&self) -> bool {
        !self.missed().is_empty()
    }

    /// What was looked up and not found since this was last asked.
    pub(super) fn take_missed(&self) -> HashSet<Key> {
        mem::take(&mut *self.missed())
    }

    fn fill_process(&self, process: &mut Process) {
        process.place = self.lookup(process.cgroup, process.memory_cgroup);
    }

    fn fill_sender(&self, posted: Option<&mut Posted>) {
        if let Some(sender) = posted.and_then(|posted| posted.sender.as_mut()) {
            self.fill_process(sender);
        }
    }

    fn fill_limit(&self, memory: &mut Memory) {
        memory.limit_place = self.lookup(0, memory.limit_cgroup);
    }

    /// Notes what is to be looked for, and wakes the thread if it does not know yet that there is something.
    fn miss(&self, key: Key) {
        let mut missed = self.missed();
        let is_first = missed.is_empty();
        if missed.len() < MAX_MISSED {
            missed.insert(key);
        }
        drop(missed);
        if is_first && let Some(worker) = self.worker.upgrade() {
            // Without room for the message the thread is awake, and will see.
            worker.try_send(Message::Missed).ok();
        }
    }

    // Whoever panicked while he had a lock left the data whole: each change is one call.
    fn read(&self) -> RwLockReadGuard<'_, Cache> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Cache> {
        self.cache.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn missed(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place that tells more, and whether nothing is known of either cgroup.
fn best(cache: &Cache, keys: [Key; 2]) -> (Option<Arc<Place>>, [bool; 2]) {
    let unified = cache.get(keys[0]);
    let found = [unified, if keys[0] == keys[1] { unified } else { cache.get(keys[1]) }];
    let place = match found.map(|known| known.and_then(Known::place)) {
        [Some(unified), Some(memory)] if tells(memory) > tells(unified) => Some(memory),
        [unified, memory] => unified.or(memory),
    };
    (place.cloned(), found.map(|known| known.is_none()))
}

/// How much a place tells: on a machine with both versions of cgroups a process is often in the root of one of them.
fn tells(place: &Place) -> u8 {
    match place {
        Place { container: Some(_), .. } | Place { pod: Some(_), .. } => 2,
        Place { path, .. } if path != "/" => 1,
        Place { .. } => 0,
    }
}
