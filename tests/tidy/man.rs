//! The man pages in the hands of a program that shows them. That they say what `--help` says, the exporter's own tests
//! see to.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::repo::{files, text};

#[test]
fn man_pages_are_shown_without_a_warning() {
    let pages: Vec<_> = files().filter(|file| file.is_in("deploy/man")).collect();
    assert_eq!(pages.len(), 2);
    for page in pages {
        assert_eq!(lint(&page.text), "", "{}", page.path);
    }
}

#[test]
fn a_broken_man_page_is_noticed() {
    let page = text("deploy/man/killsnoop.8");
    for (from, to) in [(".SH EXAMPLES\n", ".SX EXAMPLES\n"), (".TH ", ".\\\" ")] {
        assert_ne!(lint(&page.replacen(from, to, 1)), "", "{to}");
    }
}

/// What mandoc has to say of a page.
fn lint(page: &str) -> String {
    let mut mandoc = Command::new("mandoc")
        .args(["-Tlint", "-W", "warning"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start mandoc, which `tests/run tidy` installs: {error}"));
    mandoc.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = mandoc.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}
