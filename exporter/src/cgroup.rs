//! Where a process runs: its cgroup, and what that says of container, pod and unit.
//!
//! The kernel tells ids of cgroups; [`Places`] knows the directories that have them, and [`parse`] reads their paths.
//! A thread looks at the file system, so that nobody who has an event in hand does.
//!
//! What can be found is what the mounts of this process show: in a container, mount all of the machine's
//! `/sys/fs/cgroup`. Mounts are read when the thread starts.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

mod cache;
mod mounts;
mod names;
mod path;
mod places;
mod tree;
mod worker;

pub use self::{path::parse, places::Places, worker::CgroupSender};

/// What a cgroup's path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path of the cgroup in its hierarchy, for instance `/system.slice/nginx.service`. Bytes that are not UTF-8
    /// became U+FFFD; control characters stay: what prints it escapes it.
    pub path: String,
    /// The container.
    pub container: Option<Container>,
    /// The Kubernetes pod.
    pub pod: Option<Pod>,
    /// The systemd unit: the innermost that processes run in (a service or a scope, rarely a socket, mount or swap),
    /// else the innermost slice. Of a container that runs systemd it is a unit inside. As systemd escapes it:
    /// `a\x2db.service`.
    pub unit: Option<String>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its id, as the runtime gave it, and as it is in the path: 64 hexadecimal digits; with LXC, systemd-nspawn and
    /// Nomad a name.
    pub id: String,
    /// The runtime: `docker`, `containerd`, `cri-o`, `podman`, `buildkit`, `kata`, `lxc`, `systemd-nspawn`, `nomad`,
    /// `mesos` or `garden`; empty if the path does not say.
    pub runtime: &'static str,
    /// Its name, if the path, a file of the runtime or of the kubelet says it.
    pub name: Option<String>,
}

/// A Kubernetes pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its uid, with dashes; of a pod that comes from a file on the node, a hash without.
    pub uid: String,
    /// Its name, if a file of the kubelet says it.
    pub name: Option<String>,
    /// Its namespace, if a file of the kubelet says it.
    pub namespace: Option<String>,
}

/// Looks at all cgroups, and starts the thread that knows them from there on. It ends when the sender is dropped; what
/// is known then stays. Where no hierarchy of cgroups is mounted, nothing is known.
///
/// # Errors
/// If no thread can be started.
pub fn start() -> io::Result<(Arc<Places>, CgroupSender)> {
    start_at(Path::new("/"))
}

/// The same, for an exporter that has the root of the machine in another place than `/`: there are the files that name
/// containers.
///
/// # Errors
/// If no thread can be started.
pub fn start_at(root: &Path) -> io::Result<(Arc<Places>, CgroupSender)> {
    let (places, sender, _) = worker::start(&worker::mountinfo(), root)?;
    Ok((places, sender))
}

/// What the thread reads: directories, with all that is below them. Those that are not there yet are among them.
#[must_use]
pub fn reads() -> Vec<PathBuf> {
    let points = mounts::read(&worker::mountinfo()).into_iter().map(|mount| mount.point);
    points.chain(names::folders(Path::new("/"))).collect()
}
