//! A process that dies, for whoever wants to see whether that is told.

use std::{io, os::unix::process::CommandExt as _, process::Command};

use rustix::process::{Signal, getpid, kill_process};

/// Starts a process that kills itself before it runs anything, and waits for its end; returns its process id.
///
/// # Errors
/// If it cannot be started.
pub fn victim() -> io::Result<u32> {
    let mut command = Command::new("/proc/self/exe");
    // SAFETY: between fork and exec it makes two system calls and nothing else.
    unsafe { command.pre_exec(|| Ok(kill_process(getpid(), Signal::KILL)?)) };
    let mut child = command.spawn()?;
    child.wait()?;
    Ok(child.id())
}
