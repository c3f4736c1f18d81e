//! Medians and ranges.

use serde_json::{Value, json};

/// What many measurements of one thing come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    n: usize,
}

impl Summary {
    /// Nothing if nothing was measured.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let lower = if values.len() % 2 == 0 { middle.checked_sub(1)? } else { middle };
        Some(Self {
            median: f64::midpoint(values[lower], values[middle]),
            min: *values.first()?,
            max: *values.last()?,
            n: values.len(),
        })
    }

    pub(crate) fn json(self) -> Value {
        json!({"median": round(self.median), "min": round(self.min), "max": round(self.max), "n": self.n})
    }
}

/// Digits behind the third say nothing.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

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

#[test]
fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
    let summary = Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap();
    assert_eq!((summary.median, summary.min, summary.max), (2.5, 1.0, 4.0));
    assert_eq!(Summary::of([7.0]).map(|one| (one.median, one.min)), Some((7.0, 7.0)));
    assert!(Summary::of([]).is_none());
}
