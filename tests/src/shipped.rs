//! Files that ship, copies of them that are broken, and programs that judge both.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::root;

/// Whether a program succeeded, and all that it wrote.
///
/// # Panics
/// If it cannot be started.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The text of a file, by its path from the root of the repository.
///
/// # Panics
/// If it is not there.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A copy of a file, under its own name, in which one text stands for another.
pub struct Copy {
    /// The folder that has it alone. It is removed when the copy is dropped.
    pub folder: TempDir,
    /// The copy.
    pub path: PathBuf,
}

impl Copy {
    /// Copies a file.
    ///
    /// # Panics
    /// If it does not have the text that another is to stand for.
    #[must_use]
    pub fn of(path: &str, from: &str, to: &str) -> Self {
        let text = read(path);
        assert!(text.contains(from), "{from:?} is not in {path}");
        let folder = TempDir::new().expect("a temporary folder can be had");
        let copy = folder.path().join(Path::new(path).file_name().expect("a file has a name"));
        fs::write(&copy, text.replace(from, to)).expect("a temporary file can be written");
        Self { folder, path: copy }
    }
}
