//! The families whose labels users of the machine have a say in, and which of their rows are kept for whatever matters.
//!
//! At the most they have 236, 126 and 106 series, so that with all others a page stays below 600.

use killsnoop_common::{
    MAX_SIGNAL,
    cause::{Cause, Outcome},
    kill::{KillKey, RESULT_OTHER, RESULTS, SIGNAL_OTHER},
};

use super::{
    budget::Combination,
    label::{self, OTHER, REAL_TIME},
};

/// Signal, cause, outcome.
pub(super) type SignalKey = (u32, Cause, Outcome);

/// Signal, cause, and whether the kernel dumped core.
pub(super) type DeathKey = (u32, Cause, bool);

const SIGHUP: u32 = 1;
const SIGINT: u32 = 2;
const SIGQUIT: u32 = 3;
const SIGILL: u32 = 4;
const SIGTRAP: u32 = 5;
const SIGABRT: u32 = 6;
const SIGBUS: u32 = 7;
const SIGFPE: u32 = 8;
const SIGKILL: u32 = 9;
const SIGUSR1: u32 = 10;
const SIGSEGV: u32 = 11;
const SIGUSR2: u32 = 12;
const SIGPIPE: u32 = 13;
const SIGALRM: u32 = 14;
const SIGTERM: u32 = 15;
const SIGCHLD: u32 = 17;
const SIGCONT: u32 = 18;
const SIGSTOP: u32 = 19;
const SIGTSTP: u32 = 20;
const SIGTTIN: u32 = 21;
const SIGTTOU: u32 = 22;
const SIGURG: u32 = 23;
const SIGXCPU: u32 = 24;
const SIGXFSZ: u32 = 25;
const SIGVTALRM: u32 = 26;
const SIGPROF: u32 = 27;
const SIGWINCH: u32 = 28;
const SIGIO: u32 = 29;
const SIGSYS: u32 = 31;
const STANDARD_SIGNALS: std::ops::RangeInclusive<u32> = 1..=31;
const REAL_TIME_SIGNALS: std::ops::RangeInclusive<u32> = 32..=MAX_SIGNAL as u32;

/// Results of calls with standard signals that are shown from the start.
const SHOWN_RESULTS: [&str; 3] = ["ok", "EPERM", "ESRCH"];

/// Signals that are shown from the start.
const SHOWN_SIGNALS: [SignalKey; 7] = [
    (SIGKILL, Cause::Kill, Outcome::Delivered),
    (SIGKILL, Cause::CgroupKill, Outcome::Delivered),
    (SIGKILL, Cause::Oom, Outcome::Delivered),
    (SIGTERM, Cause::Kill, Outcome::Delivered),
    (SIGSEGV, Cause::Fault, Outcome::Delivered),
    (SIGCHLD, Cause::Child, Outcome::Delivered),
    (SIGCHLD, Cause::Child, Outcome::Ignored),
];

/// Where signals usually come from: what is delivered of these has its row.
const USUAL_SIGNALS: [(u32, &[Cause]); 29] = [
    (SIGHUP, &[Cause::Kill, Cause::Tty]),
    (SIGINT, &[Cause::Kill, Cause::Tty]),
    (SIGQUIT, &[Cause::Kill, Cause::Tty]),
    (SIGILL, &[Cause::Fault]),
    (SIGTRAP, &[Cause::Fault, Cause::Ptrace]),
    (SIGABRT, &[Cause::Kill, Cause::Tgkill]),
    (SIGBUS, &[Cause::Fault]),
    (SIGFPE, &[Cause::Fault]),
    (
        SIGKILL,
        &[
            Cause::Kill,
            Cause::Tgkill,
            Cause::Pidfd,
            Cause::Rlimit,
            Cause::ParentDeath,
            Cause::PidnsExit,
            Cause::CgroupKill,
            Cause::Oom,
            Cause::Ptrace,
            Cause::Kernel,
        ],
    ),
    (SIGUSR1, &[Cause::Kill, Cause::Tgkill]),
    (SIGSEGV, &[Cause::Fault]),
    (SIGUSR2, &[Cause::Kill]),
    (SIGPIPE, &[Cause::Pipe]),
    (SIGALRM, &[Cause::Timer]),
    (SIGTERM, &[Cause::Kill, Cause::Pidfd, Cause::ParentDeath]),
    (SIGCHLD, &[Cause::Child]),
    (SIGCONT, &[Cause::Kill, Cause::Tty]),
    (SIGSTOP, &[Cause::Kill]),
    (SIGTSTP, &[Cause::Tty]),
    (SIGTTIN, &[Cause::Tty]),
    (SIGTTOU, &[Cause::Tty]),
    (SIGURG, &[Cause::Tgkill, Cause::Io]),
    (SIGXCPU, &[Cause::Rlimit]),
    (SIGXFSZ, &[Cause::Rlimit]),
    (SIGVTALRM, &[Cause::Timer]),
    (SIGPROF, &[Cause::Timer]),
    (SIGWINCH, &[Cause::Tty]),
    (SIGIO, &[Cause::Io]),
    (SIGSYS, &[Cause::Seccomp]),
];

/// Of these there are many that are not delivered.
const USUALLY_NOT_DELIVERED: [SignalKey; 6] = [
    (SIGCHLD, Cause::Child, Outcome::Ignored),
    (SIGCHLD, Cause::Child, Outcome::AlreadyPending),
    (SIGPIPE, Cause::Pipe, Outcome::Ignored),
    (SIGURG, Cause::Tgkill, Outcome::AlreadyPending),
    (SIGWINCH, Cause::Tty, Outcome::Ignored),
    (SIGCONT, Cause::Kill, Outcome::Ignored),
];

const UNDUMPED: &[bool] = &[false];
const EITHER: &[bool] = &[false, true];

/// Deaths that are shown from the start: kills, crashes, and what runs out.
const SHOWN_DEATHS: [(u32, &[Cause], &[bool]); 12] = [
    (
        SIGKILL,
        &[
            Cause::Kill,
            Cause::Tgkill,
            Cause::Pidfd,
            Cause::Rlimit,
            Cause::PidnsExit,
            Cause::CgroupKill,
            Cause::Oom,
            Cause::OomMemcg,
            Cause::OomGlobal,
            Cause::Kernel,
            Cause::Unknown,
        ],
        UNDUMPED,
    ),
    (SIGTERM, &[Cause::Kill, Cause::Pidfd], UNDUMPED),
    (SIGINT, &[Cause::Tty], UNDUMPED),
    (SIGHUP, &[Cause::Tty], UNDUMPED),
    (SIGPIPE, &[Cause::Pipe], UNDUMPED),
    (SIGSEGV, &[Cause::Fault], EITHER),
    (SIGBUS, &[Cause::Fault], EITHER),
    (SIGILL, &[Cause::Fault], EITHER),
    (SIGFPE, &[Cause::Fault], EITHER),
    (SIGTRAP, &[Cause::Fault], EITHER),
    (SIGABRT, &[Cause::Abort], EITHER),
    (SIGSYS, &[Cause::Seccomp], EITHER),
];

/// Deaths that are rarer, but no surprise.
const USUAL_DEATHS: [(u32, &[Cause], &[bool]); 10] = [
    (SIGKILL, &[Cause::Sigqueue, Cause::ParentDeath, Cause::Ptrace], UNDUMPED),
    (SIGTERM, &[Cause::Sigqueue, Cause::ParentDeath], UNDUMPED),
    (SIGINT, &[Cause::Kill], UNDUMPED),
    (SIGHUP, &[Cause::Kill], UNDUMPED),
    (SIGALRM, &[Cause::Timer], UNDUMPED),
    (SIGUSR1, &[Cause::Kill], UNDUMPED),
    (SIGUSR2, &[Cause::Kill], UNDUMPED),
    (SIGQUIT, &[Cause::Kill, Cause::Tty], EITHER),
    (SIGABRT, &[Cause::Kill, Cause::Pidfd], EITHER),
    (SIGXCPU, &[Cause::Rlimit], EITHER),
];

/// The signals for which the kernel may dump core, see signal(7).
const DUMPING: [u32; 10] =
    [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS];

impl Combination for KillKey {
    type Labels = [&'static str; 2];

    // Failures of real-time signals, and results that are none of theirs.
    const N_PLACES: usize = 40;

    fn shown() -> impl Iterator<Item = Self> {
        let is_shown = |result: &i32| SHOWN_RESULTS.contains(&label::result(*result));
        STANDARD_SIGNALS.flat_map(move |signal| {
            RESULTS.into_iter().filter(is_shown).map(move |result| Self { signal, result })
        })
    }

    fn is_kept(self) -> bool {
        let result = label::result(self.result);
        match self.signal {
            // What has no name of its own shares a row from the first.
            _ if self.result == RESULT_OTHER => true,
            0 => SHOWN_RESULTS.contains(&result),
            signal if STANDARD_SIGNALS.contains(&signal) => SHOWN_RESULTS.contains(&result),
            SIGNAL_OTHER => result == "EINVAL",
            _ => result == "ok",
        }
    }

    fn labels(self) -> Self::Labels {
        [label::signal(self.signal), label::result(self.result)]
    }

    fn shared_labels(self) -> Self::Labels {
        [label::signal(self.signal), OTHER]
    }
}

impl Combination for SignalKey {
    type Labels = [&'static str; 3];

    const N_PLACES: usize = 40;

    fn shown() -> impl Iterator<Item = Self> {
        SHOWN_SIGNALS.into_iter()
    }

    fn is_kept(self) -> bool {
        let (signal, cause, outcome) = self;
        let is_usual =
            || USUAL_SIGNALS.iter().any(|(usual, causes)| *usual == signal && causes.contains(&cause));
        USUALLY_NOT_DELIVERED.contains(&self) || outcome == Outcome::Delivered && is_usual()
    }

    fn labels(self) -> Self::Labels {
        let (signal, cause, outcome) = self;
        [label::signal(signal), cause.name(), outcome.name()]
    }

    fn shared_labels(self) -> Self::Labels {
        [shared_signal(self.0), OTHER, OTHER]
    }
}

impl Combination for DeathKey {
    type Labels = [&'static str; 3];

    const N_PLACES: usize = 14;

    fn shown() -> impl Iterator<Item = Self> {
        SHOWN_DEATHS.into_iter().flat_map(|(signal, causes, dumped)| {
            causes.iter().flat_map(move |cause| dumped.iter().map(move |dumped| (signal, *cause, *dumped)))
        })
    }

    fn is_kept(self) -> bool {
        let (signal, cause, dumped) = self;
        SHOWN_DEATHS.iter().chain(&USUAL_DEATHS).any(|(kept, causes, either)| {
            *kept == signal && causes.contains(&cause) && either.contains(&dumped)
        })
    }

    fn labels(self) -> Self::Labels {
        let (signal, cause, dumped) = self;
        [label::signal(signal), cause.name(), label::yes_or_no(dumped)]
    }

    fn shared_labels(self) -> Self::Labels {
        let (signal, _, dumped) = self;
        // No other signal dumps core, and so none needs a second row.
        [shared_signal(signal), OTHER, label::yes_or_no(dumped && DUMPING.contains(&signal))]
    }
}

/// Real-time signals share one row, as each means whatever its users agree on.
fn shared_signal(signal: u32) -> &'static str {
    if REAL_TIME_SIGNALS.contains(&signal) { REAL_TIME } else { label::signal(signal) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::{prelude::*, sample};

    use super::*;
    use crate::metrics::budget::{Places, Row};

    fn signals() -> Vec<SignalKey> {
        let all = Cause::ALL.iter().flat_map(|cause| Outcome::ALL.map(|outcome| (*cause, outcome)));
        let all: Vec<_> = all.collect();
        (1..=64)
            .flat_map(|signal| all.iter().map(move |(cause, outcome)| (signal, *cause, *outcome)))
            .collect()
    }

    fn deaths() -> Vec<DeathKey> {
        let all: Vec<_> = Cause::ALL.iter().flat_map(|cause| [(*cause, false), (*cause, true)]).collect();
        (1..=64).flat_map(|signal| all.iter().map(move |(cause, dumped)| (signal, *cause, *dumped))).collect()
    }

    /// The most rows that a family can have, however its counts come.
    fn at_most<C: Combination>(all: &[C]) -> usize {
        let kept: BTreeSet<_> =
            all.iter().filter(|key| key.is_kept()).map(|key| format!("{:?}", key.labels())).collect();
        let shared: BTreeSet<_> = all.iter().map(|key| format!("{:?}", key.shared_labels())).collect();
        kept.union(&shared).count() + C::N_PLACES
    }

    #[test]
    fn the_families_have_no_more_rows_than_the_page_has_room_for() {
        let calls: Vec<_> = KillKey::all().collect();
        assert_eq!([at_most(&calls), at_most(&signals()), at_most(&deaths())], [236, 126, 106]);
    }

    fn labels_tell_combinations_apart<C: Combination>(all: &[C]) {
        let own: BTreeSet<_> = all.iter().map(|key| format!("{:?}", key.labels())).collect();
        assert_eq!(own.len(), all.len());
        let shown: BTreeSet<_> = C::shown().collect();
        assert_eq!(shown.len(), C::shown().count());
        assert!(shown.iter().all(|key| key.is_kept() && all.contains(key)), "{shown:?}");
    }

    #[test]
    fn no_two_combinations_share_their_own_row_and_what_is_shown_is_kept() {
        labels_tell_combinations_apart(&KillKey::all().collect::<Vec<_>>());
        labels_tell_combinations_apart(&signals());
        labels_tell_combinations_apart(&deaths());
        assert_eq!(KillKey::shown().count(), 31 * 3);
        assert_eq!(DeathKey::shown().count(), 30);
    }

    #[test]
    fn every_signal_of_a_call_has_rows_of_its_own_and_real_time_signals_share_one_elsewhere() {
        assert_eq!(KillKey::new(40, -3).shared_labels(), ["SIGRTMIN+6", "other"]);
        assert_eq!(KillKey::new(99, -22).shared_labels(), ["other", "other"]);
        assert_eq!((33, Cause::Kill, Outcome::Overflow).shared_labels(), ["SIGRT*", "other", "other"]);
        assert_eq!((1, Cause::Kill, Outcome::Overflow).shared_labels(), ["SIGHUP", "other", "other"]);
        assert_eq!((SIGSEGV, Cause::Kill, true).shared_labels(), ["SIGSEGV", "other", "true"]);
        assert_eq!((64, Cause::Kill, false).shared_labels(), ["SIGRT*", "other", "false"]);
    }

    type Sums<L> = BTreeMap<L, u64>;

    /// Counts per first label, by which the real-time signals may be one.
    fn by_signal(counts: impl IntoIterator<Item = (&'static str, u64)>) -> Sums<&'static str> {
        let mut sums = Sums::new();
        for (signal, n) in counts {
            let is_real_time = signal.starts_with("SIGRT") || ["32", "33"].contains(&signal);
            *sums.entry(if is_real_time { REAL_TIME } else { signal }).or_default() += n;
        }
        sums.retain(|_, n| *n > 0);
        sums
    }

    /// Lets counts grow step by step, and looks at the rows after each.
    fn rows_keep_their_promises<C>(steps: &[Vec<(C, u64)>], all: &[C]) -> Result<(), TestCaseError>
    where
        C: Combination<Labels: AsRef<[&'static str]> + Ord>,
    {
        let limit = at_most(all);
        let (mut places, mut counts, mut before) = (Places::default(), BTreeMap::new(), Sums::new());
        for step in steps {
            for (key, n) in step {
                *counts.entry(*key).or_default() += n;
            }
            let rows: Vec<Row<C>> =
                places.rows(&counts.iter().map(|(key, n)| (*key, *n)).collect::<Vec<_>>());
            let now: Sums<_> = rows.iter().map(|row| (row.labels, row.n)).collect();
            prop_assert_eq!(now.len(), rows.len(), "each row is there once");
            prop_assert!(rows.len() <= limit);
            for (labels, n) in &before {
                prop_assert!(now.get(labels) >= Some(n), "{:?} went down from {}", labels, n);
            }
            let shown = by_signal(now.iter().map(|(labels, n)| (labels.as_ref()[0], *n)));
            let counted = by_signal(counts.iter().map(|(key, n)| (key.labels().as_ref()[0], *n)));
            prop_assert_eq!(shown, counted);
            before = now;
        }
        Ok(())
    }

    fn steps<C: Combination + 'static>(all: Vec<C>) -> impl Strategy<Value = Vec<Vec<(C, u64)>>> {
        let count = (sample::select(all), 0_u64..1000);
        prop::collection::vec(prop::collection::vec(count, 0..120), 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn calls_are_never_lost_and_their_series_never_fall(steps in steps(KillKey::all().collect::<Vec<_>>())) {
            rows_keep_their_promises(&steps, &KillKey::all().collect::<Vec<_>>())?;
        }

        #[test]
        fn signals_are_never_lost_and_their_series_never_fall(steps in steps(signals())) {
            rows_keep_their_promises(&steps, &signals())?;
        }

        #[test]
        fn deaths_are_never_lost_and_their_series_never_fall(steps in steps(deaths())) {
            rows_keep_their_promises(&steps, &deaths())?;
        }

        #[test]
        fn what_matters_has_its_row_whatever_came_before(flood in prop::collection::vec(sample::select(signals()), 200..400)) {
            let mut places = Places::default();
            let _ = places.rows(&flood.into_iter().map(|key| (key, 1)).collect::<Vec<_>>());
            for key in signals().into_iter().filter(|key| key.is_kept()) {
                let rows = places.rows(&[(key, 7)]);
                prop_assert!(rows.iter().any(|row| row.labels == key.labels() && row.n == 7));
            }
        }
    }
}
