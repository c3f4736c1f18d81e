//! Many simulated nodes as those who scrape them see them: addresses.

use std::process::Command;

use killsnoop_tests::process::Process;
use tempfile::NamedTempFile;

use crate::{node, page::Pattern};

/// A process that is so many nodes, until it is dropped.
pub(crate) struct Fleet {
    _process: Process,
    pub(crate) addresses: Vec<String>,
}

/// Patterns lie in files: a process for each fleet reads one.
pub(crate) fn file(pattern: &Pattern) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file can be had");
    pattern.write(file.path());
    file
}

impl Fleet {
    pub(crate) fn start(pattern: &NamedTempFile, nodes: usize) -> Self {
        // What runs now, even if somebody has built it anew since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(node::COMMAND).arg(pattern.path()).arg(nodes.to_string());
        let process = Process::start(&mut command);
        let addresses = process.stdout.wait_for(nodes);
        Self { _process: process, addresses }
    }
}
