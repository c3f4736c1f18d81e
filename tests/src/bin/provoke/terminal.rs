//! What a terminal sends: by its keys, and by its end.

use std::{
    fs::File,
    os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd},
};

use nix::{
    fcntl::OFlag,
    pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::{Pid, close, setpgid, setsid, tcsetpgrp, write},
};

use crate::troupe::{Part, Player, Troupe, curtain};

/// A session has a terminal, and the victim is in its foreground. `ctrl_c`, `ctrl_backslash` and `ctrl_z` are keys;
/// `hangup` is the other end of the terminal being closed, `leader_exits` the end of the session's first process.
pub(crate) fn terminal(troupe: &mut Troupe, what: &str) {
    let (master, path) = open_terminal();
    let leader = troupe.cast("leader", |part| lead_a_session(part, &master, &path, what));
    curtain();
    match what {
        "ctrl_c" => press(&master, b"\x03"),
        "ctrl_backslash" => press(&master, b"\x1c"),
        "ctrl_z" => press(&master, b"\x1a"),
        "hangup" => drop(master),
        "leader_exits" => leader.cue(),
        _ => panic!("a terminal does not do {what}"),
    }
    // The terminal stays until all is over, unless its end is what is wanted.
    troupe.finish();
}

fn open_terminal() -> (OwnedFd, String) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).expect("there are terminals");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is ours");
    let path = ptsname_r(&master).expect("it has a name");
    // SAFETY: the descriptor is open, and nobody else's.
    (unsafe { OwnedFd::from_raw_fd(PtyMaster::into_raw_fd(master)) }, path)
}

fn press(master: &OwnedFd, key: &[u8]) {
    write(master, key).expect("the terminal is there");
}

fn lead_a_session(part: &Part, master: &OwnedFd, path: &str, what: &str) {
    // Only whoever hangs up may hold the other end.
    close(master.as_raw_fd()).expect("it is open");
    setsid().expect("it leads no group yet");
    // The first terminal that the leader of a session opens is the session's.
    let terminal = File::options().read(true).write(true).open(path).expect("the terminal is there");
    let mut troupe = Troupe::default();
    let victim = troupe.cast("victim", |part| {
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).expect("a child may have a group of its own");
        part.wait();
    });
    tcsetpgrp(&terminal, victim.pid).expect("the group belongs to this terminal");
    match what {
        "hangup" | "leader_exits" => part.wait(),
        "ctrl_z" => {
            part.ready();
            let go_on_after_stop = waitpid(victim.pid, Some(WaitPidFlag::WUNTRACED));
            assert!(go_on_after_stop.is_ok(), "{go_on_after_stop:?}");
            go_on(&victim);
            troupe.finish();
        }
        _ => {
            part.ready();
            troupe.finish();
        }
    }
}

fn go_on(victim: &Player) {
    kill(victim.pid, Signal::SIGCONT).expect("it is a child");
    victim.cue();
}
