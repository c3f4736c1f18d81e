//! Rules of the text of files.

use crate::repo::{File, files, none, without_comments, words};

/// A file of Rust has no more lines than this.
const LONGEST: usize = 500;

// Put together, because the rules hold for this file too.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const SKIPPED: &str = concat!("#[", "ignore");
const HOMES: [&str; 2] = [concat!("/ro", "ot/"), concat!("/ho", "me/")];

#[test]
fn every_source_begins_with_what_it_is_for() {
    let says = |file: &File| match file.text.strip_prefix("#!/") {
        Some(script) => script.lines().nth(1).is_some_and(|line| line.starts_with("# ")),
        None if file.is_a("rs") => file.text.starts_with("//! "),
        None => true,
    };
    none(files().filter(|file| !says(file)).map(|file| file.path.clone()));
}

#[test]
fn no_source_is_long_and_main_is_short() {
    let limit = |file: &File| if file.path == "exporter/src/main.rs" { 99 } else { LONGEST };
    none(files().filter(|file| file.is_a("rs")).filter_map(|file| {
        let (n_lines, limit) = (file.text.lines().count(), limit(file));
        (n_lines > limit).then(|| format!("{} has {n_lines} lines, {limit} are allowed", file.path))
    }));
}

#[test]
fn nothing_is_left_for_later() {
    none(files().flat_map(|file| {
        let is_unfinished =
            |line: &str| words(line).any(|word| UNFINISHED.contains(&word)) || line.contains(SKIPPED);
        offences(file, is_unfinished)
    }));
}

#[test]
fn nobody_s_home_is_in_a_file() {
    // Not within a longer path, such as that of a folder below which packages are unpacked.
    let is_home = |line: &str, home: &str| {
        line.match_indices(home)
            .any(|(at, _)| !line[..at].ends_with(|char: char| char.is_alphanumeric() || char == '/'))
    };
    none(files().flat_map(|file| offences(file, |line| HOMES.iter().any(|home| is_home(line, home)))));
}

#[test]
fn no_test_sleeps_instead_of_waiting_for_what_it_wants() {
    // There `eventually` waits, measurements take the time that they are told, and a picture of time takes time.
    const MAY: [&str; 4] =
        ["tests/src/lib.rs", "tests/src/bin/bench", "tests/src/bin/scale", "tests/src/bin/screenshots"];
    let sleeps = |line: &str| {
        ["thread::sleep(", "time::sleep("].iter().any(|call| without_comments(line).contains(call))
    };
    let tests = files().filter(|file| file.path.starts_with("tests/") && file.is_a("rs"));
    let tests = tests.filter(|file| !MAY.iter().any(|place| file.is_in(place)) && !file.is_in("tests/tidy"));
    none(tests.flat_map(|file| offences(file, sleeps)));
}

fn offences(file: &File, is_one: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = (1..).zip(file.text.lines()).filter(|(_, line)| is_one(line));
    lines.map(|(number, line): (u32, _)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}
