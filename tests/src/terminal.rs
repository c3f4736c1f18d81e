//! A terminal that somebody looks at, for what programs show there and nowhere else.

use std::{
    fs::File,
    io::Read as _,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use nix::pty::openpty;

/// Runs a command with its standard error on a terminal, and its standard output thrown away. Returns how it ended, and what
/// the terminal was sent.
///
/// # Panics
/// If there is no terminal to be had, or the command cannot be started.
#[must_use]
pub fn watched(command: &mut Command) -> (ExitStatus, String) {
    let terminal = openpty(None, None).expect("a terminal can be had");
    let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(terminal.slave);
    let mut child: Child = streams.spawn().expect("the command can be started");
    // The end of what is read comes when nobody has the other side any more.
    command.stderr(Stdio::null());
    let mut reader = File::from(terminal.master);
    let reading = thread::spawn(move || {
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = reader.read(&mut part) {
            shown.extend_from_slice(&part[..n]);
        }
        shown
    });
    let status = child.wait().expect("a child can be waited for");
    let shown = reading.join().expect("a reader does not panic");
    (status, String::from_utf8_lossy(&shown).into_owned())
}
