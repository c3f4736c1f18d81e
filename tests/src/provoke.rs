//! Scenes that end in signals and deaths, played by processes of their own, see src/bin/provoke.

use std::{env, process::Command};

use serde_json::Value;

use crate::{eventually, process::Process};

/// The signal of the timers that expire under attack. No test counts it, and the shared tracer does not show calls that
/// send it, since the attackers make very many.
pub const TIMER_SIGNAL: i32 = 59;

/// A scene with its players on the stage, waiting for the curtain.
pub struct Play {
    process: Process,
}

/// A scene that is over.
#[derive(Debug)]
pub struct Played {
    /// Process id of the process that ran it.
    pub pid: u64,
    /// Who played, in the order in which they came.
    pub players: Vec<Player>,
    /// What it could not do on this machine, and why.
    pub cannot: Option<String>,
    /// When it began and when it was over, in nanoseconds of `CLOCK_BOOTTIME`.
    pub time: (u64, u64),
    lines: Vec<String>,
    /// What players said whom something stopped.
    pub errors: Vec<String>,
}

/// A process that played a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Player {
    /// Its part, such as `victim`.
    pub role: String,
    /// Process id in the initial pid namespace.
    pub pid: u64,
    /// Process id in its own pid namespace.
    pub ns_pid: u64,
    /// Inode number of that namespace.
    pub pid_ns: u64,
    /// Its name; bytes that are not UTF-8 became U+FFFD.
    pub comm: String,
    /// How it ended; `None` if nobody could wait for it but the kernel.
    pub end: Option<End>,
}

/// How a process ended, as waitpid(2) has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this status.
    Exit(i64),
    /// It died of this signal, with or without a core dump.
    Signal(i64, bool),
}

impl Play {
    /// Starts a scene, and waits until all are ready.
    ///
    /// # Panics
    /// If they do not get ready.
    #[must_use]
    pub fn new(scene: &[&str]) -> Self {
        let path = env::current_exe().expect("a test has a path");
        // Tests lie in target/PROFILE/deps, binaries one above.
        let path = path.ancestors().nth(2).expect("a test lies in deps").join("provoke");
        let process = Process::start(Command::new(path).args(scene));
        let is_ready = || process.stdout.all().iter().any(|line| line == "ready").then_some(());
        eventually(is_ready, || format!("{scene:?} not ready:\n{}\n{}", process.stdout, process.stderr));
        Self { process }
    }

    /// Who plays this part first.
    ///
    /// # Panics
    /// If nobody does.
    #[must_use]
    pub fn the(&self, role: &str) -> Player {
        let lines = self.process.stdout.all();
        let player = said(&lines, "player").map(Player::new).find(|player| player.role == role);
        player.unwrap_or_else(|| panic!("nobody plays the {role}:\n{}", self.process.stdout))
    }

    /// Lets it go, and waits for its end.
    ///
    /// # Panics
    /// If it fails, or does not end.
    #[must_use]
    pub fn run(mut self) -> Played {
        self.process.write("\n");
        let status = self.process.wait();
        let lines = self.process.stdout.all();
        assert!(status.success(), "{status}\n{}\n{}", self.process.stdout, self.process.stderr);
        Played::new(self.process.pid().into(), lines, self.process.stderr.all())
    }
}

impl Played {
    fn new(pid: u64, lines: Vec<String>, errors: Vec<String>) -> Self {
        let said = |word: &str| said(&lines, word).next().map(str::to_owned);
        let time = |word| said(word).expect("it tells the time").parse().expect("a time is a number");
        Self {
            pid,
            players: players(&lines),
            cannot: said("cannot"),
            time: (time("began"), time("over")),
            lines,
            errors,
        }
    }

    /// Who played this part first.
    ///
    /// # Panics
    /// If nobody did.
    #[must_use]
    pub fn the(&self, role: &str) -> &Player {
        self.all(role)
            .next()
            .unwrap_or_else(|| panic!("nobody played the {role}:\n{}", self.lines.join("\n")))
    }

    /// All who played this part.
    pub fn all(&self, role: &str) -> impl Iterator<Item = &Player> {
        self.players.iter().filter(move |player| player.role == role)
    }

    /// What the calls of the players returned, in the order of their returns.
    ///
    /// # Panics
    /// Never: it says numbers.
    #[must_use]
    pub fn returned(&self) -> Vec<i64> {
        said(&self.lines, "returned").map(|result| result.parse().expect("a result is a number")).collect()
    }

    /// What it said after this word, for instance `limit`.
    ///
    /// # Panics
    /// If it said no such thing.
    #[must_use]
    pub fn said(&self, word: &str) -> &str {
        said(&self.lines, word)
            .next()
            .unwrap_or_else(|| panic!("it said nothing of {word}:\n{}", self.lines.join("\n")))
    }
}

/// Who played, with how they ended.
fn players(lines: &[String]) -> Vec<Player> {
    let mut players = vec![];
    for line in lines {
        if let Some(player) = line.strip_prefix("player ") {
            players.push(Player::new(player));
        } else if let Some((pid, end)) = line.strip_prefix("ended ").map(End::new) {
            // Numbers are reused: it is the last who had this one.
            let player = players.iter_mut().rev().find(|player: &&mut Player| player.pid == pid);
            player.unwrap_or_else(|| panic!("nobody played with the number {pid}")).end = Some(end);
        }
    }
    players
}

fn said<'a>(lines: &'a [String], word: &str) -> impl Iterator<Item = &'a str> {
    lines.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
}

impl Player {
    fn new(line: &str) -> Self {
        let words: Vec<_> = line.splitn(5, ' ').collect();
        let [role, pid, ns_pid, pid_ns, comm] = words[..] else { panic!("no player: {line:?}") };
        let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("no number: {word:?}"));
        let (role, comm) = (role.to_owned(), text(comm));
        Self { role, pid: number(pid), ns_pid: number(ns_pid), pid_ns: number(pid_ns), comm, end: None }
    }

    /// Whether an event's process is this one. Its number alone may have been somebody else's before and after.
    #[must_use]
    pub fn is(&self, process: &Value) -> bool {
        process["pid"] == self.pid && process["comm"] == self.comm
    }
}

fn text(hex: &str) -> String {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
    let bytes: Vec<_> = (0..hex.len()).step_by(2).map(byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl End {
    fn new(line: &str) -> (u64, Self) {
        let words: Vec<_> = line.split(' ').collect();
        let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("no number: {word:?}"));
        let (pid, end) = match words[..] {
            [pid, "exit", status] => (pid, Self::Exit(number(status))),
            [pid, "signal", signal, "core", core] => (pid, Self::Signal(number(signal), core == "1")),
            _ => panic!("no end: {line:?}"),
        };
        (pid.parse().expect("a process id is a number"), end)
    }
}
