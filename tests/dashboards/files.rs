//! The files that ship, and copies of them that are broken.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use killsnoop_tests::root;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ALERTS: &str = "dashboards/alerts/killsnoop.yaml";
pub(crate) const ALERT_TESTS: &str = "dashboards/alerts/killsnoop.test.yaml";

/// Whether a program succeeded, and all that it wrote.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A copy of a file, under its own name, in which one text stands for another.
pub(crate) struct Copy {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Copy {
    pub(crate) fn of(path: &str, from: &str, to: &str) -> Self {
        let text = read(path);
        assert!(text.contains(from), "{from:?} is not in {path}");
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join(Path::new(path).file_name().unwrap());
        fs::write(&copy, text.replace(from, to)).unwrap();
        Self { folder, path: copy }
    }
}

/// The files below a folder whose names end like this, by name.
pub(crate) fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(below(&entry, extension));
        } else if entry.extension().is_some_and(|ending| ending == extension) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The dashboards that ship.
pub(crate) fn dashboards() -> Vec<Value> {
    let files = below(&root().join("dashboards/grafana"), "json");
    assert_eq!(files.len(), 4, "{files:?}");
    files.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

/// The panels of a dashboard that show something: all but the titles of rows.
pub(crate) fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}
