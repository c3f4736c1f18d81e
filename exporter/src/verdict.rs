//! Events in words: a sentence that answers what killed a process, and why.

use crate::event::{Death, OomKill, Signal};

/// Says a death in one sentence, without a full stop.
#[must_use]
pub fn death(death: &Death) -> String {
    format!("{} was killed", death.victim.comm.text())
}

/// Says an OOM kill in one sentence, without a full stop.
#[must_use]
pub fn oom_kill(kill: &OomKill) -> String {
    format!("{} was chosen", kill.victim.comm.text())
}

/// Says a posted signal in one sentence, without a full stop.
#[must_use]
pub fn signal(signal: &Signal) -> String {
    format!("{} was posted", signal.posted.signal_name())
}
