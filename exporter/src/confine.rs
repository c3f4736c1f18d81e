//! Gives up what the exporter no longer needs once it watches: capabilities, files, connections and system calls.
//!
//! All of it holds for the calling thread and for those that it starts from then on, so [`confine`] comes before any other
//! thread. None of it is fatal: what cannot be had is a [`Finding`] for whoever reports it. Files and connections are in
//! `files.rs`, system calls in `calls.rs`.

mod calls;
mod capabilities;
mod files;

use std::path::PathBuf;

use rustix::thread::set_no_new_privs;

pub use self::capabilities::Keep;

/// What is still needed after the attach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Files, and directories with all that is below them, that are read. What is missing is left out.
    pub read: Vec<PathBuf>,
    /// Directories of files that are removed at the end.
    pub remove_in: Vec<PathBuf>,
    /// TCP ports, of whatever machine, that are connected to.
    pub connect: Vec<u16>,
}

impl Reach {
    /// And all that it takes to find the address of a host: the C library reads settings and loads modules for it, and
    /// asks by TCP when an answer is long.
    #[must_use]
    pub fn with_names_of_hosts(mut self) -> Self {
        self.read.extend(files::names_of_hosts());
        self.connect.push(DNS);
        self
    }
}

/// The port of name servers.
const DNS: u16 = 53;

/// What became of one mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub mechanism: &'static str,
    /// Whether it holds.
    pub state: State,
    /// What holds, or why it does not, and the way out.
    pub what: String,
}

/// Whether a mechanism holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    InForce,
    /// This kernel does not have it.
    Absent,
    /// It should, and does not.
    Failed,
}

impl Finding {
    fn new(mechanism: &'static str, state: State, what: impl Into<String>) -> Self {
        Self { mechanism, state, what: what.into() }
    }
}

/// Gives up what is not in reach, and every capability but those to keep. `reads_maps` tries to read a map of the BPF
/// program: some kernels want a capability for that, which is kept there.
pub fn confine(keep: Keep, reach: &Reach, reads_maps: impl Fn() -> bool) -> Vec<Finding> {
    // The order matters: the second and the last need the first, and the last forbids the others.
    vec![
        no_new_privileges(),
        files::restrict(reach),
        capabilities::drop_all_but(keep, reads_maps),
        calls::restrict(),
    ]
}

fn no_new_privileges() -> Finding {
    match set_no_new_privs(true) {
        Ok(()) => Finding::new("no_new_privs", State::InForce, "nothing that is run gains any"),
        Err(error) => Finding::new("no_new_privs", State::Failed, format!("the kernel says: {error}")),
    }
}
