//! A real store of metrics that takes OTLP and makes Prometheus' names and labels of it: `VictoriaMetrics`.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    eventually, http,
    process::Process,
    prometheus::{Row, encode},
    tool,
};

/// A running store.
pub struct MetricsStore {
    process: Process,
    address: String,
    // Removed when the store is dropped.
    _folder: TempDir,
}

/// Names and values of the labels of a series, its own name among them as `__name__`.
pub type Labels = BTreeMap<String, String>;

impl MetricsStore {
    /// Starts one that is empty.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        // What names the sender says nothing of a series.
        Self::with(&["-opentelemetry.promoteAllResourceAttributes=false"])
    }

    /// Starts one that is empty, with further flags.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn with(flags: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be had");
        let process = Process::start(
            Command::new(tool("victoria-metrics"))
                .args(["-httpListenAddr=127.0.0.1:0", "-memory.allowedBytes=64MB"])
                // The library that names things says nothing of a series either.
                .args(["-opentelemetry.usePrometheusNaming", "-opentelemetry.promoteScopeMetadata=false"])
                // A question is about what is there now.
                .arg("-search.latencyOffset=0s")
                .args(flags)
                .arg(format!("-storageDataPath={}", folder.path().display())),
        );
        let address = served_at(&process);
        Self { process, address, _folder: folder }
    }

    /// The base endpoint for OTLP over HTTP.
    #[must_use]
    pub fn otlp(&self) -> String {
        format!("http://{}/opentelemetry", self.address)
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stderr.to_string()
    }

    /// Evaluates an expression of `PromQL`, now.
    ///
    /// # Panics
    /// If the store refuses it.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<Row> {
        self.flush();
        let path = format!("/api/v1/query?query={}", encode(expression));
        let answer = http::get(&self.address, &path, &[("Accept-Encoding", "identity")]);
        Row::all(answer.text()).unwrap_or_else(|| panic!("{expression}: {}", answer.text()))
    }

    /// Evaluates it until it finds something.
    ///
    /// # Panics
    /// If it never does.
    pub fn find(&self, expression: &str) -> Vec<Row> {
        let found = || Some(self.query(expression)).filter(|rows| !rows.is_empty());
        eventually(found, || format!("{expression} finds nothing\n{}", self.log()))
    }

    /// What came just now is seen only after this.
    fn flush(&self) {
        let flushed = http::get(&self.address, "/internal/force_flush", &[]);
        assert_eq!(flushed.status, 200, "{}", flushed.text());
    }

    /// All that it has of names that begin so: for each time, in milliseconds after 1970, the series with their values; not a
    /// number where a series has none any more.
    ///
    /// # Panics
    /// If it gives no answer, or one that cannot be understood.
    #[must_use]
    pub fn all(&self, prefix: &str) -> BTreeMap<i64, BTreeMap<Labels, f64>> {
        self.flush();
        let path = format!("/api/v1/export?match[]=%7B__name__=~%22{prefix}.*%22%7D");
        let answer = http::get(&self.address, &path, &[("Accept-Encoding", "identity")]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
        for line in answer.text().lines() {
            let (labels, points) = series(line).unwrap_or_else(|| panic!("no series: {line:?}"));
            for (time, value) in points {
                all.entry(time).or_default().insert(labels.clone(), value);
            }
        }
        all
    }
}

/// Where a server of Victoria's listens, once it does.
pub(crate) fn served_at(server: &Process) -> String {
    let address =
        |line: &str| Some(line.split_once("started server at http://")?.1.trim_end_matches('/').to_owned());
    server.stderr.find(address)
}

fn series(line: &str) -> Option<(Labels, Vec<(i64, f64)>)> {
    let series: Value = serde_json::from_str(line).ok()?;
    let labels = series["metric"].as_object()?.iter();
    let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let times = series["timestamps"].as_array()?.iter().map(Value::as_i64);
    let values = series["values"].as_array()?.iter();
    let values = values.map(|value| if value.is_null() { Some(f64::NAN) } else { value.as_f64() });
    let points = times.zip(values).map(|(time, value)| time.zip(value));
    Some((labels.collect::<Option<_>>()?, points.collect::<Option<_>>()?))
}
