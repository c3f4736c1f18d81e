//! The files of the repository, and the few words of Rust that the rules need to understand.

use std::{fs, path::Path, process::Command, sync::LazyLock};

use killsnoop_tests::root;

/// A file of text.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let list = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(list.status.success(), "git ls-files: {}", String::from_utf8_lossy(&list.stderr));
    let paths = String::from_utf8(list.stdout).unwrap();
    // What git still lists may be deleted, and what is not text says nothing to a rule.
    let texts = paths.split_terminator('\0').filter_map(|path| {
        let text = fs::read_to_string(root().join(path)).ok()?;
        Some(File { path: path.to_owned(), text })
    });
    texts.collect()
});

/// All texts that people write: those that git knows, and those that it would take.
pub(crate) fn files() -> impl Iterator<Item = &'static File> {
    FILES.iter().filter(|file| file.path != "Cargo.lock")
}

/// The text of a file that must be there.
#[track_caller]
pub(crate) fn text(path: &str) -> &'static str {
    files().find(|file| file.path == path).map_or_else(|| panic!("{path} is missing"), |file| &file.text)
}

/// Fails with everything that breaks the rule.
#[track_caller]
pub(crate) fn none(offences: impl IntoIterator<Item = String>) {
    let offences: Vec<_> = offences.into_iter().collect();
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

/// The words of a text, as programs have them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|word| !word.is_empty())
}

impl File {
    /// Whether its name ends like this.
    pub(crate) fn is_a(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether this is what a name stands for, a file or a folder: `a/b` for `a/b.rs` and all in `a/b/`.
    pub(crate) fn is_in(&self, place: &str) -> bool {
        self.path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
    }

    /// The Rust that is shipped: without comments, and without tests, which end their file.
    pub(crate) fn code(&self) -> String {
        let is_test = ["/tests.rs", "/tests/", "/fake.rs"].iter().any(|name| self.path.contains(name));
        let shipped =
            if is_test { "" } else { self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap() };
        without_comments(shipped)
    }
}

pub(crate) fn without_comments(code: &str) -> String {
    code.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("//")).collect()
}

/// Every path that code names, with the groups of `use` taken apart.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let mut paths = vec![];
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let (before, tree) = statement.split_once("use ").unwrap_or((statement, ""));
        if is_path(tree.trim_end_matches(';')) && is_start_of_line(before) {
            expand("", tree.trim_end_matches(';'), &mut paths);
            rest += before;
        } else {
            rest += statement;
        }
    }
    let runs = rest.split(|char: char| !char.is_alphanumeric() && char != '_' && char != ':');
    paths.extend(runs.filter(|run| run.contains("::")).map(|run| run.trim_start_matches(':').to_owned()));
    paths
}

fn is_path(tree: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || char.is_whitespace() || "_:{},*".contains(char);
    !tree.is_empty() && tree.chars().all(is_part)
}

fn is_start_of_line(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap().trim();
    line.is_empty() || line.starts_with("pub")
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    match tree.split_once('{') {
        Some((head, group)) => {
            let group = group.trim_end().strip_suffix('}').unwrap();
            let mut depth = 0;
            let at_top = |char: char| {
                depth += i32::from(char == '{') - i32::from(char == '}');
                char == ',' && depth == 0
            };
            for part in group.split(at_top).filter(|part| !part.trim().is_empty()) {
                expand(&format!("{prefix}{}", head.trim()), part, paths);
            }
        }
        None => paths.push(format!("{prefix}{}", tree.split(" as ").next().unwrap())),
    }
}

#[test]
fn paths_are_found_in_groups_and_in_code() {
    let code = "use a::{\n    b::{self, c},\n    d as e,\n};\npub(crate) use f as g;\nfn h() -> i::J { ::k::l(); x.y::<m::N>() }";
    let expected = ["a::b::self", "a::b::c", "a::d", "f", "i::J", "k::l", "y::", "m::N"];
    assert_eq!(paths(code), expected);
}
