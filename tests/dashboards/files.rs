//! The files that ship.

use std::{
    fs,
    path::{Path, PathBuf},
};

use killsnoop_tests::root;
use serde_json::Value;

pub(crate) const ALERTS: &str = "dashboards/alerts/killsnoop.yaml";
pub(crate) const ALERT_TESTS: &str = "dashboards/alerts/killsnoop.test.yaml";

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
