//! A real log store that takes OTLP: `VictoriaLogs`.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, http, metrics_store::served_at, process::Process, prometheus::encode, tool};

/// A running store.
pub struct LogStore {
    process: Process,
    address: String,
    // Removed when the store is dropped.
    _folder: TempDir,
}

impl LogStore {
    /// Starts one that is empty.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be had");
        let process = Process::start(
            Command::new(tool("victoria-logs"))
                .args(["-httpListenAddr=127.0.0.1:0", "-loggerTimezone=UTC"])
                .arg(format!("-storageDataPath={}", folder.path().display())),
        );
        let address = served_at(&process);
        Self { process, address, _folder: folder }
    }

    /// The base endpoint for OTLP over HTTP.
    #[must_use]
    pub fn otlp(&self) -> String {
        format!("http://{}/insert/opentelemetry", self.address)
    }

    /// What a `LogsQL` query finds now; what is wrong with it if the store refuses it.
    ///
    /// # Errors
    /// With what the store says.
    ///
    /// # Panics
    /// If it answers with what is no JSON.
    pub fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let path = format!("/select/logsql/query?limit=100&query={}", encode(query));
        let response = http::get(&self.address, &path, &[]);
        if response.status != 200 {
            return Err(format!("{query}: {}", response.text()));
        }
        let rows = response.text().lines().map(|line| serde_json::from_str(line).expect("a row is JSON"));
        Ok(rows.collect())
    }

    /// Waits until a `LogsQL` query finds something, and returns the first of it.
    ///
    /// # Panics
    /// If it finds nothing, or is none.
    pub fn find(&self, query: &str) -> Value {
        let found = || {
            let rows = self.query(query).unwrap_or_else(|error| panic!("{error}"));
            rows.into_iter().next()
        };
        eventually(found, || format!("{query} finds nothing\n{}", self.process.stderr))
    }
}
