//! A real Prometheus server, and questions to it.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, http, process::Process, scrape::Scrape, tool};

/// A running server, or an agent.
pub struct Prometheus {
    /// The process.
    pub process: Process,
    /// Where it serves HTTP.
    pub address: String,
    // Removed when the server is dropped.
    folder: TempDir,
}

/// Where it keeps its data, below its folder.
const DATA: &str = "data";

/// One series of an answer.
#[derive(Debug)]
pub struct Row {
    /// Its labels, `__name__` among them.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Prometheus {
    /// Starts `prometheus` or `prometheus3` with this configuration, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start(program: &str, configuration: &str, flags: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be had");
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, configuration).expect("a temporary file can be written");
        let is_agent = flags.contains(&"--agent");
        let storage = if is_agent { "--storage.agent.path" } else { "--storage.tsdb.path" };
        let process = Process::start(
            Command::new(tool(program))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("{storage}={}", folder.path().join(DATA).display()))
                .arg("--web.listen-address=127.0.0.1:0")
                .args(flags),
        );
        let address = listening(&process);
        let server = Self { process, address, folder };
        let ready = || (http::get(&server.address, "/-/ready", &[]).status == 200).then_some(());
        eventually(ready, || format!("{program} is not ready\n{}", server.process.stderr));
        server
    }

    /// Starts one that scrapes by this part of a configuration each second, and evaluates a file of rules as often.
    ///
    /// # Panics
    /// As [`Prometheus::start`].
    #[must_use]
    pub fn scraping(program: &str, scrape_configs: &str, rules: &str) -> Self {
        let configuration = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [\"{rules}\"]\nscrape_configs:\n{scrape_configs}"
        );
        Self::start(program, &configuration, &["--enable-feature=extra-scrape-metrics"])
    }

    /// Where it keeps what it scraped.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// What it says of itself.
    #[must_use]
    pub fn itself(&self) -> Scrape {
        Scrape::parse(http::get(&self.address, "/metrics", &[]).text())
    }

    /// Evaluates an expression, now.
    ///
    /// # Panics
    /// If the server refuses it.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<Row> {
        let answer = http::get(&self.address, &format!("/api/v1/query?query={}", encode(expression)), &[]);
        Row::all(answer.text()).unwrap_or_else(|| panic!("{expression}: {}", answer.text()))
    }

    /// Evaluates an expression until it finds something.
    ///
    /// # Panics
    /// If it never does.
    pub fn find(&self, expression: &str) -> Vec<Row> {
        let found = || Some(self.query(expression)).filter(|rows| !rows.is_empty());
        eventually(found, || format!("{expression} finds nothing\n{}", self.process.stderr))
    }

    /// All rules, once each was evaluated.
    ///
    /// # Panics
    /// If they never are.
    #[must_use]
    pub fn evaluated_rules(&self) -> Vec<Value> {
        eventually(|| self.rules(), || "the rules are not evaluated".to_owned())
    }

    fn rules(&self) -> Option<Vec<Value>> {
        let answer = self.get("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array()?;
        let rules: Vec<_> =
            groups.iter().filter_map(|group| group["rules"].as_array()).flatten().cloned().collect();
        let all_are = !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown");
        all_are.then_some(rules)
    }

    fn get(&self, path: &str) -> Value {
        let response = http::get(&self.address, path, &[]);
        serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Row {
    /// The rows of an answer to a query; `None` if it is none.
    pub(crate) fn all(answer: &str) -> Option<Vec<Self>> {
        let answer: Value = serde_json::from_str(answer).ok()?;
        answer["data"]["result"].as_array()?.iter().map(Self::parse).collect()
    }

    fn parse(row: &Value) -> Option<Self> {
        let labels = row["metric"].as_object()?.iter();
        let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Some(Self { labels: labels.collect::<Option<_>>()?, value: row["value"][1].as_str()?.parse().ok()? })
    }

    /// The value of a label; empty if there is none.
    #[must_use]
    pub fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_default()
    }
}

/// Where a server of the Prometheus project says that it listens.
///
/// # Panics
/// If it does not say so.
#[must_use]
pub fn listening(process: &Process) -> String {
    process.stderr.find(|line| {
        let rest = line.contains("msg=\"Listening on\"").then_some(line)?;
        Some(rest.split_once("address=")?.1.split(' ').next()?.to_owned())
    })
}

/// A query as a part of a URL.
#[must_use]
pub fn encode(query: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    query
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
