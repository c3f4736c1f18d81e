//! A page of metrics in the classic text format, and questions to it.

use std::collections::BTreeMap;

/// All series of one page, by name and labels as they are written.
#[derive(Clone, Debug)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads a page.
    ///
    /// # Panics
    /// If a line is neither a comment nor a series.
    #[must_use]
    pub fn parse(page: &str) -> Self {
        let series = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let rows = series.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no series: {line:?}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no value: {line:?}")))
        });
        Self(rows.collect())
    }

    /// The value of a series, with its labels in the order of the page: `name{a="b"}`; 0 if it is not there.
    #[must_use]
    pub fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    /// All series, by name and labels as the page has them, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(series, value)| (series.as_str(), *value))
    }

    /// Whether the series is there.
    #[must_use]
    pub fn has(&self, series: &str) -> bool {
        self.0.contains_key(series)
    }

    /// The sum over all series of a name.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        self.0
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(name))
            .map(|(_, value)| value)
            .sum()
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the page has no series at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and labels of all series.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Calls with this signal and result.
    #[must_use]
    pub fn calls(&self, signal: &str, result: &str) -> f64 {
        self.value(&format!("killsnoop_kill_calls_total{{signal=\"{signal}\",result=\"{result}\"}}"))
    }
}
