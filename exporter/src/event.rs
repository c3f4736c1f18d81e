//! What happened, as every sink takes it: the kernel's records with wall times, with names where they had numbers, and
//! with places where they had cgroup ids.

mod call;
mod death;
mod process;

use std::sync::Arc;

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

#[cfg(test)]
pub(crate) mod examples {
    //! Events for the tests of the sinks.

    use super::{Arc, Event};
    pub(crate) use super::{
        call::example as call,
        death::{example as death, example_oom_kill as oom_kill, example_signal as signal},
    };

    /// bash (4242) fails to send SIGKILL to 1024.
    pub(crate) fn call_event() -> Event {
        Event::Call(call())
    }

    /// systemd-oomd (612) kills nginx (4711) 0.3 s after a SIGTERM.
    pub(crate) fn death_event() -> Event {
        Event::Death(Arc::new(death()))
    }
}
