//! What documents say is so.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use killsnoop_tests::root;

use crate::repo::{File, files, none, text, words};

/// A page of metrics with every family, which the exporter's own tests keep true.
const PAGE: &str = "exporter/src/metrics/golden.txt";
/// Every attribute of an OTLP event, which the exporter's own tests keep true.
const ATTRIBUTES: &str = "docs/otlp-events.md";
/// What stands behind the last dot of a file, and of no attribute.
const EXTENSIONS: [&str; 6] = ["8", "bt", "json", "o", "py", "yaml"];
/// What begins like a metric and is a crate.
const CRATES: [&str; 4] = ["killsnoop_common", "killsnoop_exporter", "killsnoop_ebpf", "killsnoop_tests"];

/// What recording rules write down, by names of their own that have those of families in them.
const RULES: &str = "dashboards/alerts/killsnoop.yaml";

/// Names of recording rules, by which dashboards ask for what they have written down.
fn recorded() -> impl Iterator<Item = &'static str> {
    text(RULES).lines().filter_map(|line| line.trim().strip_prefix("record: \"")?.strip_suffix('"'))
}

fn families() -> BTreeSet<&'static str> {
    let types = text(PAGE).lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let families: BTreeSet<_> = types.collect();
    assert!(families.len() > 20, "{families:?}");
    families
}

/// Names of attributes and of events that a document speaks of; a group of them ends in a star.
fn attributes(document: &str) -> impl Iterator<Item = &str> {
    let words = document.split(|char: char| !char.is_alphanumeric() && !"_.*".contains(char));
    let words = words.map(|word| word.trim_end_matches('.')).filter(|word| word.starts_with("killsnoop."));
    words.filter(|word| !word.rsplit('.').next().is_some_and(|last| EXTENSIONS.contains(&last)))
}

#[test]
fn every_metric_that_is_spoken_of_exists() {
    let families = families();
    // Loki writes attributes like this.
    let with_underscores: BTreeSet<_> =
        attributes(text(ATTRIBUTES)).map(|name| name.replace('.', "_")).collect();
    let exists = |word: &str| {
        // A group of metrics is written as killsnoop_events_*.
        let is_group = word.ends_with('_') && families.iter().any(|family| family.starts_with(word));
        is_group || families.contains(word) || CRATES.contains(&word) || with_underscores.contains(word)
    };
    let is_made = |file: &File| file.is_in("deploy/completions");
    let speaks = |file: &&File| {
        (file.is_in("dashboards") || file.is_in("deploy") || file.is_a("md")) && !is_made(file)
    };
    none(files().filter(speaks).flat_map(|file| {
        let text = recorded().fold(file.text.clone(), |text, name| text.replace(name, ""));
        let unknown = words(&text).filter(|word| word.starts_with("killsnoop_") && !exists(word));
        unknown.map(|word| format!("{}: {word}", file.path)).collect::<Vec<_>>()
    }));
    assert!(recorded().count() >= 4, "no names of recording rules are found in {RULES}");
}

#[test]
fn every_attribute_that_is_spoken_of_exists() {
    let known: BTreeSet<_> = attributes(text(ATTRIBUTES)).collect();
    assert!(known.len() > 50, "{known:?}");
    let exists = |word: &str| match word.strip_suffix('*') {
        Some(group) => known.iter().any(|name| name.starts_with(group)),
        None => known.contains(word),
    };
    none(files().filter(|file| file.is_a("md")).flat_map(|file| {
        let unknown = attributes(&file.text).filter(|word| !exists(word));
        unknown.map(|word| format!("{}: {word}", file.path)).collect::<Vec<_>>()
    }));
}

#[test]
fn attributes_are_found_among_other_words() {
    let document = "`killsnoop.cause`:x killsnoop.oom.* killsnoop.yaml, killsnoop.bpf.o and killsnoop.death.";
    assert_eq!(
        attributes(document).collect::<Vec<_>>(),
        ["killsnoop.cause", "killsnoop.oom.*", "killsnoop.death"]
    );
}

#[test]
fn every_document_for_users_is_in_their_index() {
    let index: BTreeSet<_> =
        links(text("docs/README.md")).map(|link| beside("docs/README.md", link)).collect();
    let documents =
        files().filter(|file| file.is_in("docs") && file.is_a("md") && file.path != "docs/README.md");
    none(documents.filter(|file| !index.contains(Path::new(&file.path))).map(|file| file.path.clone()));
}

#[test]
fn every_ratio_that_is_told_in_words_was_measured() {
    let ratios = |path| text(path).split(|char: char| !char.is_alphanumeric() && !"×.".contains(char));
    let ratios =
        |path| ratios(path).map(|word| word.trim_end_matches('.')).filter(|word| word.starts_with('×'));
    let measured: BTreeSet<_> = ratios("docs/bench/bench.md").collect();
    // Of what the control is measured at, whatever it is: nothing.
    let is_made_up = |ratio: &&str| !measured.contains(ratio) && *ratio != "×1.00";
    for (path, least) in [("docs/cost.md", 20), ("README.md", 5)] {
        let told: Vec<_> = ratios(path).collect();
        assert!(told.len() > least, "{path}: {told:?}");
        none(told.into_iter().filter(is_made_up).map(|ratio| format!("{path}: {ratio}")));
    }
}

/// The README without the figures that the benchmark writes into it.
fn written() -> String {
    let (before, rest) = text("README.md").split_once("<!-- bench: ").unwrap();
    let (_, after) = rest.split_once("<!-- /bench -->").unwrap();
    [before, after].concat()
}

#[test]
fn the_readme_can_be_read_in_one_go_and_shows_on_its_first_screen_what_it_is_and_how_to_start() {
    let (readme, n_lines) = (written(), written().lines().count());
    assert!(n_lines <= 150, "{n_lines} lines");
    let first: String = readme.lines().take(40).collect::<Vec<_>>().join("\n");
    for shown in [
        "docs/page/light.png",
        "$ killsnoop-exporter why",
        "\ndeploy/demo ",
        "\ntests/run ",
        "\n| **this** |",
    ] {
        assert!(first.contains(shown), "{shown}");
    }
}

#[test]
fn the_reference_that_the_readme_leads_to_speaks_of_every_metric() {
    const REFERENCE: &str = "docs/metrics.md";
    assert!(
        links(text("README.md")).any(|link| link == REFERENCE),
        "the README does not lead to {REFERENCE}"
    );
    let spoken_of: BTreeSet<_> = words(text(REFERENCE)).collect();
    let silent = |family: &&str| !spoken_of.contains(family);
    none(families().into_iter().filter(silent).map(str::to_owned));
}

#[test]
fn every_figure_that_is_told_of_a_fleet_was_measured() {
    // What was chosen and not measured: sizes, times, ports and versions.
    const CHOSEN: [&str; 9] = ["1", "5", "8", "10", "15", "100", "200", "1,000", "10,000"];
    let (before, rest) = text("docs/scaling.md").split_once("<!-- scale: ").unwrap();
    let (tables, after) = rest.split_once("<!-- /scale -->").unwrap();
    let measured: BTreeSet<_> = [tables, text("docs/scale/scale.md")].into_iter().flat_map(numbers).collect();
    assert!(measured.len() > 100, "{measured:?}");
    let told = [before, after].into_iter().flat_map(numbers).filter(|number| !CHOSEN.contains(number));
    none(told.filter(|number| !measured.contains(number)).map(|number| format!("docs/scaling.md: {number}")));
}

/// The numbers of a document, as they are written there; those within names, paths and what is to be typed are none.
fn numbers(document: &str) -> impl Iterator<Item = &str> {
    let separates = |char: char| char.is_whitespace() || "()|×…÷".contains(char);
    let words = document.split("```").step_by(2).flat_map(move |prose| prose.split(separates));
    let words = words.map(|word| word.trim_end_matches(|char: char| !char.is_ascii_digit()));
    words.filter(|word| word.starts_with(|char: char| char.is_ascii_digit()))
}

#[test]
fn numbers_are_found_among_words_and_not_in_names() {
    let document = "It takes 1,234.5 MiB (12 … 13), ×2.5 and 15 %. See v2, [x](a/3.md) and node-4.\n```sh\nrun 16\n```\n17";
    assert_eq!(numbers(document).collect::<Vec<_>>(), ["1,234.5", "12", "13", "2.5", "15", "17"]);
}

#[test]
fn every_test_that_a_machine_cannot_do_exists_and_has_a_reason() {
    let tests: Vec<_> = files().filter(|file| file.is_in("tests/e2e")).collect();
    let exists = |path: &str| {
        let (module, name) = path.rsplit_once("::").unwrap();
        let place = format!("tests/e2e/{}.rs", module.replace("::", "/"));
        tests.iter().any(|file| file.path == place && file.text.contains(&format!("fn {name}()")))
    };
    let lines = text("tests/vm/cannot").lines().filter(|line| !line.starts_with('#'));
    let is_wrong = |line: &&str| match line.split('|').collect::<Vec<_>>()[..] {
        [_, _, test, why] => why.is_empty() || !exists(test),
        _ => true,
    };
    none(lines.filter(is_wrong).map(|line| format!("tests/vm/cannot: {line}")));
}

#[test]
fn the_architecture_can_be_read_in_one_go() {
    let n_lines = text("ARCHITECTURE.md").lines().count();
    assert!(n_lines < 200, "{n_lines} lines");
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    none(files().filter(|file| file.is_a("md")).flat_map(|file| {
        let broken = links(&file.text).filter(|link| !leads_somewhere(&file.path, link));
        broken.map(|link| format!("{}: {link}", file.path)).collect::<Vec<_>>()
    }));
}

/// The targets of links within the repository, in all forms of Markdown that are in use here.
fn links(document: &str) -> impl Iterator<Item = &str> {
    let inline = document.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let definitions = document
        .lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| Some(line.split_once("]: ")?.1));
    // What Markdown cannot say: a picture beside text.
    let attributes = ["<a href=\"", "<img src=\""]
        .into_iter()
        .flat_map(|attribute| document.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()));
    inline
        .chain(definitions)
        .chain(attributes)
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
}

fn leads_somewhere(from: &str, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { PathBuf::from(from) } else { beside(from, path) };
    let target = target.to_str().unwrap();
    if heading.is_empty() {
        return root().join(target).exists();
    }
    files().any(|file| file.path == target && headings(&file.text).any(|found| found == heading))
}

/// A path that is relative to a file's folder, from the root.
fn beside(file: &str, path: &str) -> PathBuf {
    let mut found = PathBuf::new();
    for component in Path::new(file).parent().unwrap().join(path).components() {
        match component {
            Component::ParentDir => _ = found.pop(),
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

/// The headings of a document, as links name them.
fn headings(document: &str) -> impl Iterator<Item = String> {
    let titles =
        document.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles.map(|title| {
        let kept = title.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    })
}

#[test]
fn links_are_found_by_their_path_and_their_heading() {
    let document = "[a](b.md#c) ![d](e.png \"f\") [g](https://h) [i](#j)\n[k]: ../l\n<a href=\"m\"><img src=\"n.png\"></a>";
    assert_eq!(links(document).collect::<Vec<_>>(), ["b.md#c", "e.png", "#j", "../l", "m", "n.png"]);
    assert_eq!(beside("a/b/c.md", "../d.md"), Path::new("a/d.md"));
    assert_eq!(headings("# `a.rs`, and B\ntext\n").collect::<Vec<_>>(), ["ars-and-b"]);
}
