//! Trees of plain directories, and the cgroups of this machine.

use std::os::unix::{ffi::OsStrExt, fs::symlink};

use tempfile::TempDir;

use super::*;

/// The mountinfo of a hierarchy that is mounted in a directory.
pub(crate) fn mountinfo(root: &str, point: &Path, kind: &str) -> String {
    let device = fs::metadata(point).unwrap().dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    format!("1 0 {major}:{minor} {root} {} rw - {kind}\n", point.display())
}

fn tree(root: &str, names: &[&str]) -> (TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    let tree = Tree::all(mountinfo(root, dir.path(), "cgroup2 cgroup2 rw").as_bytes()).pop().unwrap();
    (dir, tree)
}

fn walk(tree: &Tree, limit: usize) -> (Vec<Directory>, bool) {
    let mut found = Vec::new();
    let is_all = tree.walk(limit, |directory| found.push(directory));
    (found, is_all)
}

fn paths(found: &[Directory]) -> Vec<String> {
    let mut paths: Vec<_> = found.iter().map(|directory| directory.path.display().to_string()).collect();
    paths.sort();
    paths
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn every_directory_is_found_with_its_id_and_that_above_it() {
    let (dir, tree) = tree("/", &["a/b/c", "d"]);
    fs::write(dir.path().join("a/cgroup.procs"), "").unwrap();
    let (found, is_all) = walk(&tree, 100);
    assert!(is_all);
    assert_eq!(paths(&found), ["/", "/a", "/a/b", "/a/b/c", "/d"]);
    let of = |path: &str| found.iter().find(|directory| directory.path == Path::new(path)).unwrap();
    assert_eq!(of("/a/b").id, inode(&dir.path().join("a/b")));
    assert_eq!((of("/a/b").above, of("/a").above, of("/").above), (of("/a").id, of("/").id, 0));
}

#[test]
fn what_the_mount_leaves_out_is_part_of_the_path() {
    let (_dir, tree) = tree("/docker/ab", &["init.scope"]);
    assert_eq!(paths(&walk(&tree, 100).0), ["/docker/ab", "/docker/ab/init.scope"]);
}

#[test]
fn a_walk_ends_at_its_limit_and_has_begun_at_the_top() {
    let (_dir, tree) = tree("/", &["a/b/c/d", "e/f/g/h"]);
    let (found, is_all) = walk(&tree, 4);
    assert!(!is_all);
    assert_eq!(paths(&found), ["/", "/a", "/a/b", "/e", "/e/f"]);
    assert!(walk(&tree, 8).1);
}

#[test]
fn strange_names_are_kept_and_links_are_not_followed() {
    let (dir, tree) = tree("/", &["a\nb", "\u{1b}[31m:x"]);
    let name = std::ffi::OsStr::from_bytes(b"\xff");
    fs::create_dir_all(dir.path().join(name).join("below")).unwrap();
    symlink("/", dir.path().join("link")).unwrap();
    symlink(".", dir.path().join("loop")).unwrap();
    let (found, _) = walk(&tree, 100);
    let below = found.iter().find(|directory| directory.path.ends_with("below")).unwrap();
    assert_eq!(below.path.as_os_str().as_bytes(), b"/\xff/below");
    assert_eq!(paths(&found), ["/", "/\u{1b}[31m:x", "/a\nb", "/\u{fffd}", "/\u{fffd}/below"]);
}

#[test]
fn directories_are_found_by_their_ids_below_one() {
    let (dir, tree) = tree("/slice", &["a/b", "a/c", "a/d/b"]);
    let ids = ["a/b", "a/c", "a/d/b"].map(|name| inode(&dir.path().join(name)));
    let found = tree.find(7, Path::new("/slice/a"), &ids.into());
    assert_eq!(paths(&found), ["/slice/a/b", "/slice/a/c"]);
    assert!(found.iter().all(|directory| directory.above == 7));
    for path in ["/slice/a/none", "/elsewhere", "/", "/slice/a/b"] {
        assert_eq!(tree.find(7, Path::new(path), &ids.into()), []);
    }
}

#[test]
fn a_mount_that_another_covers_or_hides_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = |mountinfo: String| Tree::all(mountinfo.as_bytes()).len();
    let unified = |root| mountinfo(root, dir.path(), "cgroup2 cgroup2 rw");
    let memory = |root| mountinfo(root, dir.path(), "cgroup cgroup rw,memory");
    assert_eq!(mounted(unified("/a") + &unified("/") + &unified("/")), 1);
    assert_eq!(mounted(unified("/a") + &unified("/b") + &memory("/")), 3);
    assert_eq!(mounted(unified("/..") + &unified("/b")), 1);
    // Another file system is mounted over it, or it is gone.
    assert_eq!(mounted(format!("1 0 0:0 / {} rw - cgroup2 x rw\n", dir.path().display())), 0);
    let gone = unified("/");
    drop(dir);
    assert_eq!(mounted(gone), 0);
}

#[test]
fn the_cgroups_of_this_machine_are_found_where_the_kernel_says() {
    for tree in Tree::all(&fs::read("/proc/self/mountinfo").unwrap()) {
        let (found, _) = walk(&tree, 10_000);
        assert_eq!((found[0].id, &found[0].path), (inode(&tree.point), &tree.root));
        let ids: HashSet<_> = found.iter().map(|directory| directory.id).collect();
        assert_eq!(ids.len(), found.len(), "ids are unique within a hierarchy");
    }
}
