//! All figures of a run.

use std::collections::BTreeMap;

use killsnoop_tests::measure::{machine::Machine, stats::Summary};
use serde_json::{Value, json};

use crate::{
    flood::Flood,
    guest::Guest,
    scrape::Scrapes,
    stats::Pairs,
    tools::{Kind, Tool},
    versions,
};

/// What was measured.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) pairs: usize,
    pub(crate) tools: Vec<Figures>,
    pub(crate) scrape: Option<Scrapes>,
    /// Instructions, or why there are none; nothing if they were not asked for.
    pub(crate) guest: Option<Result<Guest, String>>,
}

/// What was measured of one tool.
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Why there is nothing, or no more, to be measured.
    pub(crate) why_not: Option<String>,
    /// By the name of the loop.
    pub(crate) costs: BTreeMap<String, Pairs>,
    /// Milliseconds until it watched.
    pub(crate) starts: Vec<f64>,
    /// MiB, when it had just begun to watch.
    pub(crate) rss: Vec<f64>,
    /// Percent of a CPU while nothing happened.
    pub(crate) idle: Option<f64>,
    pub(crate) flood: Option<Flood>,
}

impl Report {
    pub(crate) fn new(pairs: usize, tools: &[Tool]) -> Self {
        let tools = tools.iter().map(Figures::new).collect();
        Self { machine: Machine::look(versions::all()), pairs, tools, scrape: None, guest: None }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "machine": self.machine.json(),
            "pairs": self.pairs,
            "tools": self.tools.iter().map(Figures::json).collect::<Vec<_>>(),
            "scrape": self.scrape.as_ref().map(Scrapes::json),
            "instructions": self.guest.as_ref().map(instructions),
        })
    }
}

fn instructions(guest: &Result<Guest, String>) -> Value {
    match guest {
        Ok(guest) => json!({
            "kernel": guest.kernel,
            "tools": guest.tools.iter().map(Figures::json).collect::<Vec<_>>(),
        }),
        Err(why) => json!({"why_not": why}),
    }
}

impl Figures {
    pub(crate) fn new(tool: &Tool) -> Self {
        Self {
            name: tool.name.clone(),
            kind: tool.kind,
            why_not: None,
            costs: BTreeMap::new(),
            starts: Vec::new(),
            rss: Vec::new(),
            idle: None,
            flood: None,
        }
    }

    /// One more pair of a loop.
    pub(crate) fn push(&mut self, one: &str, off: f64, on: f64) {
        self.costs.entry(one.to_owned()).or_default().push(off, on);
    }

    /// Why there are no figures, for people.
    pub(crate) fn excuse(&self) -> Option<String> {
        let why = self.why_not.as_ref()?.replace('|', "\\|");
        let what = if self.kind == Kind::Ours { "not on this kernel" } else { "does not work here" };
        Some(format!("{what}: {why}"))
    }

    fn json(&self) -> Value {
        let summary = |values: &[f64]| Summary::of(values.iter().copied()).map(Summary::json);
        json!({
            "name": self.name,
            "why_not": self.why_not,
            "calls": self.costs.iter().map(|(name, pairs)| (name, pairs.json())).collect::<BTreeMap<_, _>>(),
            "start_milliseconds": summary(&self.starts),
            "rss_mib": summary(&self.rss),
            "idle_cpu_percent": self.idle,
            "flood": self.flood.as_ref().map(Flood::json),
        })
    }
}
