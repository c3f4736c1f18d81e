//! Which combinations of labels have a series of their own, so that a page stays small whatever local users do.
//!
//! The kernel counts more combinations than a page can show. A family keeps rows for those that matter, has a number of
//! places for whichever others come first, and adds up the rest in rows that they share. Nothing is left out: the sum
//! over a family is the sum over the kernel's counters.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    hash::Hash,
};

/// A combination that the kernel counts, as its family shows it. All values come from closed sets.
pub(super) trait Combination: Copy + Ord + Debug {
    /// The values of the labels.
    type Labels: Copy + Eq + Hash + Debug;

    /// How many have a row because they came first.
    const N_PLACES: usize;

    /// Those that are shown before they first happen, because `rate()` and `increase()` do not see the first count of a
    /// series that was not there.
    fn shown() -> impl Iterator<Item = Self>;

    /// Whether it has a row whatever came before it. So has each that is shown from the start.
    fn is_kept(self) -> bool;

    /// Its row.
    fn labels(self) -> Self::Labels;

    /// The row that it shares with others if it has none of its own.
    fn shared_labels(self) -> Self::Labels;
}

/// One series of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<C: Combination> {
    /// The values of its labels.
    pub(super) labels: C::Labels,
    /// Its count: the sum over `of`.
    pub(super) n: u64,
    /// The combinations that are counted here.
    pub(super) of: Vec<C>,
}

/// Who came first. A place is never given back, and who found none stays among the others: so no series ever goes down or
/// vanishes while the exporter runs.
#[derive(Debug)]
pub(super) struct Places<C>(BTreeSet<C>);

impl<C> Default for Places<C> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<C: Combination> Places<C> {
    /// The rows for these counts, those that are always shown first.
    pub(super) fn rows(&mut self, counts: &[(C, u64)]) -> Vec<Row<C>> {
        let mut rows = Rows::default();
        for combination in C::shown() {
            rows.add(combination.labels(), combination, 0);
        }
        for (combination, n) in counts.iter().copied().filter(|(_, n)| *n > 0) {
            let labels =
                if self.admit(combination) { combination.labels() } else { combination.shared_labels() };
            rows.add(labels, combination, n);
        }
        rows.rows
    }

    /// Whether a combination that has happened has a row of its own.
    fn admit(&mut self, combination: C) -> bool {
        if combination.is_kept() || self.0.contains(&combination) {
            return true;
        }
        let is_room = self.0.len() < C::N_PLACES;
        if is_room {
            self.0.insert(combination);
        }
        is_room
    }
}

/// Rows as they are made, found by their labels.
struct Rows<C: Combination> {
    rows: Vec<Row<C>>,
    at: HashMap<C::Labels, usize>,
}

impl<C: Combination> Default for Rows<C> {
    fn default() -> Self {
        Self { rows: Vec::new(), at: HashMap::new() }
    }
}

impl<C: Combination> Rows<C> {
    fn add(&mut self, labels: C::Labels, combination: C, n: u64) {
        let at = *self.at.entry(labels).or_insert(self.rows.len());
        if at == self.rows.len() {
            self.rows.push(Row { labels, n: 0, of: Vec::new() });
        }
        let row = &mut self.rows[at];
        row.n += n;
        if row.of.last() != Some(&combination) {
            row.of.push(combination);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tens share a row, 0 to 2 are kept, of which 0 is always shown.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Toy(u32);

    impl Combination for Toy {
        type Labels = (u32, &'static str);
        const N_PLACES: usize = 2;

        fn shown() -> impl Iterator<Item = Self> {
            [Self(0)].into_iter()
        }

        fn is_kept(self) -> bool {
            self.0 <= 2
        }

        fn labels(self) -> Self::Labels {
            (self.0, "own")
        }

        fn shared_labels(self) -> Self::Labels {
            (self.0 / 10, "shared")
        }
    }

    fn counts<const N: usize>(counts: [(u32, u64); N]) -> [(Toy, u64); N] {
        counts.map(|(toy, n)| (Toy(toy), n))
    }

    fn seen(rows: &[Row<Toy>]) -> Vec<((u32, &'static str), u64)> {
        rows.iter().map(|row| (row.labels, row.n)).collect()
    }

    #[test]
    fn what_comes_first_has_places_and_the_rest_shares_rows_for_ever() {
        let mut places = Places::default();
        assert_eq!(seen(&places.rows(&counts([]))), [((0, "own"), 0)]);
        let rows = places.rows(&counts([(0, 0), (5, 0), (19, 1), (25, 2), (26, 4), (27, 8)]));
        let expected = [((0, "own"), 0), ((19, "own"), 1), ((25, "own"), 2), ((2, "shared"), 12)];
        assert_eq!(seen(&rows), expected);
        assert_eq!(rows[3].of, [Toy(26), Toy(27)]);
        // What comes later finds no place, though it is before the others; what is kept needs none.
        let rows = places.rows(&counts([(1, 1), (5, 1), (19, 1), (25, 2), (26, 5)]));
        let expected =
            [((0, "own"), 0), ((1, "own"), 1), ((0, "shared"), 1), ((19, "own"), 1), ((25, "own"), 2)];
        assert_eq!(seen(&rows)[..5], expected);
        assert_eq!(seen(&rows)[5], ((2, "shared"), 5));
    }

    #[test]
    fn what_is_shown_and_has_happened_is_one_row_of_one_combination() {
        let rows = Places::default().rows(&counts([(0, 3)]));
        assert_eq!(rows, [Row { labels: (0, "own"), n: 3, of: vec![Toy(0)] }]);
    }
}
