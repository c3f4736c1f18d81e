//! Signals inside a pid namespace of its own, and the end of one.

use nix::{
    libc,
    sched::{CloneFlags, unshare},
    unistd::getpid,
};

use crate::{
    sent::{make, sends},
    troupe::{Part, Player, Troupe, curtain},
};

const TERM: i64 = libc::SIGTERM as i64;

/// The first process of a namespace signals all the others in it.
pub(crate) fn everybody(troupe: &mut Troupe) {
    let outside = troupe.cast("outside", |part| {
        let mut troupe = Troupe::default();
        let init = cast_init(&mut troupe, "sender", |part| {
            let mut troupe = Troupe::default();
            let _victims = [(); 2].map(|()| troupe.cast("victim", Part::wait));
            part.wait();
            // Elsewhere this would be the end of the machine.
            assert_eq!(getpid().as_raw(), 1, "not in a namespace of its own");
            make("kill", -1, TERM);
            troupe.finish();
        });
        pass_the_cue(part, &init, troupe);
    });
    curtain();
    outside.cue();
}

/// One process of a namespace signals another one by the number that it has there.
pub(crate) fn nested(troupe: &mut Troupe) {
    let outside = troupe.cast("outside", |part| {
        let mut troupe = Troupe::default();
        let init = cast_init(&mut troupe, "init", |part| {
            let mut troupe = Troupe::default();
            let victim = troupe.cast("victim", Part::wait);
            let sender = troupe.cast("sender", sends(&[("kill", victim.pid.as_raw().into(), TERM)]));
            part.wait();
            sender.cue();
            troupe.finish();
        });
        pass_the_cue(part, &init, troupe);
    });
    curtain();
    outside.cue();
}

/// The first process of a namespace ends before the others in it: it exits, or somebody outside kills it.
pub(crate) fn init_ends(troupe: &mut Troupe, how: &str) {
    let outside = troupe.cast("outside", |part| {
        let mut troupe = Troupe::default();
        let init = cast_init(&mut troupe, "init", |part| {
            let mut troupe = Troupe::default();
            let _victims = [(); 2].map(|()| troupe.cast("victim", Part::wait));
            part.wait();
        });
        if how == "killed" {
            part.wait();
            make("kill", init.pid.as_raw().into(), libc::SIGKILL.into());
            troupe.finish();
        } else {
            pass_the_cue(part, &init, troupe);
        }
    });
    curtain();
    outside.cue();
}

/// Casts the first process of a new pid namespace. Whoever casts it can cast nobody outside after that.
fn cast_init(troupe: &mut Troupe, role: &str, play: impl FnOnce(&Part)) -> Player {
    unshare(CloneFlags::CLONE_NEWPID).expect("root may make namespaces");
    troupe.cast(role, play)
}

fn pass_the_cue(part: &Part, player: &Player, mut troupe: Troupe) {
    part.wait();
    player.cue();
    troupe.finish();
}
