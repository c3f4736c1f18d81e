//! Where hierarchies of cgroups are mounted, as `/proc/self/mountinfo` tells it.
//!
//! Read as bytes: whoever may mount something of his own may call the place as he likes, and must not hide the rest.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

use rustix::fs::makedev;

/// A hierarchy that events tell ids of. Each has ids of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hierarchy {
    /// Cgroup v2.
    Unified,
    /// That of cgroup v1 with the memory controller.
    Memory,
}

/// A mount of a hierarchy, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) hierarchy: Hierarchy,
    /// Where it is.
    pub(super) point: PathBuf,
    /// The part of the hierarchy that it shows, absolute.
    pub(super) root: PathBuf,
    /// How many levels above the root of this process's cgroup namespace that path begins.
    pub(super) n_up: usize,
    /// The device of its files.
    pub(super) device: u64,
}

impl Mount {
    /// Whether this one shows all that the other shows.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_above =
            self.n_up > other.n_up || (self.n_up == other.n_up && other.root.starts_with(&self.root));
        self.hierarchy == other.hierarchy && is_above
    }
}

/// The mounts of hierarchies in a mountinfo file; what cannot be understood is left out.
pub(super) fn read(mountinfo: &[u8]) -> Vec<Mount> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    // Any number of optional fields ends with a dash.
    let behind = 7 + fields.get(6..)?.iter().position(|field| *field == b"-")?;
    let hierarchy = hierarchy(fields.get(behind)?, fields.get(behind + 2)?)?;
    let (n_up, root) = split_root(&path(fields[3]));
    Some(Mount { hierarchy, point: path(fields[4]), root, n_up, device: device(fields[2])? })
}

fn hierarchy(kind: &[u8], options: &[u8]) -> Option<Hierarchy> {
    match kind {
        b"cgroup2" => Some(Hierarchy::Unified),
        b"cgroup" => {
            let has_memory = options.split(|byte| *byte == b',').any(|option| option == b"memory");
            has_memory.then_some(Hierarchy::Memory)
        }
        _ => None,
    }
}

fn device(field: &[u8]) -> Option<u64> {
    let (major, minor) = str::from_utf8(field).ok()?.split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

/// What begins outside of this process's cgroup namespace begins with dots.
fn split_root(path: &Path) -> (usize, PathBuf) {
    let n_up = path.components().filter(|part| *part == Component::ParentDir).count();
    let named = path.components().filter(|part| matches!(part, Component::Normal(_)));
    (n_up, Path::new("/").join(named.collect::<PathBuf>()))
}

/// Undoes the escapes of the kernel, `\040`: three octal digits.
fn path(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, more @ ..] = rest {
        let escaped = (*first == b'\\').then(|| octal(more.get(..3)?)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &more[3..] } else { more };
    }
    OsString::from_vec(bytes).into()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let is_octal = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    is_octal.then(|| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(mountinfo: &str) -> Vec<String> {
        let mounts = read(mountinfo.as_bytes());
        let shown = |mount: &Mount| {
            let Mount { hierarchy, point, root, n_up, .. } = mount;
            format!("{hierarchy:?} {} {} {n_up}", point.display(), root.display())
        };
        mounts.iter().map(shown).collect()
    }

    #[test]
    fn hierarchies_are_told_from_each_other_and_from_all_else() {
        let mountinfo = "\
            23 1 0:21 / /sys rw - sysfs sysfs rw\n\
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:2 - cgroup cgroup rw,memory\n\
            39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
            40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(
            shown(mountinfo),
            ["Memory /sys/fs/cgroup/memory / 0", "Unified /sys/fs/cgroup/unified / 0"]
        );
        assert_eq!(read(mountinfo.as_bytes())[0].device, makedev(0, 32));
    }

    #[test]
    fn parts_of_hierarchies_and_escapes_are_understood() {
        let mountinfo = "\
            1 0 0:9 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n\
            2 0 0:9 /../../.. /host/sys/fs/cgroup ro - cgroup2 cgroup rw\n\
            3 0 0:9 /../kubepods /a\\040b\\134040 ro - cgroup2  rw\n";
        assert_eq!(
            shown(mountinfo),
            [
                "Unified /sys/fs/cgroup /docker/ab 0",
                "Unified /host/sys/fs/cgroup / 3",
                "Unified /a b\\040 /kubepods 1"
            ]
        );
    }

    #[test]
    fn a_mount_covers_what_is_below_it_in_the_same_hierarchy() {
        let mount = |n_up, root: &str, hierarchy| Mount {
            hierarchy,
            point: PathBuf::new(),
            root: root.into(),
            n_up,
            device: 0,
        };
        let all = mount(0, "/", Hierarchy::Unified);
        assert!(all.covers(&all) && all.covers(&mount(0, "/a", Hierarchy::Unified)));
        assert!(
            !all.covers(&mount(1, "/a", Hierarchy::Unified))
                && !all.covers(&mount(0, "/", Hierarchy::Memory))
        );
        assert!(mount(1, "/a", Hierarchy::Unified).covers(&all));
        assert!(!mount(0, "/a", Hierarchy::Unified).covers(&mount(0, "/ab", Hierarchy::Unified)));
    }

    #[test]
    fn a_mount_with_a_strange_name_hides_no_other() {
        let mut mountinfo = b"9 1 0:50 / /mnt/\xff\xfe rw - fuse.x \xff rw\n".to_vec();
        mountinfo.extend(b"41 31 0:38 / /sys/fs/cgroup\xff rw - cgroup2 cgroup2 rw\n");
        assert_eq!(read(&mountinfo).len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(lines in proptest::collection::vec("[ -~]{0,40}( - cgroup2? [a-z,]{0,9} (rw,)?memory)?", 0..9)) {
            drop(read(lines.join("\n").as_bytes()));
        }

        #[test]
        fn escapes_are_undone_and_other_bytes_stay(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let escaped: Vec<u8> = bytes.iter().flat_map(|byte| format!("\\{byte:03o}").into_bytes()).collect();
            let as_bytes = |path: PathBuf| path.into_os_string().into_vec();
            prop_assert_eq!(as_bytes(path(&escaped)), bytes.clone());
            let plain: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\\').collect();
            prop_assert_eq!(as_bytes(path(&plain)), plain);
        }
    }
}
