//! Medians and ranges.

use serde_json::{Value, json};

/// What many measurements of one thing come to.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The one in the middle, or what lies between the two there.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// How many there are.
    pub n: usize,
}

impl Summary {
    /// Nothing if nothing was measured.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
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

    /// As programs read it.
    #[must_use]
    pub fn json(self) -> Value {
        json!({"median": round(self.median), "min": round(self.min), "max": round(self.max), "n": self.n})
    }
}

/// Digits behind the third say nothing.
#[must_use]
pub fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[test]
fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
    let summary = Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap();
    assert_eq!((summary.median, summary.min, summary.max), (2.5, 1.0, 4.0));
    assert_eq!(Summary::of([7.0]).map(|one| (one.median, one.min)), Some((7.0, 7.0)));
    assert!(Summary::of([]).is_none());
}
