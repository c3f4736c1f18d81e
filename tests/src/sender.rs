//! Processes that send signals on request, see src/bin/sender.rs.

use std::{collections::BTreeMap, env, process::Command};

use crate::process::Process;

/// A sender that waits for its cue, so that its process id can be used before it makes a call.
pub struct Sender {
    process: Process,
}

impl Sender {
    /// Starts one that will take these steps, for instance `kill:self:9` or `tkill:gone:0:1000`.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn new(steps: &[&str]) -> Self {
        let path = env::current_exe().expect("a test has a path");
        // Tests lie in target/PROFILE/deps, binaries one above.
        let path = path.ancestors().nth(2).expect("a test lies in deps").join("sender");
        let process = Process::start(Command::new(path).args(steps));
        process.stdout.find(|line| line.strip_prefix("ready ").map(drop));
        Self { process }
    }

    /// Its process id, which is also the id of its only thread.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Lets it go, without waiting for its end.
    pub fn go(&mut self) {
        self.process.write("\n");
    }

    /// Waits for its end, and returns how often its calls returned what: 0, or a negated errno.
    ///
    /// # Panics
    /// If it fails, or was not let go.
    pub fn results(mut self) -> BTreeMap<i64, u64> {
        let status = self.process.wait();
        assert!(status.success(), "sender: {status}\n{}", self.process.stderr);
        let all = self.process.stdout.all();
        let rows = all.iter().skip(1).map(|line| line.split_once(' ').expect("RESULT COUNT"));
        rows.map(|(result, n)| (result.parse().expect("a result"), n.parse().expect("a count"))).collect()
    }

    /// Lets it go and waits for its end.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(mut self) -> BTreeMap<i64, u64> {
        self.go();
        self.results()
    }
}
