//! The guide for users: each question in it that is put to a store finds what it tells of, in a real one.

use std::{collections::BTreeSet, fs, path::PathBuf};

use killsnoop_tests::{
    cgroups,
    exporter::Exporter,
    guide::{GUIDE, questions, worker_is_killed},
    judge::read,
    log_store::LogStore,
    prometheus::Prometheus,
};
use serde_json::Value;
use tempfile::TempDir;

/// `worker.service` as systemd would have it, in each hierarchy that units are looked for in.
struct Unit {
    folders: Vec<PathBuf>,
}

impl Unit {
    fn new() -> Self {
        let folders: Vec<_> =
            cgroups::roots().into_iter().map(|root| root.join("system.slice/worker.service")).collect();
        for folder in &folders {
            fs::create_dir_all(folder).unwrap();
        }
        Self { folders }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The slice goes if nothing else is in it.
            for folder in folder.ancestors().take(2) {
                _ = fs::remove_dir(folder);
            }
        }
    }
}

/// What the guide shows under the questions in this language: the lines of the block after theirs.
fn shown(language: &str) -> Vec<String> {
    let text = read(GUIDE);
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    let block = rest.split("```text\n").nth(1).unwrap().split("\n```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

fn names(row: &Value) -> BTreeSet<String> {
    row.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_question_of_the_guide_to_the_log_store_finds_what_it_shows() {
    let (store, unit, folder) = (LogStore::start(), Unit::new(), TempDir::new().unwrap());
    let exporter = Exporter::start(&["--otlp.endpoint", &format!("{}/v1/logs", store.otlp())]);
    _ = worker_is_killed(folder.path(), &unit.folders);

    let (questions, shown) = (questions("logsql"), shown("logsql"));
    assert!(questions.len() >= 2 && shown.len() > questions.len(), "{questions:?} {shown:?}");
    for (n, question) in questions.iter().enumerate() {
        let row = store.find(question);
        // The first of one question, and all of the next.
        let example: Value = serde_json::from_str(&shown[n]).unwrap();
        assert_eq!(names(&row), names(&example), "{question}: {row}");
    }
    let row = store.find(&questions[0]);
    assert!(row["_msg"].as_str().unwrap().starts_with("worker ("), "{row}");

    // The store is asked for real: it finds nothing of what is not, and says what is no question.
    let elsewhere = questions[0].replace("worker.service", "no-such.service");
    assert_eq!(store.query(&elsewhere), Ok(vec![]));
    assert!(store.query(&questions[0].replace("| fields", "| feilds")).is_err());
    exporter.stop();
}

#[test]
fn every_question_of_the_guide_to_prometheus_finds_what_it_shows() {
    let folder = TempDir::new().unwrap();
    let exporter = Exporter::start(&[]);
    let job =
        format!("  - {{job_name: killsnoop, static_configs: [{{targets: [\"{}\"]}}]}}\n", exporter.address);
    let server = Prometheus::scraping("prometheus3", &job, "none.yaml");
    // What happens is an increase only if something was scraped before.
    server.find("count_over_time(killsnoop_deaths_total[1m]) > 1");
    _ = worker_is_killed(folder.path(), &[]);

    let questions = questions("promql");
    assert!(!questions.is_empty());
    for question in &questions {
        let rows = server.find(question);
        let labels: BTreeSet<_> = rows[0].labels.keys().map(String::as_str).collect();
        let example = &shown("promql")[0];
        assert!(labels.iter().all(|label| example.contains(&format!("{label}=\""))), "{question}: {rows:?}");
        assert_eq!(labels.len(), example.matches("=\"").count(), "{question}: {rows:?}");
    }
    let elsewhere = questions[0].replace("SIGKILL", "SIGXFSZ");
    assert_ne!(elsewhere, questions[0]);
    assert!(server.query(&elsewhere).is_empty());
    exporter.stop();
}
