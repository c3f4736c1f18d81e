//! What `deploy/package` makes, in the hands of the programs that judge and install it. Each judge is also given a broken
//! copy, which it must refuse. Root is needed: packages are installed into a Debian of their own, and one is booted.
//!
//! `tests/run packages` says where things are, in variables that `place` reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod bytes;
mod debian;
mod first_alert;
mod image;
mod judges;
mod licences;
mod machine;
mod rpm;
mod service;

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Whether a program succeeded, and all that it wrote.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// What a program wrote that must succeed.
#[track_caller]
fn done(command: &mut Command) -> String {
    let (succeeded, text) = run(command);
    assert!(succeeded, "{command:?}: {text}");
    text
}

/// What `tests/run packages` says is there.
fn place(variable: &str) -> PathBuf {
    let path = env::var_os(variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("{variable} is not set: run tests/run packages"));
    assert!(path.exists(), "{variable}: {} is missing", path.display());
    path
}

/// The folder of packages for an architecture.
fn packages(arch: &str) -> PathBuf {
    place("KILLSNOOP_PACKED").join(arch)
}

/// The one file in a folder whose name ends like this.
fn the_one(folder: &Path, end: &str) -> PathBuf {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    assert_eq!(paths.len(), 1, "{end} in {}: {paths:?}", folder.display());
    paths.remove(0)
}

/// This machine's architecture: its packages are installed.
fn own_arch() -> &'static str {
    if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
}

/// Both, with their names for rpm and for what `file` would say: the machine in the header of an ELF file.
const ARCHITECTURES: [(&str, &str, u8); 2] = [("amd64", "x86_64", 62), ("arm64", "aarch64", 183)];

/// A file as it is installed: its permissions, and its bytes or where it leads.
#[derive(Debug, PartialEq, Eq)]
struct Installed {
    mode: u32,
    is_of_root: bool,
    content: Vec<u8>,
}

/// All files below a folder, by their paths from there.
fn tree(root: &Path) -> BTreeMap<String, Installed> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let content = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            // A link has none of its own.
            let mode = if metadata.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
            let is_of_root = (metadata.uid(), metadata.gid()) == (0, 0);
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, Installed { mode, is_of_root, content });
        }
    }
    found
}
