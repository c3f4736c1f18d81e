//! Processes that asked to be told of their parent's end.

use nix::{
    libc,
    sys::{prctl, signal::Signal},
};

use crate::{
    sent::sends,
    troupe::{Troupe, curtain},
};

/// The victim's parent ends: it exits, or somebody kills it.
pub(crate) fn parent_ends(troupe: &mut Troupe, how: &str) {
    let parent = troupe.cast("parent", |part| {
        let mut troupe = Troupe::default();
        let _victim = troupe.cast("victim", |part| {
            prctl::set_pdeathsig(Signal::SIGTERM).expect("it is a signal");
            part.wait();
        });
        part.wait();
    });
    if how == "killed" {
        let kill = [("kill", parent.pid.as_raw().into(), libc::SIGKILL.into())];
        let sender = troupe.cast("sender", sends(&kill));
        curtain();
        sender.cue();
    } else {
        curtain();
        parent.cue();
    }
}
