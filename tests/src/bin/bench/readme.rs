//! The short table in the README, between two marks.

use std::fs;

use killsnoop_tests::{
    measure::{
        markdown::{filled, head, row},
        progress,
        stats::Summary,
    },
    root,
};

use crate::{
    loops::{GETPPID, KILL},
    markdown::told,
    report::{Figures, Report},
    stats::Pairs,
    tools::Kind,
};

const BEGIN: &str = "<!-- bench: filled in by `tests/run bench --write` -->\n";
const END: &str = "<!-- /bench -->\n";

/// Puts the figures where the README has room for them.
pub(crate) fn fill(report: &Report) {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).expect("the repository has a README");
    fs::write(&path, filled(&text, BEGIN, END, &short(report)).expect("the README has both marks"))
        .expect("it can be written");
    progress::say(&format!("wrote {}", path.display()));
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
fn the_readme_has_room_for_figures() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(filled(&text, BEGIN, END, "new").is_some());
}
