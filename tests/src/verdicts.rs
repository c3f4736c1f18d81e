//! A tracer of the whole machine, `killsnoop-exporter trace --all --json`, and what it says of the players of one scene.

mod told;

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead as _, BufReader, Read},
    os::unix::process::CommandExt as _,
    process::{Child, Stdio},
    sync::{Arc, Mutex, OnceLock, mpsc},
    thread,
};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use serde_json::Value;

pub use self::told::Told;
use crate::{
    eventually,
    exporter::{command, hook},
    provoke::{Play, Played, TIMER_SIGNAL},
};

/// A tracer that is attached. Dropping this ends it, and so does the end of the test program.
pub struct Tracer {
    child: Child,
    events: Arc<Mutex<Events>>,
    stderr: Arc<Mutex<Vec<String>>>,
}

/// Plays a scene before the tracer that all tests share, and returns what that tells of it.
#[must_use]
pub fn of(scene: &[&str]) -> Told {
    let tracer = Tracer::shared();
    tracer.watch(Play::new(scene))
}

impl Tracer {
    /// The tracer that all tests share. It shows no calls that send [`TIMER_SIGNAL`], and no noise.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Tracer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["--exclude", &TIMER_SIGNAL.to_string()]))
    }

    /// Starts one with these arguments besides, and waits until it is attached.
    ///
    /// # Panics
    /// If it does not attach.
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        let mut command = command();
        command.args(["trace", "--all", "--json", "--log.level", "info"]).args(hook(args)).args(args);
        // Who forgets to end it, or cannot, ends it by its own end: that of the thread which has started it.
        // SAFETY: between fork and exec this makes one system call, and nothing else.
        unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)) };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (events, stderr) = (Arc::<Mutex<Events>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (started, start) = mpsc::channel();
        let (reader, logger) = (Arc::clone(&events), Arc::clone(&stderr));
        thread::spawn(move || {
            let mut child = command.spawn().expect("the binary can be started");
            let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
            thread::spawn(move || read(stderr, |line| lock(&logger).push(line.to_owned())));
            started.send(child).expect("somebody waits for it");
            read(stdout, |line| lock(&reader).add(line));
        });
        let child = start.recv().expect("it was started");
        let tracer = Self { child, events, stderr };
        let is_attached = || tracer.log().contains("watching with hook").then_some(());
        eventually(is_attached, || format!("not attached:\n{}", tracer.log()));
        tracer
    }

    /// Lets a scene go, and returns what this tells of it once it has told all.
    ///
    /// # Panics
    /// If the scene fails, or this loses the end of it.
    #[must_use]
    pub fn watch(&self, play: Play) -> Told {
        let played = play.run();
        let missing = || self.missing(&played);
        eventually(
            || missing().is_empty().then_some(()),
            || format!("{:?} of the fence is not told of:\n{played:#?}\n{}", missing(), self.log()),
        );
        let events = self.events_of(&played);
        Told::new(played, events)
    }

    /// What is not told yet of the fence, after which nothing comes.
    fn missing(&self, played: &Played) -> Vec<&'static str> {
        let (events, fence) = (lock(&self.events), played.the("fence"));
        let told = || events.of(fence.pid).map(|(_, event)| event).filter(|event| is_in_time(event, played));
        let is_call = |event: &Value, signal: &str| {
            event["sender"]["pid"] == played.pid && event["signal_name"] == signal
        };
        let all = [
            ("death", told().any(|event| event["event"] == "death" && fence.is(&event["victim"]))),
            ("SIGTERM", told().any(|event| is_call(event, "SIGTERM"))),
            ("SIGKILL", told().any(|event| is_call(event, "SIGKILL"))),
        ];
        all.iter().filter(|(_, told)| !told).map(|(what, _)| *what).collect()
    }

    /// All events of the players, in the order in which they were told, but for those of the fence.
    fn events_of(&self, played: &Played) -> Vec<Arc<Value>> {
        let events = lock(&self.events);
        let all: BTreeMap<_, _> = played.players.iter().flat_map(|player| events.of(player.pid)).collect();
        let is_wanted = |event: &&Arc<Value>| {
            is_in_time(event, played) && ROLES.iter().any(|role| is_player(&event[*role], played))
        };
        all.into_values().filter(is_wanted).map(Arc::clone).collect()
    }

    fn log(&self) -> String {
        lock(&self.stderr).join("\n")
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT);
            _ = self.child.wait();
        }
    }
}

/// All that a tracer has told, by the processes that are named in it.
#[derive(Default)]
struct Events {
    n: usize,
    by_pid: HashMap<u64, Vec<(usize, Arc<Value>)>>,
}

impl Events {
    fn add(&mut self, line: &str) {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        // Other tests make calls by the hundred thousand, by a program of this name.
        if event["sender"]["comm"] == "sender" {
            return;
        }
        let event = Arc::new(event);
        self.n += 1;
        for pid in pids_of(&event) {
            self.by_pid.entry(pid).or_default().push((self.n, Arc::clone(&event)));
        }
    }

    fn of(&self, pid: u64) -> impl Iterator<Item = (usize, &Arc<Value>)> {
        self.by_pid.get(&pid).into_iter().flatten().map(|(n, event)| (*n, event))
    }
}

/// Where an event tells of a process.
const ROLES: [&str; 4] = ["victim", "sender", "target", "trigger"];

/// Whether an event is of the time of a scene: numbers and names are reused.
fn is_in_time(event: &Value, played: &Played) -> bool {
    let at = event["boot_ns"].as_str().and_then(|at| at.parse::<u64>().ok());
    at.is_some_and(|at| (played.time.0..=played.time.1).contains(&at))
}

fn is_player(process: &Value, played: &Played) -> bool {
    played.players.iter().any(|player| player.role != "fence" && player.is(process))
}

/// The processes that an event is about.
fn pids_of(event: &Value) -> Vec<u64> {
    let processes = ROLES.map(|role| &event[role]["pid"]);
    // The target of a call is a number; it is a process if it is positive.
    let numbers = [&event["target"], &event["target_pid"]];
    let mut pids: Vec<_> = processes.into_iter().chain(numbers).filter_map(Value::as_u64).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

fn read(output: Option<impl Read>, mut take: impl FnMut(&str)) {
    let output = output.expect("the output is a pipe");
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        take(&String::from_utf8_lossy(&line));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}
