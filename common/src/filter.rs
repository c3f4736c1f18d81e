//! What user space asks the hooks to leave out of the event stream. Counters are never filtered.

use crate::{MAX_SIGNAL, kill::Syscall};

/// Which events are wanted. Set once, before load, as the read-only global `FILTER` of the BPF program.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which signals pass; [`SignalSet::EMPTY`] is all of them, invalid numbers too.
    pub signals: SignalSet,
    /// Only calls by this process, as the initial pid namespace numbers it; 0 is any process.
    pub sender: u32,
    /// 1: only calls whose target, as asked, is `target`.
    pub has_target: u32,
    /// The target as the caller wrote it: a pid, 0 for its own group, -1 for everybody, or a negated group.
    pub target: i32,
    /// 1: only calls that failed.
    pub failed_only: u32,
    /// Bit `n` stands for the [`Syscall`] number `n`; 0 is no event at all.
    pub syscalls: u32,
}
const _: () = assert!(size_of::<Filter>() == 12 + 5 * 4, "Filter has padding");

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Filter {}

impl Filter {
    /// Lets every event pass.
    pub const ALL: Self = Self {
        signals: SignalSet::EMPTY,
        sender: 0,
        has_target: 0,
        target: 0,
        failed_only: 0,
        syscalls: (1 << Syscall::ALL.len()) - 1,
    };

    /// Lets no event pass: nothing is sent where nobody reads.
    pub const NOTHING: Self = Self { syscalls: 0, ..Self::ALL };

    /// Whether the event of a call with these properties is wanted.
    #[must_use]
    #[inline]
    pub const fn wants(&self, syscall: Syscall, sender: u32, target: i32, signal: i32, failed: bool) -> bool {
        // A file descriptor is not a process id, however alike the numbers are.
        let target_fits =
            self.has_target == 0 || (self.target == target && !matches!(syscall, Syscall::PidfdSendSignal));
        self.syscalls >> syscall as u32 & 1 == 1
            && (self.sender == 0 || self.sender == sender)
            && target_fits
            && (self.failed_only == 0 || failed)
            && (self.signals.is_empty() || self.signals.contains(signal))
    }
}

/// A set of the numbers 0 to 64: the signals, and 0, which only asks whether the target exists.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet([u32; 3]);
const _: () = assert!(size_of::<SignalSet>() == 12, "SignalSet has padding");

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = Self([0; 3]);

    /// Adds a number; numbers outside 0 to 64 are left out.
    #[must_use]
    pub const fn with(mut self, signal: i32) -> Self {
        if let Some((word, bit)) = Self::place(signal) {
            self.0[word] |= 1 << bit;
        }
        self
    }

    /// Whether the number is in the set; `false` for numbers outside 0 to 64.
    #[must_use]
    #[inline]
    pub const fn contains(&self, signal: i32) -> bool {
        match Self::place(signal) {
            Some((word, bit)) => self.0[word] >> bit & 1 == 1,
            None => false,
        }
    }

    /// Whether no signal is in the set.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0[0] | self.0[1] | self.0[2] == 0
    }

    /// Word and bit of a number. The words are told apart by comparison, not by division: an index that is
    /// plainly below three is what the BPF verifier can follow.
    #[inline]
    const fn place(signal: i32) -> Option<(usize, i32)> {
        match signal {
            0..32 => Some((0, signal)),
            32..64 => Some((1, signal - 32)),
            MAX_SIGNAL => Some((2, 0)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set = SignalSet::EMPTY.with(0).with(9).with(34).with(63).with(64);
        for signal in -2..=70 {
            assert_eq!(set.contains(signal), [0, 9, 34, 63, 64].contains(&signal), "{signal}");
        }
    }

    #[test]
    fn each_condition_refuses_by_itself() {
        let wants = |filter: Filter| filter.wants(Syscall::Kill, 7, -5, 40, false);
        assert!(wants(Filter::ALL));
        assert!(!wants(Filter::NOTHING));
        assert!(wants(Filter { sender: 7, ..Filter::ALL }));
        assert!(!wants(Filter { sender: 8, ..Filter::ALL }));
        assert!(wants(Filter { has_target: 1, target: -5, ..Filter::ALL }));
        assert!(!wants(Filter { has_target: 1, target: 0, ..Filter::ALL }));
        assert!(!wants(Filter { failed_only: 1, ..Filter::ALL }));
        assert!(wants(Filter { signals: SignalSet::EMPTY.with(40), ..Filter::ALL }));
        assert!(!wants(Filter { signals: SignalSet::EMPTY.with(0), ..Filter::ALL }));
        assert!(!wants(Filter { syscalls: 1 << Syscall::Tkill as u32, ..Filter::ALL }));
    }

    #[test]
    fn a_target_is_never_compared_with_a_file_descriptor() {
        let filter = Filter { has_target: 1, target: 5, ..Filter::ALL };
        assert!(filter.wants(Syscall::Kill, 7, 5, 9, false));
        assert!(!filter.wants(Syscall::PidfdSendSignal, 7, 5, 9, false));
    }

    #[test]
    fn numbers_that_are_no_signal_are_left_out() {
        assert!(SignalSet::EMPTY.with(-1).with(65).with(i32::MAX).with(i32::MIN).is_empty());
    }
}
