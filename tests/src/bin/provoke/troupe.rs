//! Processes that each play a part, on cue.

use std::{
    fmt::Write as _,
    fs,
    io::{self, BufRead as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    sync::OnceLock,
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::{ForkResult, Pid, fork, getpid, pipe, read, write},
};

use crate::system::{self, End};

/// Those who play, as the process that has cast them knows them.
#[derive(Default)]
pub(crate) struct Troupe {
    numbers: Vec<(Pid, i32)>,
}

/// One who plays. Dropping this leaves it alone.
pub(crate) struct Player {
    /// Its number in the pid namespace of the process that has cast it.
    pub(crate) pid: Pid,
    prompter: OwnedFd,
}

/// What a player has of the rest: whom to tell that it is ready, and where its cue comes from.
pub(crate) struct Part {
    ready: OwnedFd,
    cue: OwnedFd,
}

impl Troupe {
    /// Starts a process for a part; returns when it is ready. It begins with no signal handled, ignored or blocked, and
    /// with a [`name`] that begins with the first letter of its role. When its part is over it exits with 0.
    pub(crate) fn cast(&mut self, role: &str, play: impl FnOnce(&Part)) -> Player {
        self.cast_as(role, name(&role[..1]).as_bytes(), play)
    }

    /// The same, with a name of any bytes.
    pub(crate) fn cast_as(&mut self, role: &str, comm: &[u8], play: impl FnOnce(&Part)) -> Player {
        let (cue, prompter) = pipe().expect("there are descriptors");
        let (is_ready, ready) = pipe().expect("there are descriptors");
        // SAFETY: the process has one thread when it casts, so the child may do whatever the parent may.
        match unsafe { fork() }.expect("there is room for a process") {
            ForkResult::Child => {
                drop((prompter, is_ready));
                enter(role, comm);
                play(&Part { ready, cue });
                system::exit(0)
            }
            ForkResult::Parent { child } => {
                drop((cue, ready));
                let host_pid = host_pid_of(&is_ready).unwrap_or_else(|| panic!("the {role} was never ready"));
                self.numbers.push((child, host_pid));
                Player { pid: child, prompter }
            }
        }
    }

    /// Waits for the end of one player, and tells it.
    pub(crate) fn end_of(&mut self, player: &Player) -> End {
        let (_, end) = system::wait(player.pid.as_raw()).expect("it is a child, and was not waited for");
        self.tell(player.pid, end);
        end
    }

    /// Waits for the end of all players that are left, and tells it.
    pub(crate) fn finish(&mut self) {
        while let Some((pid, end)) = system::wait(-1) {
            self.tell(pid, end);
        }
    }

    fn tell(&self, pid: Pid, end: End) {
        // Who was cast by somebody else has come here when that one ended; the own numbers are then the initial ones.
        let cast = self.numbers.iter().find(|(player, _)| *player == pid);
        let host_pid = cast.map_or(pid.as_raw(), |(_, host_pid)| *host_pid);
        say(&format!("ended {host_pid} {end}"));
    }
}

impl Player {
    /// Gives the player its cue.
    pub(crate) fn cue(&self) {
        write(&self.prompter, b"!").expect("it waits for its cue");
    }
}

impl Part {
    /// Says that it is ready for what comes, cue or no cue. To be said once.
    pub(crate) fn ready(&self) {
        write(&self.ready, &host_pid().to_ne_bytes()).expect("whoever cast it waits");
    }

    /// Waits for its cue. The end of whoever would give it is none, but that of the test is the end of all.
    pub(crate) fn cue(&self) {
        while !self.is_cued(PollTimeout::NONE) {}
        read(&self.cue, &mut [0]).expect("it is there");
    }

    /// Whether the cue has come, after waiting for it so long.
    pub(crate) fn is_cued(&self, patience: PollTimeout) -> bool {
        let hung_up =
            |file: &PollFd<'_>| file.revents().is_some_and(|events| events.contains(PollFlags::POLLHUP));
        let (test, cue) = (io::stdin(), self.cue.as_fd());
        let mut files = [PollFd::new(test.as_fd(), PollFlags::empty()), PollFd::new(cue, PollFlags::POLLIN)];
        // A call that a handled signal has interrupted has seen nothing.
        _ = poll(&mut files, patience);
        if hung_up(&files[0]) {
            system::exit(1);
        }
        let is_cued = files[1].revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
        if !is_cued && hung_up(&files[1]) {
            until_the_test_ends();
        }
        is_cued
    }

    /// Says that it is ready, and waits for its cue.
    pub(crate) fn wait(&self) {
        self.ready();
        self.cue();
    }
}

/// Says that all are ready, and waits until the test wants to see the act.
pub(crate) fn curtain() {
    say("ready");
    let n = io::stdin().lock().read_line(&mut String::new()).unwrap_or(0);
    // A test that is gone wants to see nothing.
    if n == 0 {
        system::exit(1);
    }
}

/// Does nothing more, but a signal may come.
pub(crate) fn until_the_test_ends() -> ! {
    let test = io::stdin();
    loop {
        let mut files = [PollFd::new(test.as_fd(), PollFlags::empty())];
        if poll(&mut files, PollTimeout::NONE).is_ok() {
            system::exit(1);
        }
    }
}

/// Says a line, whole, whoever else speaks.
pub(crate) fn say(line: &str) {
    let line = format!("{line}\n");
    let n = write(io::stdout(), line.as_bytes());
    assert_eq!(n, Ok(line.len()), "whoever started this listens");
}

/// Says that this machine cannot do what the scene needs; the test raises the curtain all the same.
pub(crate) fn cannot(why: &str) {
    say(&format!("cannot {why}"));
    curtain();
}

/// The own number in the initial pid namespace, which /proc is of.
pub(crate) fn host_pid() -> i32 {
    let link = fs::read_link("/proc/self").expect("proc is mounted");
    link.to_str().and_then(|number| number.parse().ok()).expect("the link is a number")
}

/// Number of the process that the test has started.
static MANAGER: OnceLock<i32> = OnceLock::new();

/// To be called first, by the process that the test has started.
pub(crate) fn name_players_after_this_process() {
    MANAGER.get_or_init(host_pid);
}

/// A name for what belongs to this run of the program, and that nothing else has.
pub(crate) fn name(letter: &str) -> String {
    format!("{letter}-{}", MANAGER.get_or_init(host_pid))
}

/// Tells the test who plays.
pub(crate) fn introduce(role: &str, pid: i32, ns_pid: i32, comm: &[u8]) {
    let namespace = fs::metadata("/proc/self/ns/pid").expect("proc is mounted").ino();
    let mut line = format!("player {role} {pid} {ns_pid} {namespace} ");
    comm.iter().try_for_each(|byte| write!(line, "{byte:02x}")).expect("a text takes all");
    say(&line);
}

fn enter(role: &str, comm: &[u8]) {
    system::reset_signals();
    system::limit(libc::RLIMIT_CORE, 0, None);
    system::rename(comm);
    introduce(role, host_pid(), getpid().as_raw(), comm);
}

fn host_pid_of(is_ready: &OwnedFd) -> Option<i32> {
    let mut number = [0; 4];
    loop {
        match read(is_ready, &mut number) {
            Ok(4) => return Some(i32::from_ne_bytes(number)),
            Err(Errno::EINTR) => {}
            _ => return None,
        }
    }
}
