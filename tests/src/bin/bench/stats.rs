//! Measurements in pairs.

use killsnoop_tests::measure::stats::{Summary, round};
use serde_json::{Value, json};

/// What a loop took without and with a tool, one after the other, in nanoseconds a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    pub(crate) fn push(&mut self, off: f64, on: f64) {
        self.0.push((off, on));
    }

    pub(crate) fn off(&self) -> Option<Summary> {
        Summary::of(self.0.iter().map(|pair| pair.0))
    }

    pub(crate) fn on(&self) -> Option<Summary> {
        Summary::of(self.0.iter().map(|pair| pair.1))
    }

    pub(crate) fn added(&self) -> Option<Summary> {
        Summary::of(self.0.iter().map(|(off, on)| on - off))
    }

    pub(crate) fn ratio(&self) -> Option<Summary> {
        Summary::of(self.0.iter().map(|(off, on)| on / off))
    }

    pub(crate) fn all(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Without each single pair.
    pub(crate) fn summaries(&self) -> Value {
        let parts =
            [("off", self.off()), ("on", self.on()), ("added", self.added()), ("ratio", self.ratio())];
        parts
            .into_iter()
            .map(|(name, part)| (name.to_owned(), part.map_or(Value::Null, Summary::json)))
            .collect()
    }

    pub(crate) fn json(&self) -> Value {
        let mut all = self.summaries();
        all["pairs"] = self.0.iter().map(|(off, on)| json!([round(*off), round(*on)])).collect();
        all
    }
}
