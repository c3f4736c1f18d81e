//! The short table in the README, between two marks.

use std::fs;

use killsnoop_tests::root;

use crate::{
    loops::{GETPPID, KILL},
    markdown::{head, row, told},
    progress,
    report::{Figures, Report},
    stats::{Pairs, Summary},
    tools::Kind,
};

const BEGIN: &str = "<!-- bench: filled in by `tests/run bench --write` -->\n";
const END: &str = "<!-- /bench -->\n";

/// Puts the figures where the README has room for them.
pub(crate) fn fill(report: &Report) {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).expect("the repository has a README");
    fs::write(&path, filled(&text, &short(report)).expect("the README has both marks"))
        .expect("it can be written");
    progress::say(&format!("wrote {}", path.display()));
}

fn filled(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

fn short(report: &Report) -> String {
    let picture = "![Nanoseconds added to kill(self, 0) and to getppid(), by tool](docs/bench/bench.svg)";
    let titles = ["kill(self, 0)", "getppid()", "ready after", "memory", "told of a million calls flat out"];
    let mut table = head("tool", &titles.map(str::to_owned));
    for tool in report.tools.iter().filter(|tool| tool.kind != Kind::Reference) {
        table += &match tool.excuse() {
            Some(excuse) => row(&tool.name, [Some(excuse), None, None, None, None]),
            None => row(&tool.name, cells(tool)),
        };
    }
    format!(
        "{}. [All figures](docs/bench/bench.md), with their ranges.\n\n{picture}\n\n{table}",
        report.machine.sentence()
    )
}

fn cells(tool: &Figures) -> [Option<String>; 5] {
    let cost = |name| tool.costs.get(name).and_then(cost);
    let median = |values: &[f64]| Summary::of(values.iter().copied()).map(|summary| summary.median);
    [
        cost(KILL),
        cost(GETPPID),
        median(&tool.starts).map(|start| format!("{start:.0} ms")),
        median(&tool.rss).map(|rss| format!("{rss:.0} MiB")),
        tool.flood.as_ref().and_then(told),
    ]
}

fn cost(pairs: &Pairs) -> Option<String> {
    Some(format!("×{:.2}, {:+.0} ns", pairs.ratio()?.median, pairs.added()?.median))
}

#[test]
fn figures_replace_those_between_the_marks_and_nothing_else() {
    let text = format!("a\n{BEGIN}old\n{END}b\n");
    let new = filled(&text, "new").unwrap();
    assert_eq!(new, format!("a\n{BEGIN}\nnew\n{END}b\n"));
    assert_eq!(filled(&new, "new").as_ref(), Some(&new));
    assert_eq!(filled("no marks", "new"), None);
}

#[test]
fn the_readme_has_room_for_figures() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(filled(&text, "new").is_some());
}
