//! Where a signal came from, what became of it, and what its target was going to do with it: closed sets, so that they
//! can be labels of a metric.

/// What made the kernel send a signal, and so what killed a process.
///
/// The kernel side tells it from what it sees itself: the call that the current task is in, whether the task is
/// exiting, whether an interrupt is being served. What a signal says of itself (`si_code`) can be forged, and is the
/// same for many causes.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// Not known: the signal was posted before the exporter watched, or a tracer put it in.
    Unknown = 0,
    /// kill(2).
    Kill = 1,
    /// tkill(2).
    Tkill = 2,
    /// tgkill(2).
    Tgkill = 3,
    /// `rt_sigqueueinfo(2)` or `rt_tgsigqueueinfo(2)`.
    Sigqueue = 4,
    /// `pidfd_send_signal(2)`.
    Pidfd = 5,
    /// The process did what the processor or the kernel does not let it do.
    Fault = 6,
    /// A seccomp filter ended the process, or told it of a forbidden call.
    Seccomp = 7,
    /// It wrote to a pipe or a socket that nobody reads.
    Pipe = 8,
    /// It went over a limit of setrlimit(2).
    Rlimit = 9,
    /// alarm(2), setitimer(2) or a timer of `timer_create(2)`.
    Timer = 10,
    /// A key on its terminal, or the terminal's end.
    Tty = 11,
    /// Its parent died, and it had asked for this signal then (`PR_SET_PDEATHSIG`).
    ParentDeath = 12,
    /// The first process of its pid namespace ended.
    PidnsExit = 13,
    /// Somebody wrote to `cgroup.kill`.
    CgroupKill = 14,
    /// The kernel was out of memory; of what is not known.
    Oom = 15,
    /// A child ended, stopped or went on.
    Child = 16,
    /// A file or a socket is ready, or has urgent data.
    Io = 17,
    /// A message came to a queue of `mq_notify(3)`.
    Mqueue = 18,
    /// A tracer: `PTRACE_KILL`, or the end of one that had set `PTRACE_O_EXITKILL`.
    Ptrace = 19,
    /// The kernel, for a reason that is not told apart here.
    Kernel = 20,
    /// The process sent SIGABRT to itself, as abort(3) does. Of deaths alone.
    Abort = 21,
    /// Its memory cgroup, or one above it, was at its limit. Of deaths alone.
    OomMemcg = 22,
    /// The machine was out of memory. Of deaths alone.
    OomGlobal = 23,
}

impl Cause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 24] = [
        Self::Unknown,
        Self::Kill,
        Self::Tkill,
        Self::Tgkill,
        Self::Sigqueue,
        Self::Pidfd,
        Self::Fault,
        Self::Seccomp,
        Self::Pipe,
        Self::Rlimit,
        Self::Timer,
        Self::Tty,
        Self::ParentDeath,
        Self::PidnsExit,
        Self::CgroupKill,
        Self::Oom,
        Self::Child,
        Self::Io,
        Self::Mqueue,
        Self::Ptrace,
        Self::Kernel,
        Self::Abort,
        Self::OomMemcg,
        Self::OomGlobal,
    ];

    /// Number of causes that a signal can have, as against a death: those up to [`Cause::Kernel`].
    pub const N_OF_SIGNALS: usize = Self::Kernel as usize + 1;

    /// The cause's name, as labels and attributes have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Kill => "kill",
            Self::Tkill => "tkill",
            Self::Tgkill => "tgkill",
            Self::Sigqueue => "sigqueue",
            Self::Pidfd => "pidfd",
            Self::Fault => "fault",
            Self::Seccomp => "seccomp",
            Self::Pipe => "pipe",
            Self::Rlimit => "rlimit",
            Self::Timer => "timer",
            Self::Tty => "tty",
            Self::ParentDeath => "parent_death",
            Self::PidnsExit => "pidns_exit",
            Self::CgroupKill => "cgroup_kill",
            Self::Oom => "oom",
            Self::Child => "child",
            Self::Io => "io",
            Self::Mqueue => "mqueue",
            Self::Ptrace => "ptrace",
            Self::Kernel => "kernel",
            Self::Abort => "abort",
            Self::OomMemcg => "oom_memcg",
            Self::OomGlobal => "oom_global",
        }
    }

    /// The cause with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The cause of a signal with this number, [`Cause::Unknown`] if there is none: what the BPF program reads back of
    /// what it has written.
    #[must_use]
    #[inline]
    pub const fn known(number: u8) -> Self {
        if number as usize >= Self::N_OF_SIGNALS {
            return Self::Unknown;
        }
        // SAFETY: the numbers of the causes go from 0 up to this one without a gap.
        unsafe { core::mem::transmute::<u8, Self>(number) }
    }

    /// Whether a process asked for the signal by one of the six calls.
    #[must_use]
    pub const fn is_call(self) -> bool {
        matches!(self, Self::Kill | Self::Tkill | Self::Tgkill | Self::Sigqueue | Self::Pidfd | Self::Abort)
    }

    /// Whether memory ran out.
    #[must_use]
    pub const fn is_oom(self) -> bool {
        matches!(self, Self::Oom | Self::OomMemcg | Self::OomGlobal)
    }
}

/// What became of a signal when it was posted: `enum` of include/trace/events/signal.h, in its order.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It is pending, and will be acted on.
    Delivered = 0,
    /// The target ignores it, or is a zombie.
    Ignored = 1,
    /// It was pending already; standard signals do not queue.
    AlreadyPending = 2,
    /// The queue was full: a real-time signal was not sent.
    Overflow = 3,
    /// The queue was full: the signal was sent without its data.
    InfoLost = 4,
}

impl Outcome {
    /// All outcomes, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Delivered, Self::Ignored, Self::AlreadyPending, Self::Overflow, Self::InfoLost];

    /// The outcome's name, as labels and attributes have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored => "ignored",
            Self::AlreadyPending => "already_pending",
            Self::Overflow => "overflow",
            Self::InfoLost => "info_lost",
        }
    }

    /// The outcome with this number, [`Outcome::Delivered`] if there is none, see [`Cause::known`].
    #[must_use]
    #[inline]
    pub const fn known(number: u8) -> Self {
        match number {
            1 => Self::Ignored,
            2 => Self::AlreadyPending,
            3 => Self::Overflow,
            4 => Self::InfoLost,
            _ => Self::Delivered,
        }
    }

    /// The outcome with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What the target was going to do with a signal.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Not known.
    Unknown = 0,
    /// What the kernel does by default (`SIG_DFL`), see signal(7).
    Default = 1,
    /// Nothing (`SIG_IGN`).
    Ignored = 2,
    /// Call a function.
    Handler = 3,
}

impl Action {
    /// All actions, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Default, Self::Ignored, Self::Handler];

    /// The action's name, as attributes have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Default => "default",
            Self::Ignored => "ignored",
            Self::Handler => "handler",
        }
    }

    /// The action with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What ran out of memory.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Not known: this kernel does not let it be seen.
    Unknown = 0,
    /// A memory cgroup, at its limit.
    Memcg = 1,
    /// The machine.
    Global = 2,
}

impl Scope {
    /// All scopes, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Memcg, Self::Global];

    /// The scope's name, as labels and attributes have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Memcg => "memcg",
            Self::Global => "global",
        }
    }

    /// The scope with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_what_they_stand_for() {
        for (number, cause) in (0..).zip(Cause::ALL) {
            assert_eq!((cause as u8, Cause::from_number(number)), (number, Some(cause)));
        }
        for (number, outcome) in (0..).zip(Outcome::ALL) {
            assert_eq!((outcome as u8, Outcome::from_number(number)), (number, Some(outcome)));
        }
        for (number, action) in (0..).zip(Action::ALL) {
            assert_eq!((action as u8, Action::from_number(number)), (number, Some(action)));
        }
        for (number, scope) in (0..).zip(Scope::ALL) {
            assert_eq!((scope as u8, Scope::from_number(number)), (number, Some(scope)));
        }
        assert_eq!(Cause::from_number(24), None);
        assert_eq!(
            [0, 20, 21, 255].map(Cause::known),
            [Cause::Unknown, Cause::Kernel, Cause::Unknown, Cause::Unknown]
        );
    }

    #[test]
    fn no_two_causes_share_a_name() {
        for (n, cause) in Cause::ALL.iter().enumerate() {
            assert!(Cause::ALL[..n].iter().all(|other| other.name() != cause.name()), "{}", cause.name());
        }
    }
}
