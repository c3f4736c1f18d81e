//! A tool that runs, with its output in files.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use killsnoop_tests::{http, scrape::Scrape};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::NamedTempFile;

use crate::{
    tools::{Kind, Ready, Tool},
    worker::Worker,
};

/// How long a tool may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tool that watches.
pub(crate) struct Running {
    child: Child,
    kind: Kind,
    output: NamedTempFile,
    errors: NamedTempFile,
    /// Where it serves HTTP, if it does.
    address: Option<String>,
    /// From the start of the process until it watched.
    pub(crate) took: Duration,
}

impl Running {
    /// Starts a tool and waits until it watches.
    ///
    /// # Errors
    /// With what it says if it does not.
    pub(crate) fn start(tool: &Tool, worker: &mut Worker) -> Result<Self, String> {
        let (output, errors) = (temporary(), temporary());
        let started = Instant::now();
        let mut command = Command::new(&tool.argv[0]);
        command.args(&tool.argv[1..]).stdin(Stdio::null()).stdout(reopen(&output)).stderr(reopen(&errors));
        let child = command.spawn().map_err(|error| format!("{}: {error}", tool.argv[0]))?;
        let mut running =
            Self { child, kind: tool.kind, output, errors, address: None, took: Duration::ZERO };
        while !running.watches(tool.ready, worker) {
            running.still_starts(started)?;
            thread::sleep(Duration::from_millis(1));
        }
        running.took = started.elapsed();
        Ok(running)
    }

    fn watches(&mut self, ready: Ready, worker: &mut Worker) -> bool {
        match ready {
            Ready::Says(text) => self.said().contains(text),
            Ready::Serves => {
                self.address = self.address.take().or_else(|| listening(&self.said()));
                self.address.as_ref().is_some_and(|address| http::get(address, "/readyz", &[]).status == 200)
            }
            Ready::Shows => {
                worker.provoke();
                self.n_shown(worker.pid()) > 0
            }
        }
    }

    fn still_starts(&mut self, started: Instant) -> Result<(), String> {
        if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
            return Err(self.why().unwrap_or_else(|| status.to_string()));
        }
        if started.elapsed() > PATIENCE {
            self.stop();
            let why = self.why().map(|why| format!(": {why}")).unwrap_or_default();
            return Err(format!("shows nothing for {} s{why}", PATIENCE.as_secs()));
        }
        Ok(())
    }

    /// The line that most likely tells why it failed.
    fn why(&self) -> Option<String> {
        let said = self.said();
        let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
        let tells = |line: &&str| line.starts_with("error") || line.contains("ERROR");
        let line = lines().find(tells).or_else(|| lines().next_back())?;
        let line = line.split(" Verifier output").next()?;
        // Ours names the hook that was refused, and before that what is known from the row.
        let line = line.rsplit_once(": hook ").map_or(line, |(_, refusal)| refusal);
        Some(line.chars().take(160).collect())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.errors.path()).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads its page of metrics, if it has one.
    pub(crate) fn scrape(&self) -> Option<Scrape> {
        let response = http::get(self.address.as_ref()?, "/metrics", &[]);
        Some(Scrape::parse(response.text()))
    }

    /// Lines that name the worker. Some programs write all to their standard error.
    pub(crate) fn n_shown(&self, worker: u32) -> usize {
        let worker = worker.to_string();
        [&self.output, &self.errors].into_iter().map(|file| n_lines_with(file, &worker)).sum()
    }

    /// Waits until no more output comes.
    pub(crate) fn settle(&self) {
        let size = || {
            [&self.output, &self.errors].map(|file| fs::metadata(file.path()).map_or(0, |meta| meta.len()))
        };
        let (started, mut before) = (Instant::now(), [u64::MAX; 2]);
        while size() != before && started.elapsed() < 3 * PATIENCE {
            before = size();
            thread::sleep(Duration::from_millis(1500));
        }
    }

    /// Ends it, and waits until it has let go of the kernel.
    pub(crate) fn stop(&mut self) {
        let signal = if self.kind == Kind::Peer { Signal::SIGINT } else { Signal::SIGTERM };
        _ = kill(Pid::from_raw(self.pid().cast_signed()), signal);
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if started.elapsed() > PATIENCE {
                _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

fn listening(said: &str) -> Option<String> {
    // The line is complete once its end is there.
    let line =
        said.split_inclusive('\n').find(|line| line.contains("listening on ") && line.ends_with('\n'))?;
    Some(line.split_once("listening on ")?.1.trim().to_owned())
}

fn n_lines_with(file: &NamedTempFile, text: &str) -> usize {
    let mut reader = BufReader::with_capacity(1 << 20, reopen(file));
    reader.seek(SeekFrom::Start(0)).expect("a file has a start");
    let lines = reader.split(b'\n').map_while(Result::ok);
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

fn temporary() -> NamedTempFile {
    NamedTempFile::new().expect("a temporary file can be had")
}

/// With an offset of its own, at the end of what is there: a program that writes to both does not write over itself.
fn reopen(file: &NamedTempFile) -> File {
    File::options().read(true).append(true).open(file.path()).expect("a temporary file can be opened")
}
