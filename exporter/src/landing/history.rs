//! How many signals and deaths there were in each minute of the last hour: differences of exact counters, in bounded
//! memory.

use std::collections::VecDeque;

use killsnoop_common::MAX_SIGNAL;

use crate::{counters::Snapshot, signal};

/// Minutes that are shown.
pub(super) const MINUTES: usize = 60;
const MINUTE_NS: u64 = 60 * 1_000_000_000;
/// One for each signal, and one more, because the first has number 1.
const N: usize = MAX_SIGNAL as usize + 1;

/// What is known of the last hour.
#[derive(Debug, Default)]
pub(super) struct History {
    last: Option<Counts>,
    minutes: VecDeque<Minute>,
}

/// Numbers by signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    posted: [u64; N],
    deaths: [u64; N],
}

/// What came in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Minute {
    /// Minutes since 1970.
    at: u64,
    counts: Counts,
}

/// A minute as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// When it began, in nanoseconds since 1970.
    pub(super) unix_ns: u64,
    /// Signals that were posted.
    pub(super) posted: u64,
    /// Processes that a signal ended, by signal, those that did.
    pub(super) deaths: Vec<(i32, u64)>,
    /// Whether the counters were read in it.
    pub(super) is_known: bool,
}

impl Default for Counts {
    fn default() -> Self {
        Self { posted: [0; N], deaths: [0; N] }
    }
}

impl Counts {
    fn of(snapshot: &Snapshot) -> Self {
        let mut counts = Self::default();
        for ((signal, ..), n) in &snapshot.signals {
            add(&mut counts.posted, *signal, *n);
        }
        for ((signal, ..), n) in &snapshot.deaths {
            add(&mut counts.deaths, *signal, *n);
        }
        counts
    }

    fn add_difference(&mut self, new: &Self, old: &Self) {
        for at in 0..N {
            self.posted[at] += new.posted[at].saturating_sub(old.posted[at]);
            self.deaths[at] += new.deaths[at].saturating_sub(old.deaths[at]);
        }
    }
}

fn add(counts: &mut [u64; N], signal: u32, n: u64) {
    if let Some(count) = usize::try_from(signal).ok().and_then(|at| counts.get_mut(at)) {
        *count += n;
    }
}

impl History {
    /// Takes down what came since the last time. The first time there is nothing to compare with.
    pub(super) fn record(&mut self, snapshot: &Snapshot, unix_ns: u64) {
        let new = Counts::of(snapshot);
        let old = self.last.replace(new).unwrap_or(new);
        let at = unix_ns / MINUTE_NS;
        // A clock that was set back does not go through the same minutes again.
        if self.minutes.back().is_none_or(|minute| minute.at < at) {
            if self.minutes.len() == MINUTES {
                self.minutes.pop_front();
            }
            self.minutes.push_back(Minute { at, counts: Counts::default() });
        }
        if let Some(minute) = self.minutes.back_mut() {
            minute.counts.add_difference(&new, &old);
        }
    }

    /// The last hour, the oldest minute first: of one signal, or of all but those that are daily life.
    pub(super) fn shown(&self, wanted: Option<i32>, unix_ns: u64) -> Vec<Shown> {
        let now = unix_ns / MINUTE_NS;
        let first = (now + 1).saturating_sub(MINUTES as u64);
        let mut shown: Vec<_> =
            (first..=now).map(|at| Shown { unix_ns: at * MINUTE_NS, ..Shown::default() }).collect();
        for minute in &self.minutes {
            let at = minute.at.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            if let Some(shown) = at.and_then(|at| shown.get_mut(at)) {
                shown.fill(&minute.counts, wanted);
            }
        }
        shown
    }
}

impl Shown {
    fn fill(&mut self, counts: &Counts, wanted: Option<i32>) {
        self.is_known = true;
        for (signal, (posted, deaths)) in (0..).zip(counts.posted.iter().zip(&counts.deaths)) {
            if wanted.map_or_else(|| !is_daily_life(signal), |wanted| wanted == signal) {
                self.posted += posted;
            }
            if wanted.is_none_or(|wanted| wanted == signal) && *deaths > 0 {
                self.deaths.push((signal, *deaths));
            }
        }
    }

    /// Processes that any signal ended.
    pub(super) fn n_deaths(&self) -> u64 {
        self.deaths.iter().map(|(_, n)| n).sum()
    }
}

/// Signals that machines send all day, and that end nobody who has not asked for it.
pub(super) fn is_daily_life(number: i32) -> bool {
    matches!(&*signal::name(number), "SIGCHLD" | "SIGCONT" | "SIGURG" | "SIGWINCH")
}

#[cfg(test)]
mod tests {
    use killsnoop_common::cause::{Cause, Outcome};

    use super::*;

    const START: u64 = 1_000 * MINUTE_NS;

    fn snapshot(signals: &[(u32, u64)], deaths: &[(u32, u64)]) -> Snapshot {
        let signals = signals.iter().map(|(signal, n)| ((*signal, Cause::Kill, Outcome::Delivered), *n));
        let deaths = deaths.iter().map(|(signal, n)| ((*signal, Cause::Kill, false), *n));
        Snapshot { signals: signals.collect(), deaths: deaths.collect(), ..Snapshot::default() }
    }

    #[test]
    fn each_minute_has_what_came_in_it_and_what_was_there_before_is_in_none() {
        let mut history = History::default();
        history.record(&snapshot(&[(9, 1_000), (17, 5)], &[(9, 100)]), START);
        history.record(&snapshot(&[(9, 1_003), (17, 50)], &[(9, 102), (11, 1)]), START + 5);
        history.record(&snapshot(&[(9, 1_004), (17, 90)], &[(9, 103), (11, 1)]), START + 3 * MINUTE_NS);
        let shown = history.shown(None, START + 3 * MINUTE_NS);
        assert_eq!(shown.len(), MINUTES);
        let known: Vec<_> = shown.iter().filter(|minute| minute.is_known).collect();
        assert_eq!((known[0].posted, &*known[0].deaths), (3, [(9, 2), (11, 1)].as_slice()));
        assert_eq!((known[1].posted, known[1].n_deaths(), known.len()), (1, 1, 2));
        assert_eq!(known[1].unix_ns - known[0].unix_ns, 3 * MINUTE_NS);
    }

    #[test]
    fn one_signal_is_shown_alone_and_daily_life_only_on_request() {
        let mut history = History::default();
        history.record(&snapshot(&[], &[]), START);
        history.record(&snapshot(&[(9, 2), (17, 40)], &[(9, 1), (15, 1)]), START);
        let last = |wanted| history.shown(wanted, START).pop().unwrap();
        assert_eq!((last(Some(17)).posted, last(Some(17)).n_deaths()), (40, 0));
        assert_eq!((last(Some(15)).posted, last(Some(15)).n_deaths()), (0, 1));
        assert_eq!((last(None).posted, last(None).n_deaths()), (2, 2));
    }

    #[test]
    fn neither_time_nor_clocks_that_jump_make_it_grow() {
        let mut history = History::default();
        for minute in (0..200).chain([50, 10_000, 3]) {
            history.record(&snapshot(&[(9, minute)], &[]), START + minute * MINUTE_NS);
        }
        assert_eq!(history.minutes.len(), MINUTES);
        assert!(history.shown(None, 0).iter().all(|minute| !minute.is_known));
        // Numbers that are no signals, and counters that went down, are nothing.
        history.record(&snapshot(&[(9_000, 1), (9, 0)], &[]), START);
    }
}
