//! What the guide for users tells of: a worker that ignores SIGTERM and gets SIGKILL from a script.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{eventually, judge::read};

/// Where it is.
pub const GUIDE: &str = "docs/why-was-my-process-killed.md";

/// The lines of all blocks of the guide in this language; one that goes on is indented in the next.
///
/// # Panics
/// If the guide is not there.
#[must_use]
pub fn questions(language: &str) -> Vec<String> {
    let text = read(GUIDE);
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next());
    let lines = blocks.map(|block| block.replace("\n ", " "));
    lines.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Does what the guide tells of, but for its pause, with a worker in these cgroups. Returns its process id.
///
/// # Panics
/// If it cannot be done.
#[must_use]
pub fn worker_is_killed(folder: &Path, cgroups: &[PathBuf]) -> u32 {
    let (worker, deploy) = (folder.join("worker"), folder.join("deploy.sh"));
    symlink("/bin/sleep", &worker).expect("a link can be made");
    fs::write(&deploy, "#!/bin/sh\nkill -TERM $1\nkill -KILL $1\n").expect("a script can be written");
    fs::set_permissions(&deploy, Permissions::from_mode(0o755)).expect("a script can be made one");
    let enter = cgroups.iter().map(|cgroup| format!("echo $$ >{}/cgroup.procs; ", cgroup.display()));
    let script = format!("set -e; {}trap '' TERM; exec \"$0\" 1000", enter.collect::<String>());
    let mut victim = Command::new("sh").args(["-c", &script]).arg(&worker).spawn().expect("a shell is there");
    let pid = victim.id();
    let name = || fs::read_to_string(format!("/proc/{pid}/comm")).expect("the worker lives");
    eventually(|| (name() == "worker\n").then_some(()), name);
    // Another test may be about to start a program, and have the script open for as long.
    let run = || Command::new(&deploy).arg(pid.to_string()).status();
    eventually(|| run().ok(), || format!("{:?}", run()));
    victim.wait().expect("the worker can be waited for");
    pid
}
