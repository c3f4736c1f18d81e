//! The thread that finds the places of cgroups: of all when it starts, of a new one when the kernel tells of it, and
//! of one that was looked up and not found.
//!
//! It reads directories and the files of runtimes, so that nobody who looks a place up does.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Place,
    cache::{Key, Known},
    mounts::Hierarchy,
    names::Names,
    parse,
    places::{CAPACITY, Places},
    tree::{Directory, Tree},
};

#[cfg(test)]
mod tests;

/// Directories that are looked at in each hierarchy.
const MAX_DIRECTORIES: usize = 65_536;

/// The longest path that is kept, in bytes. A cgroup below one has the place of that one: deep nesting hides nobody,
/// and costs no memory.
const MAX_PATH: usize = 2_048;

/// Messages that may wait. Whoever makes cgroups faster than directories can be read loses some.
const MESSAGES: usize = 4_096;

/// How long after a look at all cgroups the next may come. It may use a fiftieth of one CPU, however many there are.
const REST: Duration = Duration::from_secs(1);
const REST_FACTOR: u32 = 50;

/// How long after a cgroup was found without a name its name is looked for again; each time twice as long.
const NAME_AGAIN: Duration = Duration::from_secs(1);
const MAX_NAME_TRIES: u32 = 5;

/// Cgroups whose names are looked for again.
const MAX_NAMELESS: usize = 4_096;

/// What the thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A cgroup was made.
    Made { id: u64, above: u64 },
    /// Something was looked up, and is not known.
    Missed,
}

/// Tells the thread of new cgroups. The thread ends when this is dropped.
#[derive(Debug)]
pub struct CgroupSender {
    messages: Arc<SyncSender<Message>>,
    places: Arc<Places>,
}

impl CgroupSender {
    /// A cgroup was made, below one with this id, in whatever hierarchy. Never waits; what there is no room for is
    /// counted, see [`Places::n_dropped`].
    pub fn made(&self, id: u64, parent: u64) {
        if self.messages.try_send(Message::Made { id, above: parent }).is_err() {
            self.places.dropped.fetch_add(1, Relaxed);
        }
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Worker {
    places: Arc<Places>,
    trees: Arc<[Tree]>,
    names: Names,
    nameless: Vec<Nameless>,
    /// When all cgroups may be looked at again.
    rested: Instant,
}

#[derive(Debug)]
struct Nameless {
    key: Key,
    again: Instant,
    n_tries: u32,
}

/// Looks at all cgroups, and starts the thread.
///
/// # Errors
/// If no thread can be started.
pub(super) fn start(
    mountinfo: &[u8],
    root: &Path,
) -> io::Result<(Arc<Places>, CgroupSender, JoinHandle<()>)> {
    let (messages, inbox) = sync_channel(MESSAGES);
    let messages = Arc::new(messages);
    let mut worker = Worker::new(mountinfo, root, CAPACITY, &messages);
    let places = Arc::clone(&worker.places);
    worker.look_at_all(HashSet::new());
    let thread = thread::Builder::new().name("cgroups".to_owned()).spawn(move || worker.run(&inbox))?;
    Ok((Arc::clone(&places), CgroupSender { messages, places }, thread))
}

impl Worker {
    fn new(mountinfo: &[u8], root: &Path, capacity: usize, messages: &Arc<SyncSender<Message>>) -> Self {
        let trees = Tree::all(mountinfo);
        let has_memory = trees.iter().any(|tree| tree.hierarchy == Hierarchy::Memory);
        let memory = if has_memory { Hierarchy::Memory } else { Hierarchy::Unified };
        Self {
            places: Arc::new(Places::new(capacity, memory, Arc::downgrade(messages))),
            trees: trees.into(),
            names: Names::new(root),
            nameless: Vec::new(),
            rested: Instant::now(),
        }
    }

    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let first = match self.due() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            if first == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            // All that waits is done at once: of many new cgroups in one place, the place is read once.
            let messages: Vec<_> = first.into_iter().chain(inbox.try_iter().take(MESSAGES)).collect();
            self.work(&messages);
        }
    }

    /// When there is something to do without being told.
    fn due(&self) -> Option<Instant> {
        let look = self.places.has_missed().then_some(self.rested);
        self.nameless.iter().map(|nameless| nameless.again).chain(look).min()
    }

    /// Does all that can be done now.
    fn work(&mut self, messages: &[Message]) {
        self.made(messages);
        let now = Instant::now();
        if self.places.has_missed() && now >= self.rested {
            self.look_for_missed();
        }
        self.name_again(now);
    }

    /// Finds new cgroups, which one directory for each that they were made in tells.
    fn made(&mut self, messages: &[Message]) {
        let trees = Arc::clone(&self.trees);
        for (above, ids) in by_place(messages) {
            for tree in trees.iter() {
                // Ids of other hierarchies come along: then nothing has such an id, or nothing below it has the other.
                let Some(place) = self.places.at((tree.hierarchy, above)) else { continue };
                for directory in tree.find(above, Path::new(&place.path), &ids) {
                    self.add(tree.hierarchy, &directory, true);
                }
            }
        }
    }

    /// Looks for what was missed, unless it was found since: a new cgroup may be missed before the kernel's word of it
    /// is read.
    fn look_for_missed(&mut self) {
        let mut missed = self.places.take_missed();
        missed.retain(|key| self.places.at(*key).is_none());
        if !missed.is_empty() {
            self.look_at_all(missed);
        }
    }

    /// Looks at all cgroups: keeps what is new as far as there is room, and what was missed in any case. What was
    /// missed and is not there will not be missed again.
    fn look_at_all(&mut self, mut missed: HashSet<Key>) {
        let begun = Instant::now();
        let trees = Arc::clone(&self.trees);
        for tree in trees.iter() {
            let is_all = tree.walk(MAX_DIRECTORIES, |directory| {
                let is_missed = missed.remove(&(tree.hierarchy, directory.id));
                self.add(tree.hierarchy, &directory, is_missed);
            });
            self.places.cut.fetch_add(u64::from(!is_all), Relaxed);
        }
        for key in missed {
            self.places.insert(key, Known::Gone);
        }
        self.rested = Instant::now() + REST.max(begun.elapsed() * REST_FACTOR);
    }

    /// Keeps the place of a directory, unless it is known already.
    fn add(&mut self, hierarchy: Hierarchy, directory: &Directory, may_push_out: bool) {
        let key = (hierarchy, directory.id);
        let path = directory.path.to_string_lossy();
        let is_known = self.places.at(key).is_some_and(|place| place.path == path);
        if is_known || (!may_push_out && self.places.is_full()) {
            return;
        }
        let place = match self.places.at((hierarchy, directory.above)) {
            Some(above) if path.len() > MAX_PATH => above,
            above => Arc::new(self.read(&path, above.as_deref())),
        };
        if Names::lacks(&place) && self.nameless.len() < MAX_NAMELESS {
            self.nameless.push(Nameless { key, again: Instant::now() + NAME_AGAIN, n_tries: 1 });
        }
        self.places.insert(key, Known::At(place));
    }

    fn read(&self, path: &str, above: Option<&Place>) -> Place {
        let mut place = parse(path);
        if let Some(above) = above {
            Names::inherit(&mut place, above);
        }
        self.names.fill(&mut place);
        place
    }

    /// Looks again for names that were not there yet.
    fn name_again(&mut self, now: Instant) {
        let is_due = |nameless: &mut Nameless| nameless.again <= now;
        let due: Vec<_> = self.nameless.extract_if(.., is_due).collect();
        for Nameless { key, n_tries, .. } in due {
            let Some(known) = self.places.at(key) else { continue };
            let mut place = Place::clone(&known);
            self.names.fill(&mut place);
            if Names::lacks(&place) && n_tries < MAX_NAME_TRIES {
                let again = now + NAME_AGAIN * 2_u32.pow(n_tries);
                self.nameless.push(Nameless { key, again, n_tries: n_tries + 1 });
            }
            if place != *known {
                self.places.insert(key, Known::At(Arc::new(place)));
            }
        }
    }
}

/// New cgroups by the id of that above them. The order stays: of two of which one is in the other, the outer is made
/// first.
fn by_place(messages: &[Message]) -> Vec<(u64, HashSet<u64>)> {
    let mut places: Vec<(u64, HashSet<u64>)> = Vec::new();
    let mut indexes = HashMap::new();
    for message in messages {
        if let Message::Made { id, above } = *message {
            let index = *indexes.entry(above).or_insert(places.len());
            if index == places.len() {
                places.push((above, HashSet::new()));
            }
            places[index].1.insert(id);
        }
    }
    places
}

/// The mounts of this process; nothing where there is no such file.
pub(super) fn mountinfo() -> Vec<u8> {
    fs::read("/proc/self/mountinfo").unwrap_or_default()
}
