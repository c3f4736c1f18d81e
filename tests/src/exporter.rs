//! The exporter under test: the real binary, on ports of its own.

use std::{env, io, os::unix::process::CommandExt as _, process::Command};

use nix::{errno::Errno, libc, sys::signal::Signal};

use crate::{binary, eventually, http, process::Process, scrape::Scrape};

/// A running `killsnoop-exporter`.
pub struct Exporter {
    /// The process.
    pub process: Process,
    /// Where it serves HTTP.
    pub address: String,
}

impl Exporter {
    /// Starts it with these arguments on a free port, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// As [`start`](Self::start), with environment variables.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start_with(args: &[&str], envs: &[(&str, &str)]) -> Self {
        Self::start_command(command().args(hook(args)).args(args).envs(envs.iter().copied()))
    }

    /// Starts what this command runs, on a free port, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start_command(command: &mut Command) -> Self {
        let process = Process::start(command.args(["--web.listen-address", "127.0.0.1:0"]));
        let address = process.stderr.find(|line| Some(line.split_once("listening on ")?.1.trim().to_owned()));
        let exporter = Self { process, address };
        let stderr = exporter.process.stderr.clone();
        eventually(
            || (exporter.get("/readyz").status == 200).then_some(()),
            || format!("not ready\n{stderr}"),
        );
        exporter
    }

    /// Asks for a path.
    #[must_use]
    pub fn get(&self, path: &str) -> http::Response {
        http::get(&self.address, path, &[])
    }

    /// Reads `/metrics` in the classic text format.
    ///
    /// # Panics
    /// If it is not served.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        Scrape::parse(response.text())
    }

    /// Scrapes until the page answers the question.
    ///
    /// # Panics
    /// If it never does.
    pub fn scrape_until(&self, asked: impl Fn(&Scrape) -> bool) -> Scrape {
        let answer = || Some(self.scrape()).filter(&asked);
        eventually(answer, || format!("{:#?}", self.scrape()))
    }

    /// Ends it with SIGTERM.
    ///
    /// # Panics
    /// If it does not end with 0.
    pub fn stop(mut self) -> Process {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.wait();
        assert!(status.success(), "{status}\n{}", self.process.stderr);
        self.process
    }
}

/// The binary, ready for arguments, and free of what the caller's environment says about OTLP.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(binary());
    let otel = env::vars().map(|(name, _)| name).filter(|name| name.starts_with("OTEL_"));
    for name in otel {
        command.env_remove(name);
    }
    command
}

/// The flag for the hook that `KILLSNOOP_HOOK` names, if it does and these arguments name none: one kernel may have several,
/// and what holds for one must hold for each.
#[must_use]
pub fn hook(args: &[&str]) -> Vec<String> {
    let hook = env::var("KILLSNOOP_HOOK").ok().filter(|_| !args.contains(&"--hook"));
    hook.map_or_else(Vec::new, |hook| vec!["--hook".to_owned(), hook])
}

/// The binary with these arguments and without any capability. The user stays, since the binary may lie where only that
/// user can read.
#[must_use]
pub fn unprivileged(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args);
    // SAFETY: between fork and exec this makes two kinds of system calls, and nothing else.
    unsafe { command.pre_exec(drop_capabilities) };
    command
}

/// What root gets at exec are the capabilities of its bounding set and those that are inherited: after this, none.
fn drop_capabilities() -> io::Result<()> {
    for capability in 0..64_u64 {
        // SAFETY: takes numbers.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            Ok(_) => {}
            // There are no more.
            Err(Errno::EINVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let (header, none) = ([CAPABILITY_VERSION, 0], [0_u32; 6]);
    // SAFETY: both are as capset(2) has them, for this thread: a version and a number, and two times three sets.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })?;
    Ok(())
}

/// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// `killsnoop-exporter trace` with these arguments, once it is attached.
///
/// # Panics
/// If it does not attach.
#[must_use]
pub fn trace(args: &[&str]) -> Process {
    watching(command().arg("trace").args(hook(args)).args(args))
}

/// Starts a tracer, and waits until it says that it watches.
///
/// # Panics
/// If it does not attach.
#[must_use]
pub fn watching(command: &mut Command) -> Process {
    let process = Process::start(command);
    process.stderr.find(|line| line.contains("watching with hook").then_some(()));
    process
}
