//! What happened, as every sink takes it: the kernel's records with wall times, with names where they had numbers, and
//! with places where they had cgroup ids.

mod call;
mod death;
#[cfg(test)]
pub(crate) mod examples;
mod process;

use std::{borrow::Cow, sync::Arc};

use killsnoop_common::cause::Cause;

pub use call::Call;
pub use death::{Death, Memory, OomKill, Posted, Signal};
pub use process::{Background, Comm, Process};

use crate::clock::Clock;

/// One event. The rarer and larger ones are shared by all sinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call that sends a signal has returned.
    Call(Call),
    /// A signal was posted to a process.
    Signal(Arc<Signal>),
    /// A process died of a signal.
    Death(Arc<Death>),
    /// A process was chosen to die because memory ran out.
    OomKill(Arc<OomKill>),
}

/// When something happened, and when it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// In nanoseconds of `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// The same moment, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// When user space read the record, in nanoseconds since 1970; never before `unix_ns`.
    pub observed_unix_ns: u64,
}

impl Time {
    /// The time of a record that was read at about `observed_unix_ns`.
    #[must_use]
    pub fn new(boot_ns: u64, clock: &Clock, observed_unix_ns: u64) -> Self {
        let unix_ns = clock.unix_ns(boot_ns);
        // A record may be younger than the look at the clock, but nothing is observed before it happened.
        Self { boot_ns, unix_ns, observed_unix_ns: observed_unix_ns.max(unix_ns) }
    }
}

/// Who a signal came from, as one word to group by: the sender's name, or `kernel:` and the reason. Whoever wanted the
/// memory that ran out did not send the signal.
#[must_use]
pub fn sender_name(sender: Option<&Process>, cause: Cause) -> Cow<'_, str> {
    match sender {
        Some(sender) if !cause.is_oom() => sender.comm.text(),
        _ => format!("kernel:{}", cause.name()).into(),
    }
}

impl Event {
    /// When it happened.
    #[must_use]
    pub fn time(&self) -> &Time {
        match self {
            Self::Call(call) => &call.time,
            Self::Signal(signal) => &signal.time,
            Self::Death(death) => &death.time,
            Self::OomKill(kill) => &kill.time,
        }
    }
}
