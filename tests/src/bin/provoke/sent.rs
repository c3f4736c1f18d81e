//! Signals that a process sends by one of the calls.

use std::{
    os::fd::AsRawFd as _,
    sync::atomic::{AtomicI32, Ordering},
};

use killsnoop_tests::calls::{self, Claim, GONE};
use nix::{
    libc::{self, c_int},
    sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    unistd::{Pid, getpid, pipe, read, setpgid},
};

use crate::{
    system::{self, End},
    troupe::{Part, Player, Troupe, curtain, say},
};

const TERM: i64 = libc::SIGTERM as i64;
const KILL: i64 = libc::SIGKILL as i64;

/// What a queued signal claims in these scenes: to come from process 1.
pub(crate) const CLAIM: Claim = Claim { pid: 1, uid: 12345 };

/// Makes calls when its cue comes, says what each returned, and exits with 0 if all went well.
pub(crate) fn sends<'a>(calls: &'a [(&'a str, i64, i64)]) -> impl FnOnce(&Part) + 'a {
    move |part| {
        part.wait();
        let results = calls.iter().map(|(call, target, signal)| make(call, *target, *signal));
        let n_failed = results.filter(|result| *result != 0).count();
        system::exit(i32::from(n_failed > 0));
    }
}

/// Makes a call, and says what it returned.
pub(crate) fn make(call: &str, target: i64, signal: i64) -> i64 {
    let result = calls::prepare(call, target, signal, CLAIM).expect("there is such a call")();
    say(&format!("returned {result}"));
    result
}

/// A sender makes calls once the test wants to see it.
fn send(troupe: &mut Troupe, calls: &[(&str, i64, i64)]) -> End {
    let sender = troupe.cast("sender", sends(calls));
    curtain();
    sender.cue();
    troupe.end_of(&sender)
}

/// A sender signals a victim by a call.
pub(crate) fn call(troupe: &mut Troupe, call: &str, signal: i64) {
    let victim = troupe.cast("victim", Part::wait);
    // A kernel without such a call leaves it alive.
    if send(troupe, &[(call, target(&victim), signal)]) != End::Exit(0) {
        victim.cue();
    }
}

/// The victim ignores what is sent.
pub(crate) fn ignored(troupe: &mut Troupe, signal: c_int) {
    let victim = troupe.cast("victim", |part| {
        system::ignore(signal);
        part.wait();
    });
    send(troupe, &[("kill", target(&victim), signal.into())]);
    victim.cue();
}

/// The victim has blocked what is sent twice.
pub(crate) fn pending(troupe: &mut Troupe, signal: c_int) {
    let victim = troupe.cast("victim", |part| {
        system::block(signal);
        part.wait();
    });
    send(troupe, &[("kill", target(&victim), signal.into()); 2]);
    victim.cue();
}

/// The victim has ended, and nobody has waited for it yet.
pub(crate) fn zombie(troupe: &mut Troupe, signal: c_int) {
    let victim = troupe.cast("victim", Part::ready);
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(victim.pid), ended).expect("it is a child");
    send(troupe, &[("kill", target(&victim), signal.into())]);
}

/// Nothing comes of any of these calls: no such process, no such signal, not allowed.
pub(crate) fn fails(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", Part::wait);
    let nobody = troupe.cast("nobody", |part| {
        system::become_nobody();
        sends(&[("kill", target(&victim), TERM)])(part);
    });
    send(troupe, &[("kill", GONE, KILL), ("kill", target(&victim), 99), ("kill", target(&victim), -7)]);
    nobody.cue();
    troupe.end_of(&nobody);
    victim.cue();
}

/// Signal 0 asks whether somebody is there, and does nothing.
pub(crate) fn probe(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", Part::wait);
    send(troupe, &[("kill", target(&victim), 0), ("kill", -1, 0)]);
    victim.cue();
}

/// A sender signals its own group, which it is of.
pub(crate) fn own_group(troupe: &mut Troupe) {
    let sender = troupe.cast("sender", |part| {
        lead_a_group(Pid::from_raw(0));
        system::ignore(libc::SIGTERM);
        let mut troupe = Troupe::default();
        let _victims = [(); 2].map(|()| troupe.cast("victim", Part::wait));
        part.wait();
        make("kill", 0, TERM);
        troupe.finish();
    });
    curtain();
    sender.cue();
}

/// A sender signals a group, which it is not of.
pub(crate) fn group(troupe: &mut Troupe) {
    let leader = troupe.cast("victim", |part| {
        lead_a_group(Pid::from_raw(0));
        part.wait();
    });
    let _member = troupe.cast("victim", |part| {
        lead_a_group(leader.pid);
        part.wait();
    });
    send(troupe, &[("kill", -target(&leader), TERM)]);
}

/// Noise: a process signals itself, its child ends, and it is sent what preempts threads of Go programs.
pub(crate) fn to_itself(troupe: &mut Troupe) {
    let noisy = troupe.cast("noisy", |part| {
        system::ignore(libc::SIGUSR1);
        part.wait();
        let mut troupe = Troupe::default();
        troupe.cast("child", Part::ready);
        troupe.finish();
        let own_pid = i64::from(getpid().as_raw());
        let steps = [("kill", libc::SIGUSR1, 1), ("tgkill", libc::SIGURG, 100)];
        for (call, signal, n) in steps {
            let call = calls::prepare(call, own_pid, signal.into(), CLAIM).expect("there is such a call");
            (0..n).for_each(|_| assert_eq!(call(), 0));
        }
        // What it does last is no noise.
        make("kill", GONE, TERM);
    });
    curtain();
    noisy.cue();
}

/// A sender stops the victim, lets it go on, and stops it again by the signal of a terminal's key.
pub(crate) fn jobs(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", Part::wait);
    // SIGTSTP does not stop a group whose parents are all elsewhere, and this group may be such a one.
    setpgid(victim.pid, victim.pid).expect("a child that has run nothing else may be moved");
    let steps = [libc::SIGSTOP, libc::SIGCONT, libc::SIGTSTP, libc::SIGCONT];
    // Each of the senders waits for its cue, so that each is looked at when the one before has had its effect.
    let senders =
        steps.map(|signal| troupe.cast("sender", sends(&[("kill", target(&victim), signal.into())])));
    curtain();
    for (sender, signal) in senders.iter().zip(steps) {
        sender.cue();
        troupe.end_of(sender);
        let flags = WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
        let status = waitpid(victim.pid, Some(flags)).expect("it is a child");
        let is_stop = signal != libc::SIGCONT;
        assert_eq!(matches!(status, WaitStatus::Stopped(..)), is_stop, "{status:?}");
    }
    victim.cue();
}

/// A victim has had a signal of one sender, which it has handled or blocked, when the other kills it.
pub(crate) fn after(troupe: &mut Troupe, what: &str) {
    let (is_handled, handled) = pipe().expect("there are descriptors");
    let victim = troupe.cast("victim", |part| {
        HANDLED.store(handled.as_raw_fd(), Ordering::Relaxed);
        match what {
            "handled" => system::handle(libc::SIGTERM, tell),
            _ => system::block(libc::SIGTERM),
        }
        part.wait();
    });
    let first = troupe.cast("first", sends(&[("kill", target(&victim), TERM)]));
    let second = troupe.cast("second", sends(&[("kill", target(&victim), KILL)]));
    curtain();
    first.cue();
    troupe.end_of(&first);
    if what == "handled" {
        read(&is_handled, &mut [0]).expect("the handler writes");
    }
    second.cue();
}

/// A victim handles a signal, and then sends the same to itself to die of it, as programs do that tidy up first.
pub(crate) fn raised_again(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", |part| {
        system::handle(libc::SIGTERM, raise_again);
        part.wait();
    });
    send(troupe, &[("kill", target(&victim), TERM)]);
}

/// Where the handler writes.
static HANDLED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn tell(_signal: c_int) {
    // SAFETY: writes one byte that is there.
    _ = unsafe { libc::write(HANDLED.load(Ordering::Relaxed), [0_u8].as_ptr().cast(), 1) };
}

extern "C" fn raise_again(signal: c_int) {
    system::default(signal);
    // SAFETY: takes a number.
    unsafe { libc::raise(signal) };
}

/// Makes sure before anything is sent: a signal to the wrong group would hit whoever started this.
fn lead_a_group(group: Pid) {
    setpgid(Pid::from_raw(0), group).unwrap_or_else(|error| panic!("no group of its own: {error}"));
}

fn target(player: &Player) -> i64 {
    player.pid.as_raw().into()
}
