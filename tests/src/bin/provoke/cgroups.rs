//! Control groups of this program's own, and the file that kills all in one.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::troupe::{Part, Troupe, cannot, curtain, name};

/// A control group. Dropping this removes it; by then nobody may be in it.
pub(crate) struct Cgroup {
    pub(crate) folder: PathBuf,
}

impl Cgroup {
    /// Makes one in a folder of the control group file system.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        let folder = parent.join(name("killsnoop"));
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// Its id: the inode number of its directory.
    pub(crate) fn id(&self) -> u64 {
        fs::metadata(&self.folder).expect("it is there").ino()
    }

    /// Writes to one of its files.
    pub(crate) fn write(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.folder.join(file), value)
    }

    /// Moves this process into it.
    pub(crate) fn enter(&self) {
        self.write("cgroup.procs", "0").unwrap_or_else(|error| panic!("{}: {error}", self.folder.display()));
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.folder).unwrap_or_else(|error| panic!("{}: {error}", self.folder.display()));
    }
}

/// A hierarchy of control groups, as it is mounted here.
pub(crate) struct Hierarchy {
    /// Where it is mounted.
    pub(crate) root: PathBuf,
    /// The folder of the control group that this process is in.
    pub(crate) own: PathBuf,
}

impl Hierarchy {
    /// The unified one, version 2.
    pub(crate) fn unified() -> Option<Self> {
        Self::find(|kind, _| kind == "cgroup2", "")
    }

    /// That of version 1 which has a controller.
    pub(crate) fn with_controller(controller: &str) -> Option<Self> {
        Self::find(
            |kind, options| kind == "cgroup" && options.split(',').any(|option| option == controller),
            controller,
        )
    }

    fn find(is_it: impl Fn(&str, &str) -> bool, controller: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        // Fields of proc_pid_mountinfo(5): before the dash the fourth is the mounted folder, the fifth the mount point;
        // after it come the type, the source and the options.
        let (mounted, root) = mounts.lines().find_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let (place, kind): (Vec<_>, Vec<_>) = (place.split(' ').collect(), kind.split(' ').collect());
            is_it(kind.first()?, kind.get(2)?)
                .then(|| Some((*place.get(3)?, PathBuf::from(place.get(4)?))))?
        })?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        })?;
        let below = own.strip_prefix(mounted).unwrap_or(own).trim_start_matches('/');
        Some(Self { own: root.join(below), root })
    }
}

/// A sender writes to the file that kills all in a control group.
pub(crate) fn kill(troupe: &mut Troupe) {
    let Some(hierarchy) = Hierarchy::unified() else { return cannot("no control groups of version 2") };
    let cgroup = Cgroup::new(&hierarchy.own).expect("root may make one");
    let victims = [(); 2].map(|()| {
        troupe.cast("victim", |part| {
            cgroup.enter();
            part.wait();
        })
    });
    let sender = troupe.cast("sender", |part: &Part| {
        part.wait();
        cgroup.write("cgroup.kill", "1").expect("Linux 5.14 or newer");
    });
    curtain();
    sender.cue();
    drop(victims);
    // Only an empty one can be removed.
    troupe.finish();
}
