//! The directories of cgroups, and their ids: a cgroup's id is the inode number of its directory.
//!
//! Paths are those of the hierarchy as far as this process can know: what its mount leaves out is added, as
//! `/proc/self/mountinfo` tells it. In a cgroup namespace of its own, with no mount that reaches out of it, they begin
//! at the root of that namespace.

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    fs,
    os::unix::fs::{DirEntryExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::mounts::{self, Hierarchy, Mount};

#[cfg(test)]
pub(crate) mod tests;

/// The part of a hierarchy that a mount shows.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) hierarchy: Hierarchy,
    /// Where it is mounted.
    point: PathBuf,
    /// Path, in the hierarchy, of what is mounted there.
    root: PathBuf,
    root_id: u64,
    device: u64,
}

/// A cgroup's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) id: u64,
    /// The id of the cgroup above it; 0 for the topmost that can be seen.
    pub(super) above: u64,
    /// Its path in the hierarchy.
    pub(super) path: PathBuf,
}

impl Tree {
    /// Opens the mounts of a mountinfo file; those that show nothing that another does not are left out.
    pub(super) fn all(mountinfo: &[u8]) -> Vec<Self> {
        let mut mounts = mounts::read(mountinfo);
        mounts.sort_by_key(|mount| (Reverse(mount.n_up), mount.root.components().count()));
        let mut open: Vec<(Mount, Self)> = Vec::new();
        for mount in mounts {
            if !open.iter().any(|(other, _)| other.covers(&mount))
                && let Some(tree) = Self::open(&mount)
            {
                open.push((mount, tree));
            }
        }
        open.into_iter().map(|(_, tree)| tree).collect()
    }

    /// `None` if it is not there, or another is mounted over it.
    fn open(mount: &Mount) -> Option<Self> {
        let root = fs::symlink_metadata(&mount.point).ok()?;
        (root.is_dir() && root.dev() == mount.device).then(|| Self {
            hierarchy: mount.hierarchy,
            point: mount.point.clone(),
            root: mount.root.clone(),
            root_id: root.ino(),
            device: mount.device,
        })
    }

    /// Hands out the directories, those above before those below, up to a limit. Returns whether that was all.
    pub(super) fn walk(&self, limit: usize, mut take: impl FnMut(Directory)) -> bool {
        let mut n_left = limit;
        let mut waiting = VecDeque::from([(self.root_id, self.root.clone())]);
        take(Directory { id: self.root_id, above: 0, path: self.root.clone() });
        while let Some((above, path)) = waiting.pop_front() {
            for (directory, has_none_below) in self.below(above, &path, |_| true) {
                if n_left == 0 {
                    return false;
                }
                n_left -= 1;
                if !has_none_below {
                    waiting.push_back((directory.id, directory.path.clone()));
                }
                take(directory);
            }
        }
        true
    }

    /// Looks below a directory for those with one of these ids.
    pub(super) fn find(&self, above: u64, path: &Path, ids: &HashSet<u64>) -> Vec<Directory> {
        self.below(above, path, |id| ids.contains(&id)).map(|(directory, _)| directory).collect()
    }

    /// The directories right below one, if their ids are wanted, and whether they say of themselves that they hold no
    /// other. What vanishes meanwhile is left out, and so is what cannot be read.
    fn below(
        &self,
        above: u64,
        path: &Path,
        is_wanted: impl Fn(u64) -> bool,
    ) -> impl Iterator<Item = (Directory, bool)> {
        let place = path.strip_prefix(&self.root).ok().map(|path| self.point.join(path));
        let entries = place.and_then(|place| fs::read_dir(place).ok()).into_iter().flatten();
        entries.filter_map(move |entry| {
            let entry = entry.ok()?;
            // The kernel says what it is without another call; links are never followed.
            let may_be = entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_wanted(entry.ino());
            let found = may_be.then(|| entry.metadata().ok())??;
            // Something else may be mounted there.
            let is_ours = found.is_dir() && found.dev() == self.device && is_wanted(found.ino());
            let directory = || Directory { id: found.ino(), above, path: path.join(entry.file_name()) };
            // The two links of a directory without others are its name and its dot.
            is_ours.then(|| (directory(), found.nlink() == 2))
        })
    }
}
