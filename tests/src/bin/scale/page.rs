//! The page of a real exporter as a pattern for those of many: which series it has, and how they move.

use std::{collections::BTreeMap, fs, path::Path};

use killsnoop_tests::{exporter::Exporter, http};
use serde::{Deserialize, Serialize};

/// What Prometheus 3 says that it takes; the exporter answers in OpenMetrics.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// A page as it was served.
pub(crate) struct Page {
    content_type: String,
    text: String,
    /// Of its body as sent to who takes gzip, as Prometheus does.
    gzip: usize,
}

/// What the page of each simulated node is made of.
#[derive(Deserialize, Serialize)]
pub(crate) struct Pattern {
    pub(crate) content_type: String,
    pub(crate) lines: Vec<Line>,
}

/// A line of a page.
#[derive(Deserialize, Serialize)]
pub(crate) enum Line {
    /// Which is the same on each node, and always.
    Fixed(String),
    /// Which has a value.
    Series(Series),
}

/// A series between two scrapes.
#[derive(Deserialize, Serialize)]
pub(crate) struct Series {
    /// With its labels, as the page has them.
    pub(crate) name: String,
    /// What it was at the first scrape.
    pub(crate) value: f64,
    /// What the second had more, or less.
    pub(crate) step: f64,
    /// Digits behind the point.
    pub(crate) decimals: usize,
    /// Whether it only ever rises.
    pub(crate) is_counter: bool,
    /// What follows the value: an exemplar, or nothing.
    pub(crate) tail: String,
}

/// What there is to say of a page.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Size {
    pub(crate) series: usize,
    /// Series whose values two scrapes found different.
    pub(crate) moving: usize,
    pub(crate) bytes: usize,
    pub(crate) gzip: usize,
}

impl Page {
    pub(crate) fn take(exporter: &Exporter) -> Self {
        let plain = http::get(&exporter.address, "/metrics", &[("Accept", ACCEPT)]);
        let gzip = [("Accept", ACCEPT), ("Accept-Encoding", "gzip")];
        let gzip = http::get(&exporter.address, "/metrics", &gzip);
        assert_eq!(gzip.header("content-encoding"), Some("gzip"), "{:?}", gzip.headers);
        Self {
            content_type: plain.header("content-type").expect("a page has a type").to_owned(),
            text: plain.text().to_owned(),
            gzip: gzip.body.len(),
        }
    }

    /// The pattern that this page and a later one of the same exporter give.
    pub(crate) fn until(&self, later: &Self) -> (Pattern, Size) {
        let before: BTreeMap<_, _> =
            self.text.lines().filter_map(sample).map(|it| (it.name, it.value)).collect();
        let counters = counters(&later.text);
        let lines: Vec<_> = later.text.lines().map(|line| pattern(line, &before, &counters)).collect();
        let series = || lines.iter().filter_map(Line::series);
        let size = Size {
            series: series().count(),
            moving: series().filter(|one| one.step != 0.0).count(),
            bytes: later.text.len(),
            gzip: later.gzip,
        };
        (Pattern { content_type: later.content_type.clone(), lines }, size)
    }
}

impl Pattern {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the pattern was written");
        serde_json::from_str(&text).expect("it is one")
    }

    pub(crate) fn write(&self, path: &Path) {
        let text = serde_json::to_string(self).expect("a pattern is JSON");
        fs::write(path, text).expect("a temporary file can be written");
    }
}

impl Line {
    pub(crate) fn series(&self) -> Option<&Series> {
        match self {
            Self::Series(series) => Some(series),
            Self::Fixed(_) => None,
        }
    }
}

/// A line with a value, taken apart.
struct Sample<'a> {
    name: &'a str,
    value: &'a str,
    tail: &'a str,
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let plain = line.split(" # ").next().filter(|plain| !plain.is_empty() && !plain.starts_with('#'))?;
    let (name, value) = plain.rsplit_once(' ')?;
    Some(Sample { name, value, tail: &line[plain.len()..] })
}

fn counters(page: &str) -> Vec<&str> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.filter(|(_, kind)| *kind == "counter").map(|(name, _)| name).collect()
}

fn pattern(line: &str, before: &BTreeMap<&str, &str>, counters: &[&str]) -> Line {
    let Some(Sample { name, value, tail }) = sample(line) else { return Line::Fixed(line.to_owned()) };
    let family = name.split('{').next().unwrap_or_default();
    let family = family.strip_suffix("_total").unwrap_or(family);
    // What came between both scrapes began at 0, as each counter does.
    let first = before.get(name).map_or(0.0, |value| number(value));
    Line::Series(Series {
        name: name.to_owned(),
        value: first,
        step: number(value) - first,
        decimals: value.split_once('.').map_or(0, |(_, digits)| digits.len().min(9)),
        is_counter: counters.contains(&family),
        tail: tail.to_owned(),
    })
}

fn number(value: &str) -> f64 {
    value.parse().expect("a value is a number")
}

#[test]
fn a_pattern_knows_how_a_series_moved_and_keeps_what_follows_its_value() {
    let page = |text: &str| Page { content_type: String::new(), text: text.to_owned(), gzip: 0 };
    let before =
        page("# TYPE a counter\na_total{b=\"c d\"} 1 # {e=\"f\"} 1 2\n# TYPE g gauge\ng 0.25\n# EOF\n");
    let later =
        page("# TYPE a counter\na_total{b=\"c d\"} 4 # {e=\"f\"} 1 3\n# TYPE g gauge\ng 0.25\n# EOF\n");
    let (pattern, size) = before.until(&later);
    assert_eq!((size.series, size.moving), (2, 1));
    let series: Vec<_> = pattern.lines.iter().filter_map(Line::series).collect();
    assert_eq!((series[0].name.as_str(), series[0].value, series[0].step), ("a_total{b=\"c d\"}", 1.0, 3.0));
    assert_eq!((series[0].tail.as_str(), series[0].is_counter), (" # {e=\"f\"} 1 3", true));
    assert_eq!((series[1].decimals, series[1].is_counter), (2, false));
}
