//! The figures as tables.

use killsnoop_tests::measure::{
    markdown::{head, row},
    stats::Summary,
};

use crate::{
    flood::Flood,
    guest::Guest,
    loops::LOOPS,
    report::{Figures, Report},
    scrape::Scrapes,
    stats::Pairs,
    tools::Kind,
};

/// Loops of the first table; the others are in the second.
const OF_CALLS: [&str; 4] = ["kill", "esrch", "tgkill", "getppid"];

/// All tables, as docs/bench/bench.md has them.
pub(crate) fn page(report: &Report) -> String {
    let is_of_calls = |name: &str| OF_CALLS.contains(&name);
    let mut page = intro(report);
    page += "\n## Calls\n\n";
    page += &costs(&report.tools, is_of_calls);
    page += "\n## Signals and processes\n\n";
    page += &costs(&report.tools, |name| !is_of_calls(name));
    page += "\n## The tools themselves\n\n";
    page += &themselves(report);
    page += &report.scrape.as_ref().map(scrapes).unwrap_or_default();
    page += &report.guest.as_ref().map(instructions).unwrap_or_default();
    page
}

fn intro(report: &Report) -> String {
    let versions: Vec<_> =
        report.machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "# What it costs\n\nMade by `tests/run bench`. {}. {}.\n\nEach figure is what a tool adds to a call, in \
         nanoseconds: median (min … max) of {} pairs of loops, without and with the tool in turn, and the median of \
         the ratios. The control is such a pair without any tool: it shows the noise. Only ratios carry over to another \
         machine.\n",
        report.machine.sentence(),
        versions.join(", "),
        report.pairs
    )
}

fn costs(tools: &[Figures], wanted: impl Fn(&str) -> bool) -> String {
    let loops: Vec<_> = LOOPS.iter().filter(|one| wanted(one.name)).collect();
    let titles: Vec<_> = loops.iter().map(|one| one.title.to_owned()).collect();
    let mut table = head("tool", &titles);
    for tool in tools {
        if tool.kind == Kind::Off {
            let bare =
                |name| tool.costs.get(name).and_then(Pairs::off).map(|off| format!("{:.0}", off.median));
            table += &row("bare", loops.iter().map(|one| bare(one.name)));
        }
        let added = |name| tool.costs.get(name).and_then(added);
        table += &match tool.excuse().filter(|_| tool.costs.is_empty()) {
            Some(excuse) => row(&tool.name, [Some(excuse)].into_iter().chain(vec![None; loops.len() - 1])),
            None => row(&tool.name, loops.iter().map(|one| added(one.name))),
        };
    }
    table
}

/// What is added, and the ratio.
pub(crate) fn added(pairs: &Pairs) -> Option<String> {
    let (added, ratio) = (pairs.added()?, pairs.ratio()?);
    let Summary { median, min, max, .. } = added;
    Some(format!("{median:+.0} ({min:+.0} … {max:+.0}) ×{:.2}", ratio.median))
}

fn themselves(report: &Report) -> String {
    let titles = [
        "ready after, ms",
        "memory (RSS), MiB",
        "CPU while idle",
        "a million calls flat out: calls/s",
        "counted",
        "told",
        "its CPU, s",
    ];
    let mut table = head("tool", &titles.map(str::to_owned));
    for tool in report.tools.iter().filter(|tool| matches!(tool.kind, Kind::Ours | Kind::Peer)) {
        table += &match tool.excuse() {
            Some(excuse) => row(&tool.name, [Some(excuse)].into_iter().chain(vec![None; titles.len() - 1])),
            None => row(&tool.name, itself(tool)),
        };
    }
    table
        + "\nAfter a share of told events that is below 100 %: whether the tool counts each one that is missing.\n"
}

fn itself(tool: &Figures) -> [Option<String>; 7] {
    let flood = tool.flood.as_ref();
    [
        spread(&tool.starts, 0),
        Summary::of(tool.rss.iter().copied()).map(|rss| format!("{:.1}", rss.median)),
        tool.idle.map(|idle| format!("{idle:.3} %")),
        flood.map(|flood| format!("{:.2} M", flood.rate / 1e6)),
        flood.and_then(|flood| flood.counted).map(percent),
        flood.and_then(told),
        flood.map(|flood| format!("{:.2}", flood.cpu)),
    ]
}

/// The share of events that arrived, and whether the others are accounted for.
pub(crate) fn told(flood: &Flood) -> Option<String> {
    let account = match flood.accounted {
        Some(true) if flood.told < Some(1.0) => ", the rest counted as lost",
        Some(false) => ", and the account does not add up",
        _ => "",
    };
    Some(format!("{}{account}", percent(flood.told?)))
}

/// Rounded down: almost all is not all.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if share >= 1.0 || share <= 0.0 {
        format!("{percent:.0} %")
    } else {
        format!("{:.2} %", (percent * 1e2).floor() / 1e2)
    }
}

fn spread(values: &[f64], digits: usize) -> Option<String> {
    let Summary { median, min, max, .. } = Summary::of(values.iter().copied())?;
    Some(format!("{median:.digits$} ({min:.digits$} … {max:.digits$})"))
}

fn scrapes(scrapes: &Scrapes) -> String {
    let mut text = format!(
        "\n## A scrape\n\n{} bytes in {} series, in microseconds.\n\n",
        scrapes.bytes, scrapes.series
    );
    let titles = ["a static page of that size, same server", "the page of metrics", "ratio"];
    text += &head("connection", &titles.map(str::to_owned));
    for (name, pairs) in [("kept open", &scrapes.kept), ("a new one each time", &scrapes.new)] {
        let range = |part: Option<Summary>| {
            part.map(|part| format!("{:.0} ({:.0} … {:.0})", part.median, part.min, part.max))
        };
        let ratio = pairs.ratio().map(|ratio| format!("×{:.2}", ratio.median));
        text += &row(name, [range(pairs.off()), range(pairs.on()), ratio]);
    }
    if let Some((flooded, p99)) = scrapes.flooded.zip(scrapes.flooded_p99) {
        let Summary { median, min, max, .. } = flooded;
        let page = format!("{median:.0} ({min:.0} … {max:.0}), 99 of 100 within {p99:.0}");
        text += &row("kept open, beside a flood of calls", [None, Some(page), None]);
    }
    text
}

fn instructions(guest: &Result<Guest, String>) -> String {
    let title = "\n## Instructions\n\n";
    match guest {
        Ok(guest) => format!(
            "{title}In a virtual machine with Linux {} whose clock counts instructions: those that a tool adds to a call, and \
             the ratio. A C reference does at the same hook the least that can be done: nothing; a count in a hash of each \
             CPU; a count and a full record.\n\n{}",
            guest.kernel,
            costs(&guest.tools, |name| OF_CALLS.contains(&name) || name == "ignored")
        ),
        Err(why) => format!("{title}None: {why}\n"),
    }
}
