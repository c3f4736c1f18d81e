//! The thread's work, done by hand on trees of plain directories; and the thread.

use std::{os::unix::fs::MetadataExt, sync::mpsc::TryRecvError};

use tempfile::TempDir;

use super::*;
use crate::cgroup::tree::tests::mountinfo as mount;

const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const UNIFIED: &str = "cgroup2 cgroup2 rw";
const MEMORY: &str = "cgroup cgroup rw,memory";

/// A machine with cgroup v2, whose root has the files of runtimes too.
struct Machine {
    dir: TempDir,
    worker: Worker,
    _inbox: Receiver<Message>,
    _messages: Arc<SyncSender<Message>>,
}

impl Machine {
    fn new(names: &[&str]) -> Self {
        Self::with_room_for(CAPACITY, names)
    }

    fn with_room_for(capacity: usize, names: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("cgroup")).unwrap();
        let mountinfo = mount("/", &dir.path().join("cgroup"), UNIFIED);
        for name in names {
            fs::create_dir_all(dir.path().join("cgroup").join(name)).unwrap();
        }
        let (messages, inbox) = sync_channel(16);
        let messages = Arc::new(messages);
        let mut worker = Worker::new(mountinfo.as_bytes(), dir.path(), capacity, &messages);
        worker.look_at_all(HashSet::new());
        Self { dir, worker, _inbox: inbox, _messages: messages }
    }

    fn make(&self, name: &str) -> u64 {
        fs::create_dir_all(self.dir.path().join("cgroup").join(name)).unwrap();
        self.id(name)
    }

    fn id(&self, name: &str) -> u64 {
        fs::metadata(self.dir.path().join("cgroup").join(name)).unwrap().ino()
    }

    fn made(&mut self, names: &[&str]) {
        let above = |name: &str| name.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        let made = |name: &&str| Message::Made { id: self.make(name), above: self.id(&above(name)) };
        let messages: Vec<_> = names.iter().map(made).collect();
        self.worker.work(&messages);
    }

    fn place(&self, id: u64) -> Option<Arc<Place>> {
        self.worker.places.lookup(id, 0)
    }

    fn path(&self, id: u64) -> Option<String> {
        self.place(id).map(|place| place.path.clone())
    }

    /// Lets the thread rest enough.
    fn rest(&mut self) {
        self.worker.rested = Instant::now();
        self.worker.work(&[]);
    }
}

#[test]
fn what_is_there_at_the_start_is_known() {
    let machine = Machine::new(&["system.slice/nginx.service", "user.slice"]);
    let place = machine.place(machine.id("system.slice/nginx.service")).unwrap();
    assert_eq!(
        (place.path.as_str(), place.unit.as_deref()),
        ("/system.slice/nginx.service", Some("nginx.service"))
    );
    assert_eq!(machine.path(machine.id("")).unwrap(), "/");
    assert_eq!(machine.worker.places.n_known(), 4);
}

#[test]
fn what_is_made_later_is_found_where_the_kernel_says_even_all_at_once() {
    let mut machine = Machine::new(&["a"]);
    machine.made(&["a/b", "a/c", "a/b/d", "a/b/d/e"]);
    for name in ["a/b", "a/c", "a/b/d", "a/b/d/e"] {
        assert_eq!(machine.path(machine.id(name)).unwrap(), format!("/{name}"));
    }
    assert!(!machine.worker.places.has_missed());
}

#[test]
fn ids_of_other_hierarchies_and_of_what_is_gone_again_find_nothing() {
    let mut machine = Machine::new(&["a", "b"]);
    let n_known = machine.worker.places.n_known();
    let (a, b) = (machine.id("a"), machine.id("b"));
    let c = machine.make("a/c");
    machine.worker.work(&[
        Message::Made { id: c, above: b },
        Message::Made { id: c + 1_000_000, above: a },
        Message::Made { id: c, above: c + 1_000_000 },
    ]);
    assert_eq!(machine.worker.places.n_known(), n_known);
}

#[test]
fn what_nobody_told_of_is_found_when_it_is_missed() {
    let mut machine = Machine::new(&["a"]);
    machine.rest();
    let id = machine.make("a/b");
    assert_eq!(machine.path(id), None);
    machine.rest();
    assert_eq!(machine.path(id).unwrap(), "/a/b");
    assert_eq!(machine.worker.places.n_unknown(), 1);
}

#[test]
fn all_cgroups_are_looked_at_no_more_often_than_after_a_rest() {
    let mut machine = Machine::new(&[]);
    let id = machine.make("a");
    assert_eq!(machine.place(id), None);
    assert!(machine.worker.rested >= Instant::now() + REST / 2);
    machine.worker.work(&[Message::Missed]);
    assert_eq!(machine.place(id), None);
    assert_eq!(machine.worker.due(), Some(machine.worker.rested));
    machine.rest();
    assert!(machine.place(id).is_some());
    assert_eq!(machine.worker.due(), None);
}

#[test]
fn what_is_missed_a_moment_too_early_costs_no_look_at_all_cgroups() {
    let mut machine = Machine::new(&["a"]);
    machine.worker.rested = Instant::now();
    let (rested, id) = (machine.worker.rested, machine.make("a/b"));
    assert_eq!(machine.place(id), None);
    machine.worker.work(&[Message::Made { id, above: machine.id("a") }, Message::Missed]);
    assert_eq!(machine.path(id).unwrap(), "/a/b");
    assert_eq!((machine.worker.rested, machine.worker.due()), (rested, None));
}

#[test]
fn what_is_not_there_is_looked_for_once() {
    let mut machine = Machine::new(&[]);
    let id = u64::MAX;
    assert_eq!(machine.place(id), None);
    machine.rest();
    assert_eq!(machine.place(id), None);
    assert_eq!(machine.worker.places.n_unknown(), 2);
    assert!(!machine.worker.places.has_missed());
}

#[test]
fn what_is_removed_stays_known_and_may_be_called_otherwise_later() {
    let mut machine = Machine::new(&["a/b"]);
    let id = machine.id("a/b");
    let cgroups = machine.dir.path().join("cgroup");
    fs::rename(cgroups.join("a/b"), cgroups.join("a/c")).unwrap();
    assert_eq!(machine.path(id).unwrap(), "/a/b");
    machine.place(u64::MAX);
    machine.rest();
    assert_eq!(machine.path(id).unwrap(), "/a/c");
    fs::remove_dir(cgroups.join("a/c")).unwrap();
    machine.place(u64::MAX - 1);
    machine.rest();
    assert_eq!(machine.path(id).unwrap(), "/a/c");
}

#[test]
fn without_room_the_first_are_kept_and_those_that_are_asked_for() {
    let names: Vec<String> = (0..20).map(|n| format!("a{n}")).collect();
    let mut machine = Machine::with_room_for(8, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(machine.worker.places.n_known(), 8);
    for name in &names {
        let id = machine.id(name);
        if machine.place(id).is_none() {
            machine.rest();
        }
        assert_eq!(machine.path(id).unwrap(), format!("/{name}"));
        assert!(machine.worker.places.n_known() <= 8);
    }
}

#[test]
fn below_a_path_that_is_too_long_all_have_the_place_of_the_last_that_is_not() {
    let part = "x".repeat(200);
    let path = [part.as_str(); 12].join("/");
    let container = format!("docker/{ID}/{path}");
    let mut machine = Machine::new(&[&container]);
    let place = machine.place(machine.id(&container)).unwrap();
    assert!(place.path.len() <= MAX_PATH && place.path.len() > MAX_PATH - 201);
    assert_eq!(place.container.as_ref().unwrap().id, ID);
    let deeper = machine.make(&format!("{container}/y"));
    assert_eq!(machine.place(deeper), None);
    machine.rest();
    assert!(Arc::ptr_eq(&machine.place(deeper).unwrap(), &place));
}

#[test]
fn strange_names_are_found_too() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let mut machine = Machine::new(&["a"]);
    machine.made(&["a/b\n\u{1b}:c"]);
    assert_eq!(machine.path(machine.id("a/b\n\u{1b}:c")).unwrap(), "/a/b\n\u{1b}:c");

    // Below a name that is no text nothing is found by the path that is told; it is found all the same.
    let strange = machine.dir.path().join("cgroup").join(OsStr::from_bytes(b"\xff"));
    fs::create_dir_all(strange.join("below")).unwrap();
    let id = fs::metadata(strange.join("below")).unwrap().ino();
    machine.place(id);
    machine.rest();
    assert_eq!(machine.path(id).unwrap(), "/\u{fffd}/below");
}

#[test]
fn names_are_read_when_a_container_is_found_and_again_later_if_there_were_none() {
    let mut machine = Machine::new(&["docker"]);
    let container = format!("docker/{ID}");
    let name = |machine: &Machine, cgroup: &str| {
        machine.place(machine.id(cgroup)).unwrap().container.as_ref().unwrap().name.clone()
    };
    machine.made(&[&container]);
    assert_eq!(name(&machine, &container), None);
    let config = machine.dir.path().join("var/lib/docker/containers").join(ID);
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.v2.json"), r#"{"Name": "/web"}"#).unwrap();
    let due = machine.worker.due().unwrap();
    machine.worker.name_again(due);
    assert_eq!(name(&machine, &container).as_deref(), Some("web"));
    assert_eq!(machine.worker.due(), None);

    // What is made inside has the name without another look.
    fs::remove_dir_all(&config).unwrap();
    let inside = format!("{container}/init.scope");
    machine.made(&[&inside]);
    assert_eq!(name(&machine, &inside).as_deref(), Some("web"));
}

#[test]
fn names_that_never_come_are_given_up() {
    let mut machine = Machine::new(&["docker"]);
    machine.made(&[&format!("docker/{ID}")]);
    let mut last = Instant::now();
    let mut n_tries = 0;
    while let Some(due) = machine.worker.due() {
        assert!(due > last);
        machine.worker.name_again(due);
        (last, n_tries) = (due, n_tries + 1);
    }
    assert_eq!(n_tries, MAX_NAME_TRIES);
}

#[test]
fn both_hierarchies_are_known_and_kept_apart() {
    let (unified, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(memory.path().join("process_api")).unwrap();
    let mountinfo = mount("/", unified.path(), UNIFIED) + &mount("/", memory.path(), MEMORY);
    let (places, _sender, _thread) = start(mountinfo.as_bytes(), Path::new("/nowhere")).unwrap();
    let id = |path: &Path| fs::metadata(path).unwrap().ino();
    let place = places.lookup(id(unified.path()), id(&memory.path().join("process_api"))).unwrap();
    assert_eq!(place.path, "/process_api");
    assert_eq!(places.lookup(id(&memory.path().join("process_api")), 0), None);
}

#[test]
fn the_thread_finds_what_it_is_told_of_and_what_is_missed_and_ends_with_its_sender() {
    let dir = tempfile::tempdir().unwrap();
    let (places, sender, thread) = start(mount("/", dir.path(), UNIFIED).as_bytes(), dir.path()).unwrap();
    let make = |name: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::metadata(dir.path().join(name)).unwrap().ino()
    };
    let eventually = |id| {
        let end = Instant::now() + Duration::from_secs(30);
        while places.lookup(id, 0).is_none() {
            assert!(Instant::now() < end, "not found in time");
            thread::yield_now();
        }
    };
    let told = make("told");
    sender.made(told, fs::metadata(dir.path()).unwrap().ino());
    eventually(told);
    eventually(make("missed"));
    drop(sender);
    thread.join().unwrap();
    assert_eq!(places.n_dropped(), 0);
    assert!(places.lookup(told, 0).is_some());
    assert_eq!(places.lookup(u64::MAX, 0), None);
}

#[test]
fn without_cgroups_nothing_is_known_and_nothing_fails() {
    let (places, sender, thread) = start(b"", Path::new("/nowhere")).unwrap();
    sender.made(2, 1);
    assert_eq!(places.lookup(2, 2), None);
    drop(sender);
    thread.join().unwrap();
}

#[test]
fn whoever_tells_never_waits_and_what_there_is_no_room_for_is_counted() {
    let (messages, inbox) = sync_channel(2);
    let messages = Arc::new(messages);
    let worker = Worker::new(b"", Path::new("/nowhere"), CAPACITY, &messages);
    let sender = CgroupSender { messages, places: Arc::clone(&worker.places) };
    (0..5).for_each(|id| sender.made(id, 1));
    assert_eq!(worker.places.n_dropped(), 3);
    assert_eq!(inbox.try_iter().count(), 2);
    // Of many that are missed one tells.
    for id in 1..5 {
        assert_eq!(worker.places.lookup(id, 0), None);
    }
    assert_eq!((inbox.try_recv(), inbox.try_recv()), (Ok(Message::Missed), Err(TryRecvError::Empty)));
}

#[test]
fn this_machine_can_be_looked_at() {
    let (places, sender) = crate::cgroup::start().unwrap();
    assert!(places.n_known() >= Tree::all(&mountinfo()).len());
    drop(sender);
}
