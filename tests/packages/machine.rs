//! A Debian that is booted in a container of systemd's: a real service manager, of which this machine need have none.

use std::{
    fs,
    process::{Command, Stdio},
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use killsnoop_tests::{eventually, process::Process, root};
use nix::sys::signal::Signal;

use crate::{debian::Debian, done, run};

/// A running machine. It ends with the test.
pub(crate) struct Machine {
    container: Process,
    leader: u32,
    pub(crate) debian: Debian,
}

impl Machine {
    /// Boots a Debian, with no network but its own, and with what a service needs that loads BPF programs.
    pub(crate) fn boot(debian: Debian) -> Self {
        static N_BOOTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("killsnoop-{}-{}", std::process::id(), N_BOOTED.fetch_add(1, Relaxed));
        let container =
            Process::start(Command::new(root().join("tests/tools/boot")).arg(debian.path()).arg(&name));
        let manager: u32 = container.stdout.find(|line| line.strip_prefix("machine ")?.parse().ok());
        let mut machine = Self { container, leader: 0, debian };
        let children = format!("/proc/{manager}/task/{manager}/children");
        let up = || {
            // The first child of all is gone before the machine is there.
            machine.leader = fs::read_to_string(&children).ok()?.split(' ').next()?.parse().ok()?;
            let state = machine.run(&["systemctl", "is-system-running"]).1;
            ["running\n", "degraded\n"].contains(&state.as_str()).then_some(())
        };
        eventually(up, || format!("no machine is up: {children}"));
        machine
    }

    /// A command in it that is still to be run.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.leader.to_string()]).args(words);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }

    /// Whether a command in it succeeded, and what it wrote.
    pub(crate) fn run(&self, words: &[&str]) -> (bool, String) {
        run(&mut self.command(words))
    }

    /// What a command in it wrote, which must succeed.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> String {
        done(&mut self.command(words))
    }

    /// A property of the service, as systemd has it.
    pub(crate) fn property(&self, name: &str) -> String {
        let value =
            self.says(&["systemctl", "show", "--value", "--property", name, "killsnoop-exporter.service"]);
        value.trim_end().to_owned()
    }

    /// Waits until a property is as it should be, and returns it.
    pub(crate) fn until<T: FromStr>(&self, name: &str, is_it: impl Fn(&T) -> bool) -> T {
        let asked = || self.property(name).parse().ok().filter(&is_it);
        eventually(asked, || self.run(&["systemctl", "status", "--no-pager", "-l", "killsnoop-exporter"]).1)
    }

    /// What the exporter serves at a path, with the headers.
    pub(crate) fn get(&self, path: &str) -> (bool, String) {
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/9435 && printf 'GET {path} HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' >&3 && cat <&3"
        );
        self.run(&["bash", "-c", &script])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Whoever has booted it removes its cgroups at the end.
        if !self.run(&["systemctl", "poweroff", "--force", "--force"]).0 {
            self.container.signal(Signal::SIGTERM);
        }
        self.container.wait();
    }
}
