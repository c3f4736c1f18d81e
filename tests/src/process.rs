//! A process of the test's own: its output as lines, its end, and the promise that it does not outlive the test.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::eventually;

/// A running child.
pub struct Process {
    child: Child,
    name: String,
    /// What it wrote to its standard output so far, by lines.
    pub stdout: Lines,
    /// What it wrote to its standard error so far, by lines.
    pub stderr: Lines,
}

/// Lines that are still coming in.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Process {
    /// Starts a command and listens to both of its outputs.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let stdout = Lines::of(child.stdout.take());
        let stderr = Lines::of(child.stderr.take());
        Self { child, name, stdout, stderr }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended and was waited for.
    pub fn signal(&self, signal: Signal) {
        kill(self.nix_pid(), signal).expect("the child is there until it is waited for");
    }

    /// Writes to its standard input.
    ///
    /// # Panics
    /// If it has closed it.
    pub fn write(&mut self, text: &str) {
        use std::io::Write as _;
        let stdin = self.child.stdin.as_mut().expect("standard input is a pipe");
        stdin.write_all(text.as_bytes()).expect("the child reads its standard input");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let Self { child, name, stdout, stderr } = self;
        let ended = || child.try_wait().expect("a child can be waited for");
        let status = eventually(ended, || format!("{name} did not end\n{stdout}\n{stderr}"));
        // Both outputs end with the process; what it wrote last is still on its way.
        eventually(
            || (stdout.ended() && stderr.ended()).then_some(()),
            || format!("{name} left its outputs open"),
        );
        status
    }

    fn nix_pid(&self) -> Pid {
        Pid::from_raw(self.pid().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child that was waited for is gone, and its number may be somebody else's: `try_wait` knows.
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

impl Lines {
    fn of(output: Option<impl Read + Send + 'static>) -> Self {
        let lines = Self::default();
        let (writer, output) = (lines.clone(), output.expect("the output is a pipe"));
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                writer.0.lock().expect("no reader panics").push(String::from_utf8_lossy(&line).into_owned());
            }
        });
        lines
    }

    /// All lines so far.
    ///
    /// # Panics
    /// Never in a test that has not failed.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no writer panics").clone()
    }

    /// Waits for a line, and returns what is found in it.
    ///
    /// # Panics
    /// If no such line comes.
    pub fn find<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        eventually(|| self.all().iter().find_map(|line| find(line)), || format!("no such line in\n{self}"))
    }

    /// Waits until there are this many lines, and returns all.
    ///
    /// # Panics
    /// If they do not come.
    pub fn wait_for(&self, n: usize) -> Vec<String> {
        eventually(
            || Some(self.all()).filter(|all| all.len() >= n),
            || format!("fewer than {n} lines in\n{self}"),
        )
    }

    /// Whether the writer has closed its end: then only this side and no thread holds the lines.
    fn ended(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl std::fmt::Display for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.all().join("\n"))
    }
}
