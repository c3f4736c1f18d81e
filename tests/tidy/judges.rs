//! The table of what ships, and who judges it, in CONTRIBUTING.md: every file has a row, and the tests in it exist.

use std::collections::BTreeSet;

use crate::repo::{files, none, text};

/// The rows of the table, by their cells.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = text("CONTRIBUTING.md").split_once("\n## What ships, and who judges it\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    // Without the titles and the line below them.
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_file_that_ships_has_a_row_of_who_judges_it() {
    let places: BTreeSet<_> = rows().flat_map(|row| names(row[0]).collect::<Vec<_>>()).collect();
    let shipped = || files().filter(|file| file.is_in("deploy") || file.is_in("dashboards"));
    let is_in = |path: &str, place: &str| {
        path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || place.ends_with('/'))
    };
    let judged = |path: &str| places.iter().any(|place| is_in(path, place));
    none(shipped().filter(|file| !judged(&file.path)).map(|file| file.path.clone()));
    let leads_nowhere = |place: &&&str| !files().any(|file| is_in(&file.path, place));
    let made = |place: &&&str| place.starts_with("target/") || place.starts_with('/');
    none(places.iter().filter(|place| !made(place)).filter(leads_nowhere).map(|place| (*place).to_owned()));
}

#[test]
fn every_test_of_a_judge_exists() {
    let tests: BTreeSet<_> = files()
        .filter(|file| file.is_in("tests") || file.is_in("exporter"))
        .flat_map(|file| file.text.split("#[test]\n").skip(1))
        .filter_map(|rest| rest.split_once("fn ")?.1.split_once('(').map(|(name, _)| name))
        .collect();
    let named: Vec<_> =
        rows().flat_map(|row| names(row[2]).chain(names(row[3])).collect::<Vec<_>>()).collect();
    assert!(named.len() > 30, "{named:?}");
    none(named.into_iter().filter(|name| !tests.contains(name)).map(str::to_owned));
}
