//! What documents promise, held against the real thing: the page of this machine is as docs/metrics.md says, Prometheus
//! understands what documents tell people to ask it, and the exporter answers what the guide shows.

use std::{collections::BTreeMap, fs, process::Command};

use killsnoop_tests::{
    eventually,
    exporter::{Exporter, command},
    guide::{GUIDE, worker_is_killed},
    otelcol::Otelcol,
    root, tool,
};
use serde_json::json;
use tempfile::TempDir;

const REFERENCE: &str = "docs/metrics.md";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the reference says of a family.
#[derive(Debug)]
struct Family {
    most_series: usize,
    /// The values of each label, as written.
    labels: BTreeMap<String, String>,
}

fn reference(document: &str) -> BTreeMap<String, Family> {
    let sections = document.split("\n### ").skip(1).map(|section| section.split("\n## ").next().unwrap());
    let families: BTreeMap<_, _> = sections
        .map(|section| {
            let (name, text) = section.split_once('\n').unwrap();
            let most_series =
                text.split(" series").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
            let labels = text.lines().filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
            let labels = labels.map(|(label, values)| (label.to_owned(), values.to_owned())).collect();
            (name.to_owned(), Family { most_series, labels })
        })
        .collect();
    assert!(families.len() > 15, "{families:?}");
    families
}

/// The labels of a series, none of whose values has a quote in it.
fn labels(series: &str) -> BTreeMap<&str, &str> {
    let inside = series.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
    inside.split("\",").filter_map(|label| label.trim_end_matches('"').split_once("=\"")).collect()
}

/// What of a page the reference does not say.
fn untold<'a>(series: impl Iterator<Item = &'a str>, reference: &BTreeMap<String, Family>) -> Vec<String> {
    let mut by_family = BTreeMap::<&str, Vec<&str>>::new();
    for series in series {
        by_family.entry(series.split('{').next().unwrap()).or_default().push(series);
    }
    let mut untold = vec![];
    for (name, series) in by_family {
        if name.starts_with("process_") {
            continue;
        }
        let Some(family) = reference.get(name) else {
            untold.push(name.to_owned());
            continue;
        };
        if series.len() > family.most_series {
            untold.push(format!("{name} has {} series", series.len()));
        }
        for (label, value) in series.iter().flat_map(|series| labels(series)) {
            let is_told = family.labels.get(label).is_some_and(|values| {
                let is_open = !values.contains('`') || values.contains("such as");
                is_open
                    || values.contains(&format!("`{value}`"))
                    || label == "signal" && value.starts_with("SIG")
            });
            if !is_told {
                untold.push(format!("{name} has {label}={value}"));
            }
        }
    }
    untold
}

#[test]
fn the_page_of_this_machine_is_as_the_reference_says() {
    let collector = Otelcol::start();
    let exporter = Exporter::start(&["--otlp.endpoint", &collector.http()]);
    let (page, document) = (exporter.scrape(), read(REFERENCE));
    assert_eq!(untold(page.series(), &reference(&document)), [""; 0]);
    assert!((200..=549).contains(&page.len()), "{} series", page.len());

    // It does look.
    for (from, to, notice) in [
        ("### killsnoop_hook_info", "### killsnoop_hook", "killsnoop_hook_info"),
        (
            "at most 3 series. Processes that the kernel",
            "at most 2 series. Processes that the kernel",
            "oom_kills",
        ),
        ("`ring_urgent`, `decode`", "`decode`", "stage=ring_urgent"),
    ] {
        let broken = document.replace(from, to);
        assert_ne!(broken, document, "{from}");
        let found = untold(page.series(), &reference(&broken));
        assert!(found.iter().any(|found| found.contains(notice)), "{from}: {found:?}");
    }
}

#[test]
fn prometheus_understands_every_question_in_a_document() {
    let folder = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let paths = folder.filter(|path| path.extension().is_some_and(|found| found == "md"));
    let mut text: String = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    text += &read("README.md");
    // A line that goes on is indented.
    let blocks = text.split("```promql\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let questions: Vec<_> = blocks
        .flat_map(|block| block.replace("\n ", " ").lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(questions.len() > 12, "{questions:#?}");
    let broken = questions[0].replacen("sum by", "summ by", 1);
    assert_ne!(broken, questions[0]);
    for promtool in ["promtool", "promtool3"] {
        assert_eq!(check(promtool, &questions), (true, String::new()));
        let (accepted, said) = check(promtool, std::slice::from_ref(&broken));
        assert!(!accepted && said.contains("could not parse expression"), "{promtool}: {said}");
    }
}

/// Whether Prometheus takes these expressions, and why not.
fn check(promtool: &str, questions: &[String]) -> (bool, String) {
    let rules: Vec<_> = (0..)
        .zip(questions)
        .map(|(n, question)| json!({ "record": format!("document:question:{n}"), "expr": question }))
        .collect();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rules.json");
    fs::write(&path, json!({ "groups": [{ "name": "documents", "rules": rules }] }).to_string()).unwrap();
    let output = Command::new(tool(promtool)).args(["check", "rules"]).arg(&path).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Who it was and what happened, without the numbers, their units, and the unit of systemd.
fn shape(answer: &str) -> Vec<String> {
    const UNITS: [&str; 4] = ["s", "ms", "µs", "ns"];
    let lines = answer.replace(", worker.service)", ")");
    let told = lines.lines().filter(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        !["parents", "ran", "unit", "cgroup"].contains(&first)
    });
    let shape = told.map(|line| {
        let words =
            line.split_whitespace().filter(|word| !UNITS.contains(&word.trim_end_matches([';', ','])));
        let words =
            words.map(|word| if word.contains(|char: char| char.is_ascii_digit()) { "#" } else { word });
        words.collect::<Vec<_>>().join(" ")
    });
    shape.collect()
}

#[test]
fn the_exporter_answers_what_the_guide_shows() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("control/sock");
    let _exporter = Exporter::start(&["--control.socket", socket.to_str().unwrap()]);
    let pid = worker_is_killed(folder.path(), &[]);
    let why = || command().args(["why", &pid.to_string(), "--socket"]).arg(&socket).output().unwrap();
    let answered = || Some(why()).filter(|output| output.status.success());
    let answer = eventually(answered, || String::from_utf8_lossy(&why().stderr).into_owned()).stdout;
    let answer = shape(&String::from_utf8(answer).unwrap());

    let guide = read(GUIDE);
    let shown =
        guide.split("$ killsnoop-exporter why 26875\n").nth(1).unwrap().split("\n```").next().unwrap();
    assert_eq!(answer, shape(shown));
    assert!(answer.len() == 5 && answer[0].contains("after its SIGTERM, which it ignored"), "{answer:#?}");
}
