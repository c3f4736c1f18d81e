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
    /// Bit `n` stands for the [`Syscall`] number `n`; 0 is no event of a call.
    pub syscalls: u32,
    /// Which signals do not pass.
    pub excluded: SignalSet,
    /// 1: noise passes too, see [`Filter::is_noise`].
    pub noise: u32,
    /// Which signals are told of as they are posted: [`POSTED_NONE`], [`POSTED_BY_KERNEL`] or [`POSTED_ALL`].
    pub posted: u32,
    /// 1: deaths and OOM kills are told of.
    pub deaths: u32,
}
const _: () = assert!(size_of::<Filter>() == 2 * 12 + 8 * 4, "Filter has padding");

/// No signals are told of as they are posted.
pub const POSTED_NONE: u32 = 0;
/// Signals are told of that no process asked for.
pub const POSTED_BY_KERNEL: u32 = 1;
/// All signals are told of as they are posted, those of calls too.
pub const POSTED_ALL: u32 = 2;

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Filter {}

impl Filter {
    /// Lets the event of every call pass, and no other.
    pub const ALL: Self = Self {
        signals: SignalSet::EMPTY,
        sender: 0,
        has_target: 0,
        target: 0,
        failed_only: 0,
        syscalls: (1 << Syscall::ALL.len()) - 1,
        excluded: SignalSet::EMPTY,
        noise: 1,
        posted: POSTED_NONE,
        deaths: 0,
    };

    /// Lets no event pass: nothing is sent where nobody reads.
    pub const NOTHING: Self = Self { syscalls: 0, ..Self::ALL };

    /// Whether events are wanted of which there can be very many: those of calls and of signals.
    #[must_use]
    pub const fn can_flood(&self) -> bool {
        self.syscalls != 0 || self.posted != POSTED_NONE
    }

    /// Whether the event of a call with these properties is wanted.
    #[must_use]
    #[inline]
    pub const fn wants(&self, syscall: Syscall, sender: u32, target: i32, signal: i32, failed: bool) -> bool {
        // A file descriptor is not a process id, however alike the numbers are.
        let target_fits =
            self.has_target == 0 || (self.target == target && !matches!(syscall, Syscall::PidfdSendSignal));
        #[expect(clippy::cast_sign_loss, reason = "a target that is a process has a positive number")]
        let to_self = target > 0 && target as u32 == sender;
        self.syscalls >> syscall as u32 & 1 == 1
            && (self.sender == 0 || self.sender == sender)
            && target_fits
            && (self.failed_only == 0 || failed)
            && self.wants_signal(signal, to_self)
    }

    /// Whether a signal that was posted is wanted: `by_call` if a process asked for it.
    #[must_use]
    #[inline]
    pub const fn wants_posted(&self, by_call: bool, sender: u32, target: u32, signal: i32) -> bool {
        #[expect(clippy::cast_sign_loss, reason = "a group never equals a process id")]
        let target_fits = self.has_target == 0 || (self.target > 0 && self.target as u32 == target);
        (self.posted == POSTED_ALL || (self.posted == POSTED_BY_KERNEL && !by_call))
            && (self.sender == 0 || self.sender == sender)
            && target_fits
            && self.wants_signal(signal, by_call && sender == target)
    }

    /// Whether it is what goes on all the time and tells nothing of a death: signal 0, SIGCHLD, SIGURG (with which Go
    /// programs preempt their threads), and whatever a process sends to itself but SIGABRT.
    #[must_use]
    #[inline]
    pub const fn is_noise(signal: i32, to_self: bool) -> bool {
        matches!(signal, 0 | SIGCHLD | SIGURG) || (to_self && signal != SIGABRT)
    }

    #[inline]
    const fn wants_signal(&self, signal: i32, to_self: bool) -> bool {
        (self.signals.is_empty() || self.signals.contains(signal))
            && !self.excluded.contains(signal)
            && (self.noise == 1 || !Self::is_noise(signal, to_self))
    }
}

/// Numbers of include/uapi/asm-generic/signal.h.
const SIGABRT: i32 = 6;
const SIGCHLD: i32 = 17;
const SIGURG: i32 = 23;

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
    fn noise_passes_only_if_it_is_asked_for() {
        let quiet = Filter { noise: 0, ..Filter::ALL };
        let wants = |target, signal| quiet.wants(Syscall::Kill, 7, target, signal, false);
        assert!(wants(8, 15) && wants(0, 15) && wants(7, SIGABRT));
        assert!(!wants(8, 0) && !wants(8, SIGCHLD) && !wants(8, SIGURG) && !wants(7, 15));
        assert!(Filter::ALL.wants(Syscall::Kill, 7, 7, SIGURG, false));
        assert!(!Filter { excluded: SignalSet::EMPTY.with(15), ..Filter::ALL }.wants(
            Syscall::Kill,
            7,
            8,
            15,
            false
        ));
    }

    #[test]
    fn signals_that_a_process_asked_for_are_told_of_twice_only_on_request() {
        let by_kernel = Filter { posted: POSTED_BY_KERNEL, ..Filter::ALL };
        assert!(by_kernel.wants_posted(false, 0, 8, 11));
        assert!(!by_kernel.wants_posted(true, 7, 8, 15));
        assert!(Filter { posted: POSTED_ALL, ..Filter::ALL }.wants_posted(true, 7, 8, 15));
        assert!(!Filter::ALL.wants_posted(false, 0, 8, 11));
        let of_target = Filter { has_target: 1, target: 8, ..by_kernel };
        assert!(of_target.wants_posted(false, 0, 8, 11) && !of_target.wants_posted(false, 0, 9, 11));
        assert!(!Filter { target: -8, ..of_target }.wants_posted(false, 0, 8, 11));
        // A fault is the kernel's doing, and no noise.
        assert!(Filter { noise: 0, ..by_kernel }.wants_posted(false, 8, 8, 11));
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
