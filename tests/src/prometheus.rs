//! A real Prometheus that scrapes what it is told each second.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, http, process::Process, tool};

/// A running server on a port of its own.
pub struct Prometheus {
    /// The process.
    pub process: Process,
    address: String,
    // Removed when the server is dropped.
    _folder: TempDir,
}

/// One series of an answer.
#[derive(Debug)]
pub struct Row {
    /// Its labels, the name of the metric among them.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Prometheus {
    /// Starts this program, `prometheus` or `prometheus3`, with what is below `scrape_configs` and a file of rules.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(program: &str, scrape_configs: &str, rules: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be had");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [\"{rules}\"]\nscrape_configs:\n{scrape_configs}"
        );
        fs::write(&config, text).expect("a temporary file can be written");
        let process = Process::start(
            Command::new(tool(program))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .args(["--web.listen-address=127.0.0.1:0", "--enable-feature=extra-scrape-metrics"]),
        );
        let address = process.stderr.find(|line| {
            let rest = line.contains("msg=\"Listening on\"").then_some(line)?;
            Some(rest.split_once("address=")?.1.split(' ').next()?.to_owned())
        });
        let server = Self { process, address, _folder: folder };
        let ready = || (http::get(&server.address, "/-/ready", &[]).status == 200).then_some(());
        eventually(ready, || format!("{program} is not ready\n{}", server.process.stderr));
        server
    }

    /// Evaluates an expression, now.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<Row> {
        let answer = self.get(&format!("/api/v1/query?query={}", encode(expression)));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().expect("a vector").iter().map(Row::parse).collect()
    }

    /// Evaluates an expression until it finds something.
    ///
    /// # Panics
    /// If it never does.
    pub fn find(&self, expression: &str) -> Vec<Row> {
        let found = || Some(self.query(expression)).filter(|rows| !rows.is_empty());
        eventually(found, || format!("{expression} finds nothing"))
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
    fn parse(row: &Value) -> Self {
        let labels = row["metric"].as_object().expect("labels").iter();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            labels: labels.map(|(name, value)| (name.clone(), text(value))).collect(),
            value: text(&row["value"][1]).parse().expect("a number"),
        }
    }

    /// A label's value; empty if there is none.
    #[must_use]
    pub fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_default()
    }
}

/// A query as a part of a URL.
fn encode(query: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    query
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
