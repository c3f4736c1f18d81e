//! Programs that judge files of the repository, and broken copies of these files for them to reject.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{root, tool};

/// Whether a program succeeded, and all that it wrote.
///
/// # Panics
/// If it cannot be started.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// What a program wrote to its standard output.
///
/// # Panics
/// If it fails.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The text of a file of the repository.
///
/// # Panics
/// If it is not there.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of a file of the repository in which other texts stand for some of its own.
///
/// # Panics
/// If one of those is not there.
pub fn rendered(path: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(read(path), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in {path}");
        text.replace(from, to)
    })
}

/// The documents of a YAML file, as somebody else's reader understands them; empty ones are left out.
///
/// # Panics
/// If it is no YAML.
pub fn yaml(path: impl AsRef<Path>) -> Vec<Value> {
    const READER: &str = "import json, sys, yaml\n\
        json.dump([document for document in yaml.safe_load_all(open(sys.argv[1])) if document], sys.stdout)";
    let text = output(Command::new(tool("python3")).args(["-c", READER]).arg(root().join(path)));
    serde_json::from_str(&text).expect("JSON is written")
}

/// A copy of a file, under its own name, in which one text stands for another.
pub struct Copy {
    /// Where it lies alone; removed when this is dropped.
    pub folder: TempDir,
    /// The file.
    pub path: PathBuf,
}

impl Copy {
    /// Makes one.
    ///
    /// # Panics
    /// If what is to be replaced is not there.
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
