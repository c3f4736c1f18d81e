//! Who processes are: what they run, whose children they are, what they call themselves.

use std::{
    env,
    os::{
        fd::AsFd as _,
        unix::{ffi::OsStrExt as _, fs::symlink},
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

use nix::{
    fcntl::OFlag,
    libc,
    sys::signal::{Signal, kill},
    unistd::{ForkResult, Pid, fork, pipe2, read},
};

use crate::{
    sent::{make, sends},
    system,
    troupe::{Part, Troupe, curtain, introduce, name, until_the_test_ends},
};

/// What this program does when a scene runs it by exec; `None` if it is to play a scene itself.
pub(crate) fn played_by_exec(args: &[&str]) -> Option<ExitCode> {
    match *args {
        ["idle"] => until_the_test_ends(),
        ["exit", status] => Some(ExitCode::from(status.parse::<u8>().ok()?)),
        ["kill", pid] => {
            make("kill", pid.parse().ok()?, libc::SIGKILL.into());
            Some(ExitCode::SUCCESS)
        }
        _ => None,
    }
}

/// A sender runs victims one after the other, each with a path of its own, and kills each as soon as it has begun to run.
pub(crate) fn brief_victims(troupe: &mut Troupe, folder: &str, n: u32) {
    let programs: Vec<_> = (0..n).map(|n| link(folder, &format!("x{n}"))).collect();
    let sender = troupe.cast("sender", |part| {
        part.wait();
        let mut troupe = Troupe::default();
        for program in &programs {
            let victim = run(program, &["idle"]);
            kill(victim, Signal::SIGKILL).expect("it is a child");
            troupe.finish();
        }
    });
    curtain();
    sender.cue();
}

/// A sender with a path of its own kills the victim, and is gone at once.
pub(crate) fn brief_sender(troupe: &mut Troupe, folder: &str) {
    let program = link(folder, "s");
    let victim = troupe.cast("victim", Part::wait);
    let sender = troupe.cast("sender", |part| {
        part.wait();
        system::exec(&program, &["kill", &victim.pid.to_string()]);
    });
    curtain();
    sender.cue();
}

/// The victim's parent is a player too.
pub(crate) fn family(troupe: &mut Troupe) {
    let parent = troupe.cast("parent", |part| {
        let mut troupe = Troupe::default();
        let victim = troupe.cast("victim", Part::wait);
        let sender =
            troupe.cast("sender", sends(&[("kill", victim.pid.as_raw().into(), libc::SIGTERM.into())]));
        part.wait();
        sender.cue();
        troupe.finish();
    });
    curtain();
    parent.cue();
}

/// Victim and sender call themselves by a name of any bytes.
pub(crate) fn named(troupe: &mut Troupe, hex: &str) {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
    let name: Vec<_> = (0..hex.len()).step_by(2).map(digits).collect();
    let victim = troupe.cast_as("victim", &name, Part::wait);
    let kill = [("kill", victim.pid.as_raw().into(), libc::SIGKILL.into())];
    let sender = troupe.cast_as("sender", &name, sends(&kill));
    curtain();
    sender.cue();
}

/// This program under another path, whose last part becomes the name of the process.
fn link(folder: &str, letter: &str) -> PathBuf {
    let path = Path::new(folder).join(name(letter));
    symlink(env::current_exe().expect("this program has a path"), &path).expect("the folder is the test's");
    path
}

/// Runs a program as a victim; returns as soon as it runs.
fn run(program: &Path, args: &[&str]) -> Pid {
    // The kernel closes the other end when the program begins.
    let (runs, not_yet) = pipe2(OFlag::O_CLOEXEC).expect("there are descriptors");
    // SAFETY: this process has one thread.
    match unsafe { fork() }.expect("there is room for a process") {
        ForkResult::Child => system::exec(program, args),
        ForkResult::Parent { child } => {
            drop(not_yet);
            let comm = program.file_name().expect("it is a file");
            introduce("victim", child.as_raw(), child.as_raw(), comm.as_bytes());
            assert_eq!(read(runs.as_fd(), &mut [0]), Ok(0));
            child
        }
    }
}
